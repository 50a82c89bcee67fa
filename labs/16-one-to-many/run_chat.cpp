#include "labs/16-one-to-many/run_chat.h"

#include "common/net/server.h"

int run_chat(int argc, char** argv, const std::string& description,
             const std::function<void(net::FileDescriptor listener)>& serve,
             const std::function<void(net::CommandLine&)>& add_options) {
  const std::string path = argv[0];
  const std::string program = path.substr(path.rfind('/') + 1);
  net::CommandLine options(program, description);
  const net::ListenOptions listen(options);
  add_options(options);
  options.parse(argc, argv);
  return net::run_program(program, [&] {
    net::exit_on_signal();
    serve(listen.listen_and_announce());
    return 0;
  });
}

int run_chat_with_queues(
    int argc, char** argv, const std::string& description,
    const std::function<void(net::FileDescriptor listener, std::size_t queue_bytes)>& serve,
    const std::function<void(net::CommandLine&)>& add_options) {
  std::int64_t queue_bytes = 64 * 1024;
  return run_chat(
      argc, argv, description,
      [&](net::FileDescriptor listener) {
        serve(std::move(listener), static_cast<std::size_t>(queue_bytes));
      },
      [&](net::CommandLine& options) {
        options.number("--queue-bytes", queue_bytes, 4096, 1024 * 1024 * 1024,
                       "bytes that may wait in the program for one listener");
        add_options(options);
      });
}
