#pragma once

#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "common/harness/judging/guest.h"
#include "common/harness/judging/trial.h"

namespace harness {

/// Buffers of a guest who is to be too slow soon: some tens of kilobytes fill them, at both ends.
inline constexpr ClientBuffers small_buffers{.receive = 4096, .segment = 536};

/// A line that is due and may give any reason for refusing.
inline constexpr std::string_view any_refusal = "* refused: ";

/// What one guest is to hear next.
struct Due {
  Guest* guest = nullptr;
  std::vector<std::string> lines;
};

/// A chat room on trial, and the guests that a check sends into it. Where an answer becomes certain inside,
/// Decided is thrown; Interrupted when the user ends it.
class Room {
 public:
  /// The room speaks as its target's format says.
  explicit Room(Trial& trial);

  Trial& trial() { return trial_; }
  const ChatFormat& format() const { return format_; }

  /// One who begins to connect, and stays valid until it leaves.
  Guest& come(const ClientBuffers& buffers = {});
  /// Waits until each of these has been greeted by name or is gone, or nothing has moved for `span`. True if
  /// all are greeted. Where the room doesn't greet, one of the judge's own guests does: a newcomer is inside
  /// when the two have heard each other, and is known by the name that the other heard.
  bool until_greeted(const std::vector<Guest*>& newcomers, std::chrono::milliseconds span = Trial::silence);
  /// One, or several, who have been greeted so. Not applicable if the room greets not even its first
  /// guest: no check judges a room that has said nothing in it. A *no* later.
  Guest& join(const ClientBuffers& buffers = {});
  std::vector<Guest*> join(std::size_t count);
  /// Let these leave in order: they end their directions, hear what is left for them, and are forgotten once
  /// the room has ended theirs, or after half a second in which it could have. No send of the room's meets a
  /// broken connection so.
  void leave(const std::vector<Guest*>& guests);
  /// Lets all leave so, before an answer stands: what broken connections do to a room is asked elsewhere.
  Finding after_all_left(Finding finding);
  /// Forgets those whose connection it has closed or reset.
  void forget_closed();

  /// Lets all guests do what they wish until `condition()` is true, or nothing has moved for `span` although
  /// the room could have run. Returns its last value.
  template <typename Condition>
  bool until(Condition condition, std::chrono::milliseconds span = Trial::silence) {
    std::vector<Guest*> all;
    for (Guest& guest : guests_) all.push_back(&guest);
    trial_.converse_until(all, trial_.patience(span), condition);
    return condition();
  }
  /// Until all that these were to say is sent, as far as they are still there.
  bool until_said(const std::vector<Guest*>& guests, std::chrono::milliseconds span = Trial::silence);
  /// Until the room has read all that these have sent: nothing of it waits in its kernel's queues.
  void until_read(const std::vector<Guest*>& guests);

  enum class Order { as_due, any };

  /// Waits until each has heard as many lines as are due (news don't count), and takes them. Ends the check
  /// with a no unless they are these: what was done, what was due and what came. What comes beside them is
  /// found by the next call.
  void require(std::vector<Due> dues, const std::string& what_was_done,
               const std::string& often_the_cause = {}, Order order = Order::as_due);
  /// Waits until these have heard the room say so, and ends the check with a no unless each has, once.
  void require_news(const std::vector<Guest*>& listeners, const std::vector<std::string>& news,
                    const std::string& what_was_done);

 private:
  void until_entered(const std::vector<Guest*>& newcomers, std::chrono::milliseconds span);
  void until_greeted_by_the_doorman(const std::vector<Guest*>& newcomers, std::chrono::milliseconds span);

  Trial& trial_;
  const ChatFormat format_;
  std::list<Guest> guests_;
  std::size_t came_ = 0;
  Guest* doorman_ = nullptr;  // one of them, where the room doesn't greet
  bool has_greeted_ = false;
};

/// What others are to hear when a guest says a line.
std::string message(const Guest& speaker, std::string_view line);

/// A line as it may stand in evidence: in quotes, and not too long.
std::string quoted(std::string_view line);

/// Returns when a room has seen that the check's guests have left: how it ended of that; none: it runs.
std::optional<std::string> room_end_after_departures(Trial& trial);

}  // namespace harness
