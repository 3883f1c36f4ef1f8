#include "execution/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include "pellucid/engine.h"

namespace pellucid {

Memory::Memory(std::size_t wanted) : bytes(wanted) {
  if (!bytes) return;
  void* got = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED)
    throw Error(Error::Kind::resource, "the system gives no memory", std::to_string(bytes) + " bytes", "",
                std::strerror(errno));
  start = static_cast<std::byte*>(got);
#ifdef MADV_HUGEPAGE
  madvise(got, bytes, MADV_HUGEPAGE);  // 512 times fewer page faults
#endif
}

Memory Memory::in_file(std::size_t bytes) {
  Memory memory;
  if (!bytes) return memory;
  const char* folder = std::getenv("TMPDIR");
  std::string path = std::string(folder && *folder ? folder : "/tmp") + "/pellucid-XXXXXX";
  const auto refuse = [&](const char* what) {
    throw Error(Error::Kind::resource, what, std::to_string(bytes) + " bytes in " + path, "", std::strerror(errno));
  };
  const int file = mkstemp(path.data());
  if (file < 0) refuse("no temporary file can be made; set TMPDIR");
  unlink(path.c_str());
  const int error = posix_fallocate(file, 0, off_t(bytes));  // a full disk is met here, not as a bus error later
  void* got = error ? MAP_FAILED : mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (error) errno = error;
  close(file);
  if (got == MAP_FAILED) refuse("the temporary file does not hold the maps that wait for a later pass");
  memory.start = static_cast<std::byte*>(got), memory.bytes = bytes;
  return memory;
}

Memory::~Memory() {
  if (start) munmap(start, bytes);
}

Memory& Memory::operator=(Memory&& other) noexcept {
  std::swap(start, other.start);
  std::swap(bytes, other.bytes);
  return *this;
}

void Memory::release(std::size_t offset, std::size_t length) const {
  const std::size_t page = 4096, from = (offset + page - 1) / page * page, to = (offset + length) / page * page;
  if (from < to) madvise(start + from, to - from, MADV_DONTNEED);
}

namespace {

constexpr std::size_t kMostLeft = std::size_t(64) << 20;

struct Left {
  std::mutex mutex;
  Memory memory;
};
Left& left() {
  static Left& one = *new Left;  // never destroyed: arrays may outlive it
  return one;
}

}  // namespace

Memory left_or_fresh(std::size_t bytes) {
  {
    std::lock_guard lock(left().mutex);
    if (left().memory.size() == bytes) return std::move(left().memory);
  }
  return Memory(bytes);
}

void leave(Memory memory) {
  if (memory.size() > kMostLeft) return;
  std::lock_guard lock(left().mutex);
  std::swap(left().memory, memory);
}

}  // namespace pellucid
