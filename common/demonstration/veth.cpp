#include "common/demonstration/veth.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "common/net/system_error.h"

namespace demonstration {

namespace {

// A netlink message as it grows: attributes behind each other, each with its length and padded to 4 bytes; an
// attribute can hold others.
class Message {
 public:
  template <typename Header>
  void append(const Header& header) {
    append(std::as_bytes(std::span(&header, 1)));
  }

  void attribute(std::uint16_t type, std::span<const std::byte> value) {
    const std::size_t start = open(type);
    append(value);
    close(start);
  }
  void attribute(std::uint16_t type, std::string_view text) {
    const std::string terminated(text);
    attribute(type, std::as_bytes(std::span(terminated.c_str(), terminated.size() + 1)));
  }

  // What is appended until close(), which takes what this returns, is inside the attribute.
  std::size_t open(std::uint16_t type) {
    const std::size_t start = bytes_.size();
    append(rtattr{.rta_len = 0, .rta_type = type});
    return start;
  }
  void close(std::size_t start) {
    const auto length = static_cast<std::uint16_t>(bytes_.size() - start);
    std::memcpy(&bytes_[start + offsetof(rtattr, rta_len)], &length, sizeof(length));
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }

  // With the length of all, which comes first.
  std::span<const std::byte> finished() {
    const auto length = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(&bytes_[offsetof(nlmsghdr, nlmsg_len)], &length, sizeof(length));
    return bytes_;
  }

 private:
  void append(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }

  std::vector<std::byte> bytes_;
};

// Sends a request to the kernel and waits for its answer, which is there before send returns. Throws what it
// says.
void ask_kernel(std::span<const std::byte> request, const std::string& what) {
  const net::FileDescriptor kernel{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  if (!kernel) throw net::SystemError("socket AF_NETLINK");
  if (send(kernel.fd(), request.data(), request.size(), 0) < 0) throw net::SystemError("send to netlink");
  std::array<std::byte, 4096> answer{};
  if (recv(kernel.fd(), answer.data(), answer.size(), 0) < 0) throw net::SystemError("recv from netlink");
  nlmsgerr outcome{};
  std::memcpy(&outcome, &answer[NLMSG_HDRLEN], sizeof(outcome));
  if (outcome.error != 0) throw net::SystemError(what, -outcome.error);
}

}  // namespace

void make_cable(const std::string& name, const net::FileDescriptor& other) {
  Message message;
  message.append(nlmsghdr{.nlmsg_len = 0,
                          .nlmsg_type = RTM_NEWLINK,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
                          .nlmsg_seq = 1,
                          .nlmsg_pid = 0});
  message.append(ifinfomsg{});
  message.attribute(IFLA_IFNAME, name);
  const std::size_t link = message.open(IFLA_LINKINFO);
  message.attribute(IFLA_INFO_KIND, "veth");
  const std::size_t data = message.open(IFLA_INFO_DATA);
  const std::size_t peer = message.open(VETH_INFO_PEER);
  message.append(ifinfomsg{});
  message.attribute(IFLA_IFNAME, name);
  const int fd = other.fd();
  message.attribute(IFLA_NET_NS_FD, std::as_bytes(std::span(&fd, 1)));
  message.close(peer);
  message.close(data);
  message.close(link);
  ask_kernel(message.finished(), "make a veth pair");
}

}  // namespace demonstration
