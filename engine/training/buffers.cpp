#include "training/buffers.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <mutex>

namespace pellucid::training {
namespace {

struct Shelf {
  std::mutex mutex;
  std::deque<Memory> waiting;  // longest-waiting first
  std::size_t in_use = 0, most_in_use = 0, waiting_bytes = 0;
};

Shelf& shelf() {
  static Shelf& all = *new Shelf;  // never destroyed: arrays may outlive it
  return all;
}

constexpr std::size_t kPage = 4096;

// Pages, or an eighth of the next lower power of two: buffers of nearly one size serve for each other.
std::size_t rounded(std::size_t bytes) {
  const std::size_t step = std::max(kPage, std::bit_floor(bytes | 1) / 8);
  return (std::max<std::size_t>(bytes, 1) + step - 1) / step * step;
}

Memory take(std::size_t bytes) {
  Shelf& s = shelf();
  std::lock_guard lock(s.mutex);
  const auto found =
      std::find_if(s.waiting.rbegin(), s.waiting.rend(), [&](const Memory& m) { return m.size() == bytes; });
  const bool fresh = found == s.waiting.rend();
  Memory memory = fresh ? Memory(bytes) : std::move(*found);
  if (!fresh) s.waiting.erase(std::next(found).base()), s.waiting_bytes -= bytes;
  s.in_use += bytes;
  s.most_in_use = std::max(s.most_in_use, s.in_use);
  return memory;
}

}  // namespace

Buffer::Buffer(std::size_t bytes) : memory(take(rounded(bytes))) {}

Buffer::~Buffer() {
  if (!memory.data()) return;
  Shelf& s = shelf();
  std::lock_guard lock(s.mutex);
  s.in_use -= memory.size();
  s.waiting_bytes += memory.size();
  s.waiting.push_back(std::move(memory));
  while (s.waiting_bytes > 2 * s.most_in_use) {
    s.waiting_bytes -= s.waiting.front().size();
    s.waiting.pop_front();
  }
}

BufferBytes buffer_bytes() {
  Shelf& s = shelf();
  std::lock_guard lock(s.mutex);
  return {s.in_use, s.waiting_bytes};
}

}  // namespace pellucid::training
