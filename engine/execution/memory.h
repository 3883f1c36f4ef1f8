// Memory for rings and whole maps: anonymous with large pages where the system grants them, or a temporary file that
// has no name any more, for maps beyond the ceiling. Fresh memory is zero.
#pragma once

#include <cstddef>
#include <string>

namespace pellucid {

class Memory {
 public:
  Memory() = default;
  explicit Memory(std::size_t bytes);
  static Memory in_file(std::size_t bytes);  // under $TMPDIR
  ~Memory();
  Memory(Memory&& other) noexcept { *this = static_cast<Memory&&>(other); }
  Memory& operator=(Memory&& other) noexcept;
  std::byte* data() const { return start; }
  std::size_t size() const { return bytes; }
  // Of a file: the pages [offset, offset + length) need not stay in memory; what was written stays in the file.
  void release(std::size_t offset, std::size_t length) const;

 private:
  std::byte* start = nullptr;
  std::size_t bytes = 0;
};

// Memory of results: what one of the same size has left, with what it holds, or fresh. At most one waits, of up to 64
// MB: the system takes a tenth of a small network's time to map and clear such memory anew.
Memory left_or_fresh(std::size_t bytes);
void leave(Memory memory);

}  // namespace pellucid
