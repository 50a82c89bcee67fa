#include "common/net/server.h"

#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>

#include "common/net/connection.h"
#include "common/net/listener.h"
#include "common/net/request_work.h"
#include "common/net/system_error.h"

namespace net {

namespace {

void announce(const FileDescriptor& listener) {
  // Flushed at once: into a pipe, stdout would keep the line until its buffer is full.
  if (std::printf("listening on %s\n", Address::of_socket(listener.fd()).to_string().c_str()) < 0 ||
      std::fflush(stdout) != 0) {
    throw SystemError("write to stdout");
  }
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

ListenOptions::ListenOptions(CommandLine& options) {
  options.text("--host", host_, "address or host name to listen on");
  options.number("--port", port_, 0, 65535, "TCP port to listen on; 0 takes a free one");
}

FileDescriptor ListenOptions::listen_and_announce(bool share_port) const {
  FileDescriptor listener =
      open_listener(Address::resolve(host_, static_cast<std::uint16_t>(port_)), share_port);
  announce(listener);
  return listener;
}

ConnectOptions::ConnectOptions(CommandLine& options) {
  options.text("--host", host_, "address or host name of the server");
  options.number("--port", port_, 1, 65535, "TCP port of the server");
}

FileDescriptor ConnectOptions::connect() const {
  return connect_to(Address::resolve(host_, static_cast<std::uint16_t>(port_)));
}

int run_program(const std::string& program, const std::function<int()>& body) {
  try {
    if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) throw SystemError("signal SIGPIPE");
    return body();
  } catch (const UnresolvedHost& error) {
    CommandLine::fail(program, error.what());
  } catch (const std::exception& error) {
    say(program, error.what());
    return 1;
  }
}

int run_server(int argc, char** argv, const std::string& description,
               const std::function<void(FileDescriptor)>& serve,
               const std::function<void(CommandLine&)>& add_options) {
  const std::string program = file_name(argv[0]);
  CommandLine options(program, description);
  const ListenOptions listen(options);
  const RequestWork work(options);
  add_options(options);
  options.parse(argc, argv);
  return run_program(program, [&] {
    exit_on_signal();
    work.begin();
    serve(listen.listen_and_announce());
    return 0;
  });
}

void exit_on_signal() {
  struct sigaction action {};
  action.sa_handler = [](int /*signal*/) { _exit(0); };
  for (const int signal : {SIGTERM, SIGINT}) {
    if (sigaction(signal, &action, nullptr) < 0) throw SystemError("sigaction");
  }
}

}  // namespace net
