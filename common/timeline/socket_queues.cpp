#include "common/timeline/socket_queues.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "common/net/system_error.h"

namespace timeline {

namespace {

std::int64_t asked(const net::FileDescriptor& connection, unsigned long request, const char* name) {
  int bytes = 0;
  if (ioctl(connection.fd(), request, &bytes) < 0) throw net::SystemError(name);
  return bytes;
}

std::int64_t option(const net::FileDescriptor& socket, int option, const char* name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (getsockopt(socket.fd(), SOL_SOCKET, option, &value, &size) < 0) throw net::SystemError(name);
  return value;
}

void set_option(const net::FileDescriptor& socket, int option, std::int64_t value, const char* name) {
  const int bytes = static_cast<int>(value);
  if (setsockopt(socket.fd(), SOL_SOCKET, option, &bytes, sizeof bytes) < 0) throw net::SystemError(name);
}

// The form in which sock_diag names an end of a connection: port and address in network byte order.
void name_end(const sockaddr_storage& address, __be16& port, std::span<__be32, 4> words) {
  if (address.ss_family == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&address);
    port = in->sin6_port;
    std::memcpy(words.data(), &in->sin6_addr, sizeof in->sin6_addr);
  } else {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&address);
    port = in->sin_port;
    words[0] = in->sin_addr.s_addr;
  }
}

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 about;
};

Question question_about(const sockaddr_storage& local, const sockaddr_storage& remote) {
  Question question{};
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.about.sdiag_family = static_cast<__u8>(local.ss_family);
  question.about.sdiag_protocol = IPPROTO_TCP;
  question.about.idiag_ext = 1U << (INET_DIAG_SKMEMINFO - 1U);
  inet_diag_sockid& id = question.about.id;
  name_end(local, id.idiag_sport, id.idiag_src);
  name_end(remote, id.idiag_dport, id.idiag_dst);
  id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return question;
}

// The sizes of the buffers stand in an attribute behind the message.
void read_buffer_sizes(std::span<const char> attributes, PeerQueues& queues) {
  while (attributes.size() >= sizeof(rtattr)) {
    const auto* attribute = reinterpret_cast<const rtattr*>(attributes.data());
    if (attribute->rta_len < sizeof(rtattr) || attribute->rta_len > attributes.size()) return;
    if (attribute->rta_type == INET_DIAG_SKMEMINFO) {
      std::array<__u32, SK_MEMINFO_VARS> memory{};
      const std::size_t given = attribute->rta_len - sizeof(rtattr);
      std::memcpy(memory.data(), attributes.data() + sizeof(rtattr), std::min(given, sizeof memory));
      queues.send_buffer = memory[SK_MEMINFO_SNDBUF];
      queues.receive_buffer = memory[SK_MEMINFO_RCVBUF];
    }
    attributes = attributes.subspan(std::min<std::size_t>(RTA_ALIGN(attribute->rta_len), attributes.size()));
  }
}

}  // namespace

std::int64_t unacknowledged_bytes(const net::FileDescriptor& connection) {
  return asked(connection, SIOCOUTQ, "ioctl SIOCOUTQ");
}

std::int64_t unsent_bytes(const net::FileDescriptor& connection) {
  return asked(connection, SIOCOUTQNSD, "ioctl SIOCOUTQNSD");
}

std::int64_t unread_bytes(const net::FileDescriptor& connection) {
  return asked(connection, SIOCINQ, "ioctl SIOCINQ");
}

std::int64_t send_buffer(const net::FileDescriptor& connection) {
  return option(connection, SO_SNDBUF, "getsockopt SO_SNDBUF");
}

std::int64_t receive_buffer(const net::FileDescriptor& connection) {
  return option(connection, SO_RCVBUF, "getsockopt SO_RCVBUF");
}

void set_send_buffer(const net::FileDescriptor& socket, std::int64_t bytes) {
  set_option(socket, SO_SNDBUF, bytes, "setsockopt SO_SNDBUF");
}

void set_receive_buffer(const net::FileDescriptor& socket, std::int64_t bytes) {
  set_option(socket, SO_RCVBUF, bytes, "setsockopt SO_RCVBUF");
}

PeerSocket::PeerSocket(const net::FileDescriptor& connection)
    : diagnosis_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {
  socklen_t size = sizeof peer_;
  if (getpeername(connection.fd(), reinterpret_cast<sockaddr*>(&peer_), &size) < 0) {
    throw net::SystemError("getpeername");
  }
  size = sizeof ours_;
  if (getsockname(connection.fd(), reinterpret_cast<sockaddr*>(&ours_), &size) < 0) {
    throw net::SystemError("getsockname");
  }
}

std::optional<PeerQueues> PeerSocket::ask() const {
  if (!diagnosis_) return std::nullopt;
  const Question question = question_about(peer_, ours_);
  if (send(diagnosis_.fd(), &question, sizeof question, 0) < 0) return std::nullopt;
  alignas(nlmsghdr) std::array<char, 4096> answer{};
  const ssize_t size = recv(diagnosis_.fd(), answer.data(), answer.size(), 0);
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (size < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(inet_diag_msg))) ||
      header->nlmsg_type != SOCK_DIAG_BY_FAMILY) {
    return std::nullopt;  // an NLMSG_ERROR: ENOENT, mostly
  }
  const auto* found = reinterpret_cast<const inet_diag_msg*>(answer.data() + NLMSG_HDRLEN);
  // Where there is no such connection, the kernel answers with a listener on that port.
  if (found->idiag_state == TCP_LISTEN) return std::nullopt;
  const bool open = found->idiag_state == TCP_ESTABLISHED || found->idiag_state == TCP_CLOSE_WAIT;
  PeerQueues queues{
      .unacknowledged = found->idiag_wqueue, .unread = found->idiag_rqueue, .has_closed = !open};
  const std::size_t attributes = NLMSG_SPACE(sizeof(inet_diag_msg));
  read_buffer_sizes(std::span(answer)
                        .first(static_cast<std::size_t>(size))
                        .subspan(std::min(attributes, static_cast<std::size_t>(size))),
                    queues);
  return queues;
}

}  // namespace timeline
