#include "common/testing/conversation.h"

#include <doctest/doctest.h>

#include <csignal>

#include "common/testing/connection.h"
#include "common/testing/processes.h"

namespace {

// Answers the second message wrongly.
const std::string wrong_answer = R"(
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
client, _ = listener.accept()
client.sendall(client.recv(6, socket.MSG_WAITALL))
client.recv(6, socket.MSG_WAITALL)
print("send took 3 of 6 bytes", file=sys.stderr, flush=True)
client.sendall(b"wor")
client.shutdown(socket.SHUT_WR)
while client.recv(100): pass
)";

void talk(const std::string& last) {
  testing::ServerProcess server({.words = {"python3", "-c", wrong_answer}});
  testing::Connection client(server.address());
  client.send("Hello!");
  REQUIRE(client.receive(6) == "Hello!");
  REQUIRE(server.pause());
  for (const char* const part : {"w", "o", "rld!"}) client.send(part);
  server.send_signal(SIGCONT);
  CHECK(client.receive(6) == last);
  client.send("later");
}

}  // namespace

// common/testing/test_conversation_of_cpp.py runs those that are skipped, and reads what they print.

TEST_CASE("conversation: one that is as expected is not told of" * doctest::skip()) { talk("wor"); }

TEST_CASE("conversation: a wrong answer" * doctest::skip()) { talk("world!"); }

TEST_CASE("conversation: an exception" * doctest::skip()) {
  testing::ServerProcess server({.words = {"sh", "-c", "echo listening on 127.0.0.1:9; exec sleep 60"}});
  testing::Connection client(server.address());
}

TEST_CASE("conversation: many steps" * doctest::skip()) {
  for (int i = 1; i <= 100; ++i) testing::note("counter", std::to_string(i));
  FAIL("enough");
}
