#pragma once

#include <condition_variable>
#include <optional>
#include <string>
#include <thread>

#include "common/net/file_descriptor.h"
#include "common/timeline/live_display.h"
#include "common/timeline/record.h"
#include "common/timeline/socket_queues.h"
#include "common/timeline/transfer.h"

namespace timeline {

enum class Side { sender, receiver };

/// A second thread that watches a transfer while the first one is in it, perhaps blocked in send: it samples
/// the queues for the record and shows them live. It ends with the object, after a last sample. What it is
/// given must outlive it: stop observing before the connection is closed.
class Observer {
 public:
  /// `waiting` says of the sender what it does while there is no room: "blocked in send".
  Observer(const std::string& program, Side side, const net::FileDescriptor& connection,
           const Transfer& transfer, Record& record, std::string waiting = "");

 private:
  void run(const std::stop_token& stop);
  void sample();
  void show();
  void show_sender();
  void show_receiver();
  std::optional<PeerQueues> ask_peer() const;

  std::string program_;
  Side side_;
  const net::FileDescriptor& connection_;
  const Transfer& transfer_;
  Record& record_;
  std::string waiting_;
  LiveDisplay display_;
  std::optional<PeerSocket> peer_;  // none if the connection was reset at once
  std::jthread thread_;             // last: it uses all of the above
};

}  // namespace timeline
