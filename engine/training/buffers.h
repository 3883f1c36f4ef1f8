// Memory for training: what one step hands back the next one takes, so that after the first step nothing is asked of
// the system. Contents are whatever was there before.
#pragma once

#include <cstddef>

#include "execution/memory.h"

namespace pellucid::training {

// On a cache line's boundary; goes back to the shelf when it is destroyed.
class Buffer {
 public:
  explicit Buffer(std::size_t bytes);
  ~Buffer();
  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(Buffer&&) = delete;
  std::byte* data() const { return memory.data(); }
  float* floats() const { return reinterpret_cast<float*>(memory.data()); }

 private:
  Memory memory;
};

// Of all buffers: bytes in use, and bytes on the shelf, at most twice the most that was in use at one time.
struct BufferBytes {
  std::size_t in_use, waiting;
};
BufferBytes buffer_bytes();

}  // namespace pellucid::training
