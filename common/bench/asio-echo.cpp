// The echo server of the lab in Asio's own C++20 coroutines: the counterpart of labs/12-coroutines in `make
// bench`. Built only where asio.hpp is found (Debian's package: libasio-dev).

#include <array>
#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <utility>

namespace {

using asio::ip::tcp;
constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);

asio::awaitable<void> echo(tcp::socket socket) {
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    const auto [receive_error, received] = co_await socket.async_read_some(asio::buffer(buffer), as_tuple);
    if (receive_error) co_return;
    const auto [send_error, sent] =
        co_await asio::async_write(socket, asio::buffer(buffer, received), as_tuple);
    if (send_error) co_return;
  }
}

asio::awaitable<void> accept_all(tcp::acceptor acceptor) {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(as_tuple);
    if (error) continue;
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), echo(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main() {
  try {
    asio::io_context context(1);  // one thread: no locks
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    std::printf("listening on 127.0.0.1:%d\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    asio::co_spawn(context, accept_all(std::move(acceptor)), asio::detached);
    context.run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "asio-echo: %s\n", error.what());
    return 1;
  }
}
