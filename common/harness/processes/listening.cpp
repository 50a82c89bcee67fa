#include "common/harness/processes/listening.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace harness {

namespace {

// Inodes of the sockets that the processes hold: /proc/PID/fd links to "socket:[INODE]".
std::set<std::string> socket_inodes(const std::vector<pid_t>& processes) {
  std::set<std::string> inodes;
  for (const pid_t pid : processes) {
    std::error_code gone;
    for (auto entry = std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), gone);
         !gone && entry != std::filesystem::directory_iterator(); entry.increment(gone)) {
      std::error_code closed;
      const std::string target = std::filesystem::read_symlink(entry->path(), closed);
      if (target.starts_with("socket:[")) inodes.insert(target.substr(8, target.size() - 9));
    }
  }
  return inodes;
}

// "0100007F:2328" is 127.0.0.1:9000: each 32 bits of the address as a number of this machine's byte order.
net::Address parse_address(const std::string& text) {
  const auto colon = text.find(':');
  const auto port = static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1), nullptr, 16));
  std::vector<std::uint32_t> words;
  for (std::size_t i = 0; i + 8 <= colon; i += 8)
    words.push_back(static_cast<std::uint32_t>(std::stoul(text.substr(i, 8), nullptr, 16)));
  sockaddr_storage storage{};
  if (words.size() == 1) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = words.front();
    std::memcpy(&storage, &address, sizeof(address));
    return {storage, sizeof(address)};
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  std::memcpy(&address.sin6_addr, words.data(), sizeof(address.sin6_addr));
  std::memcpy(&storage, &address, sizeof(address));
  return {storage, sizeof(address)};
}

}  // namespace

std::vector<net::Address> listening_addresses(const std::vector<pid_t>& processes,
                                              std::optional<std::uint16_t> port) {
  static const std::string listen = "0A";
  const std::set<std::string> inodes = socket_inodes(processes);
  std::vector<net::Address> addresses;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);  // the header
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string skipped;
      std::string local;
      std::string state;
      std::string inode;
      fields >> skipped >> local >> skipped >> state;
      for (int field = 5; field < 10; ++field) fields >> skipped;
      fields >> inode;
      // The kernel prints those that listen before all others (Documentation/networking/proc_net_tcp.rst).
      // After some thousand short connections the others are in TIME-WAIT, and to print them takes a tenth of
      // a second.
      if (state != listen) break;
      if (!inodes.contains(inode)) continue;
      net::Address address = parse_address(local);
      if (!port || address.port() == *port) addresses.push_back(address);
    }
  }
  return addresses;
}

}  // namespace harness
