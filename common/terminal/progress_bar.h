#pragma once

#include <string>

namespace terminal {

/// True if colours may go to this descriptor: it is a terminal, and NO_COLOR is unset or empty
/// (no-color.org).
bool may_colour(int fd);

/// True if a picture on stderr may move: it is a terminal that can move its cursor (not TERM=dumb), and
/// colours may go there.
bool may_move();

/// A bar of `cells` characters, of which `filled` are full.
std::string bar_of(std::size_t filled, std::size_t cells);

/// One line on stderr that is drawn again and again: a bar, and words behind it. That nobody can read it (a
/// full disk, a closed pipe) ends no work.
class ProgressBar {
 public:
  ProgressBar() = default;
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// False where nothing may move: then lines are to be said, and draw() is not to be called.
  bool moves() const { return moves_; }
  /// A line of its own, above the bar or where nothing moves.
  void say(const std::string& line);
  /// `share` of the bar is full, from 0 to 1.
  void draw(double share, const std::string& words);
  /// Takes the bar away: what is printed next stands in its place.
  void clear();
  /// Leaves the bar where it is: what is printed next stands below it.
  void leave();

 private:
  bool moves_ = may_move();
  bool drawn_ = false;
};

}  // namespace terminal
