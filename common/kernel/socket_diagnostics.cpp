#include "common/kernel/socket_diagnostics.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <vector>

#include "common/net/system_error.h"

namespace kernel {

static_assert(SK_MEMINFO_VARS <= std::tuple_size_v<decltype(DiagnosedSocket::memory)>);

namespace {

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 about;
};

Question question_about(int family) {
  Question question{};
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.about.sdiag_family = static_cast<__u8>(family);
  question.about.sdiag_protocol = IPPROTO_TCP;
  question.about.idiag_ext = 1U << (INET_DIAG_SKMEMINFO - 1U);
  return question;
}

// The form in which an end of a connection is named: port and address in network byte order.
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

void send_question(const net::FileDescriptor& netlink, const Question& question) {
  if (send(netlink.fd(), &question, sizeof question, 0) < 0) throw net::SystemError("send to sock_diag");
}

DiagnosedSocket read_socket(const nlmsghdr* header) {
  const auto* message = static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
  DiagnosedSocket socket{.local_port = ntohs(message->id.idiag_sport),
                         .state = message->idiag_state,
                         .unread = message->idiag_rqueue,
                         .unacknowledged = message->idiag_wqueue};
  // The memory stands in an attribute behind the message.
  auto left = static_cast<unsigned>(header->nlmsg_len - NLMSG_SPACE(sizeof(inet_diag_msg)));
  const auto* attribute = reinterpret_cast<const rtattr*>(message + 1);
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type != INET_DIAG_SKMEMINFO) continue;
    const std::size_t given = RTA_PAYLOAD(attribute);
    std::memcpy(socket.memory.data(), RTA_DATA(attribute), std::min(given, sizeof socket.memory));
  }
  return socket;
}

// Calls `see` with each answer to the last question, of which a single one has but one. ENOENT is an answer
// too: no such socket, or no such family.
void read_answers(const net::FileDescriptor& netlink, bool single,
                  const std::function<void(const DiagnosedSocket&)>& see) {
  std::vector<char> buffer(single ? 8 * 1024 : 256 * 1024);
  for (;;) {
    const ssize_t received = recv(netlink.fd(), buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) throw net::SystemError("recv from sock_diag");
    auto left = static_cast<unsigned>(received);
    const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
    for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) return;
      if (header->nlmsg_type == NLMSG_ERROR) {
        const int error = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
        if (error == ENOENT) return;
        throw net::SystemError("sock_diag", error);
      }
      see(read_socket(header));
      if (single) return;
    }
  }
}

}  // namespace

SocketDiagnostics::SocketDiagnostics()
    : netlink_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {
  if (!netlink_) throw net::SystemError("socket NETLINK_SOCK_DIAG");
}

std::optional<DiagnosedSocket> SocketDiagnostics::find(const sockaddr_storage& local,
                                                       const sockaddr_storage& remote) const {
  Question question = question_about(local.ss_family);
  inet_diag_sockid& id = question.about.id;
  name_end(local, id.idiag_sport, id.idiag_src);
  name_end(remote, id.idiag_dport, id.idiag_dst);
  id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  send_question(netlink_, question);
  std::optional<DiagnosedSocket> found;
  read_answers(netlink_, true, [&found](const DiagnosedSocket& socket) { found = socket; });
  // Where there is no such connection, the kernel answers with a listener on that port.
  if (found && found->state == TCP_LISTEN) return std::nullopt;
  return found;
}

void SocketDiagnostics::for_each(int family, const std::function<void(const DiagnosedSocket&)>& see) const {
  Question question = question_about(family);
  question.header.nlmsg_flags |= NLM_F_DUMP;
  question.about.idiag_states = ~(1U << TCP_LISTEN | 1U << TCP_TIME_WAIT);
  send_question(netlink_, question);
  read_answers(netlink_, false, see);
}

}  // namespace kernel
