// An echo server on libuv, the event loop under Node.js, as a counterpart from a package (Debian: libuv1-dev)
// for `make bench`. Written as libuv's guide advises for speed: the read buffer is reused, and what has been
// read goes back with uv_try_write at once; only what the socket doesn't take is copied and queued with
// uv_write. Source: https://docs.libuv.org/en/v1.x/stream.html
//
// Run:  libuv-echo        takes a free port and prints it

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

// A write that waits for the socket, with its bytes behind it.
struct queued_write {
  uv_write_t request;
  char bytes[];
};

static void must(int status, const char* call) {
  if (status >= 0) return;
  fprintf(stderr, "%s: %s\n", call, uv_strerror(status));
  exit(1);
}

static void on_closed(uv_handle_t* handle) { free(handle); }

static void end(uv_stream_t* connection) {
  if (!uv_is_closing((uv_handle_t*)connection)) uv_close((uv_handle_t*)connection, on_closed);
}

static void on_written(uv_write_t* request, int status) {
  if (status < 0) end(request->handle);
  free(request->data);
}

static void queue(uv_stream_t* connection, const char* bytes, size_t count) {
  struct queued_write* write = malloc(sizeof(*write) + count);
  if (write == NULL) {
    end(connection);
    return;
  }
  memcpy(write->bytes, bytes, count);
  write->request.data = write;
  uv_buf_t rest = uv_buf_init(write->bytes, (unsigned)count);
  if (uv_write(&write->request, connection, &rest, 1, on_written) >= 0) return;
  free(write);
  end(connection);
}

static void lend_buffer(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
  static char bytes[64 * 1024];  // one for all: it is empty again when on_read returns
  (void)handle;
  (void)suggested;
  *buffer = uv_buf_init(bytes, sizeof(bytes));
}

static void on_read(uv_stream_t* connection, ssize_t received, const uv_buf_t* buffer) {
  uv_buf_t all = uv_buf_init(buffer->base, received > 0 ? (unsigned)received : 0);
  const int written = received > 0 ? uv_try_write(connection, &all, 1) : 0;
  if (received < 0 || (written < 0 && written != UV_EAGAIN)) {
    end(connection);
    return;
  }
  const size_t sent = written < 0 ? 0 : (size_t)written;
  if (sent < all.len) queue(connection, all.base + sent, all.len - sent);
}

static void on_connection(uv_stream_t* listener, int status) {
  if (status < 0) return;
  uv_tcp_t* connection = malloc(sizeof(*connection));
  if (connection == NULL) return;
  must(uv_tcp_init(listener->loop, connection), "uv_tcp_init");
  uv_stream_t* stream = (uv_stream_t*)connection;
  if (uv_accept(listener, stream) < 0 || uv_tcp_nodelay(connection, 1) < 0 ||
      uv_read_start(stream, lend_buffer, on_read) < 0) {
    end(stream);
  }
}

int main(void) {
  uv_tcp_t listener;
  struct sockaddr_in address;
  int size = sizeof(address);
  must(uv_tcp_init(uv_default_loop(), &listener), "uv_tcp_init");
  must(uv_ip4_addr("127.0.0.1", 0, &address), "uv_ip4_addr");
  must(uv_tcp_bind(&listener, (const struct sockaddr*)&address, 0), "uv_tcp_bind");
  must(uv_listen((uv_stream_t*)&listener, SOMAXCONN, on_connection), "uv_listen");
  must(uv_tcp_getsockname(&listener, (struct sockaddr*)&address, &size), "uv_tcp_getsockname");
  printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
