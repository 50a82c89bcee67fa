// The ceiling that `make bench` holds lab 16's rooms against: the least that a server can do that writes what
// one client says to all others, in plain C. One system call to wait, one to receive, one to send for each.
//
// What it leaves out, and labs/16-one-to-many has: lines and names, a queue for bytes that a socket doesn't
// take (here the listener is closed), descriptors that run out, signals, options, more than one address.
//
// Run:  minimal-room        takes a free port and prints it

#define _GNU_SOURCE  // accept4
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most = 4096 };
static int inside[most];  // the connections, in the order in which they came
static int count;

static int must(int result, const char* call) {
  if (result >= 0) return result;
  perror(call);
  exit(1);
}

static void watch(int epoll, int descriptor) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
  must(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
}

static void leave(int connection) {
  int left = 0;
  for (int i = 0; i < count; ++i) {
    if (inside[i] != connection) inside[left++] = inside[i];
  }
  count = left;
  close(connection);
}

static void write_to_all(int speaker) {
  static char buffer[16 * 1024];
  const ssize_t received = recv(speaker, buffer, sizeof(buffer), 0);
  if (received <= 0) {
    leave(speaker);
    return;
  }
  for (int i = 0; i < count;) {
    const int listener = inside[i];
    if (listener == speaker || send(listener, buffer, (size_t)received, MSG_NOSIGNAL) == received) {
      ++i;
    } else {
      leave(listener);  // the next one stands in its place now
    }
  }
}

int main(void) {
  const int listener = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(address);
  must(bind(listener, (struct sockaddr*)&address, size), "bind");
  must(listen(listener, SOMAXCONN), "listen");
  must(getsockname(listener, (struct sockaddr*)&address, &size), "getsockname");
  printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);

  const int epoll = must(epoll_create1(0), "epoll_create1");
  watch(epoll, listener);
  struct epoll_event events[256];
  for (;;) {
    const int ready = must(epoll_wait(epoll, events, 256, -1), "epoll_wait");
    for (int i = 0; i < ready; ++i) {
      if (events[i].data.fd != listener) {
        write_to_all(events[i].data.fd);
        continue;
      }
      const int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
      if (connection < 0) continue;
      if (count == most) {
        close(connection);
        continue;
      }
      const int on = 1;
      setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      watch(epoll, connection);
      inside[count++] = connection;
    }
  }
}
