#include "common/net/pending_bytes.h"

#include <stdexcept>

namespace net {

void PendingBytes::append(std::span<const char> more) {
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
