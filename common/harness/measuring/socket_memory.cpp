#include "common/harness/measuring/socket_memory.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "common/net/file_descriptor.h"
#include "common/net/system_error.h"

namespace harness {

namespace {

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

void ask_for_sockets(const net::FileDescriptor& netlink, std::uint8_t family) {
  Request request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = family;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_ext = 1U << (INET_DIAG_SKMEMINFO - 1);
  request.body.idiag_states = ~(1U << TCP_LISTEN | 1U << TCP_TIME_WAIT);
  if (send(netlink.fd(), &request, sizeof(request), 0) < 0) throw net::SystemError("send to sock_diag");
}

std::int64_t held_bytes(const inet_diag_msg* message, std::size_t size) {
  auto left = static_cast<unsigned>(size - NLMSG_ALIGN(sizeof(inet_diag_msg)));
  const auto* attribute = reinterpret_cast<const rtattr*>(message + 1);
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type != INET_DIAG_SKMEMINFO) continue;
    const auto* memory = static_cast<const std::uint32_t*>(RTA_DATA(attribute));
    return std::int64_t{memory[SK_MEMINFO_RMEM_ALLOC]} + memory[SK_MEMINFO_WMEM_QUEUED] +
           memory[SK_MEMINFO_FWD_ALLOC] + memory[SK_MEMINFO_OPTMEM] + memory[SK_MEMINFO_BACKLOG];
  }
  return 0;
}

}  // namespace

SocketMemory socket_memory_of_port(std::uint16_t port) {
  SocketMemory total;
  std::vector<char> buffer(256 * 1024);
  for (const int family : {AF_INET, AF_INET6}) {
    const net::FileDescriptor netlink{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
    if (!netlink) throw net::SystemError("socket NETLINK_SOCK_DIAG");
    ask_for_sockets(netlink, static_cast<std::uint8_t>(family));
    for (bool done = false; !done;) {
      const ssize_t received = recv(netlink.fd(), buffer.data(), buffer.size(), 0);
      if (received < 0 && errno == EINTR) continue;
      if (received < 0) throw net::SystemError("recv from sock_diag");
      auto left = static_cast<unsigned>(received);
      const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
      for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
        if (header->nlmsg_type == NLMSG_ERROR) {
          const int error = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
          if (error != ENOENT) throw net::SystemError("sock_diag", error);  // ENOENT: no IPv6 on this machine
        }
        if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
          done = true;
          break;
        }
        const auto* message = static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
        if (ntohs(message->id.idiag_sport) != port) continue;
        ++total.sockets;
        total.bytes += held_bytes(message, header->nlmsg_len - NLMSG_HDRLEN);
      }
    }
  }
  return total;
}

}  // namespace harness
