// Memory that results hand to each other: the next one of the same size takes it, whoever asks, and nothing is lost.
#include "execution/memory.h"

#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

using namespace pellucid;

namespace {

bool expect(bool right, const char* what) {
  if (!right) std::printf("memory: %s\n", what);
  return right;
}

bool handed_on() {
  Memory first = left_or_fresh(4096);
  std::byte* const place = first.data();
  Memory meanwhile = left_or_fresh(4096);
  bool good = expect(meanwhile.data() != place, "two results share their memory");
  leave(std::move(first));
  good &= expect(left_or_fresh(2048).data() != place, "a result of another size took it");
  good &= expect(left_or_fresh(4096).data() == place, "the next result of the size did not take it");
  return good;
}

bool large_ones_go() {
  const std::size_t large = std::size_t(65) << 20;
  Memory memory = left_or_fresh(large);
  memory.data()[0] = std::byte{1};
  leave(std::move(memory));
  return expect(left_or_fresh(large).data()[0] == std::byte{0}, "what is large was kept");
}

bool many_at_once() {
  std::vector<std::thread> threads;
  std::vector<char> good(4, 1);
  for (int t = 0; t < 4; t++)
    threads.emplace_back([t, &good] {
      for (int i = 0; i < 200; i++) {
        Memory memory = left_or_fresh(4096);
        std::memset(memory.data(), t, 4096);
        for (int k = 0; k < 4096; k++) good[t] &= memory.data()[k] == std::byte(t);
        leave(std::move(memory));
      }
    });
  for (auto& thread : threads) thread.join();
  return expect(good == std::vector<char>(4, 1), "two threads held the same memory");
}

}  // namespace

int main() { return handed_on() && large_ones_go() && many_at_once() ? 0 : 1; }
