#include "common/net/pending_bytes.h"

#include <stdexcept>

namespace net {

void PendingBytes::append(std::span<const char> more) {
  // More has been sent than waits: to move what waits costs less than those bytes did, and a queue that is
  // never empty doesn't grow by what has left it.
  if (consumed_ > bytes_.size() / 2) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(consumed_));
    consumed_ = 0;
  }
  bytes_.insert(bytes_.end(), more.begin(), more.end());
}

void PendingBytes::consume(std::size_t count) {
  if (count > bytes().size()) throw std::out_of_range("PendingBytes::consume: more than there is");
  consumed_ += count;
  if (consumed_ == bytes_.size()) {
    std::vector<char>().swap(bytes_);  // clear() would keep the capacity
    consumed_ = 0;
  }
}

}  // namespace net
