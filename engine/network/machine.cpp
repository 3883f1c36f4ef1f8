// The machine: how many threads, how large its caches are, and what one core can do at most.
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <vector>

#include "execution/memory.h"
#include "execution/pool.h"
#include "isa/isa.h"
#include "isa/kernels.h"
#include "operations/rows.h"
#include "pellucid/engine.h"

namespace pellucid {
namespace {

std::size_t cache_bytes(int index, std::size_t fallback) {
  std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/size");
  std::size_t size = 0;
  char unit = 0;
  if (!(file >> size)) return fallback;
  file >> unit;
  return unit == 'K' ? size << 10 : unit == 'M' ? size << 20 : size;
}

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// The best of several rounds of about 10 ms: others may share the core.
template <class F>
double best_rate(double work, F once) {
  double best = 0;
  for (int round = 0; round < 5; round++) {
    const double start = seconds();
    int times = 0;
    do once(), times++;
    while (seconds() - start < 0.01);
    best = std::max(best, work * times / (seconds() - start));
  }
  return best;
}

double read_rate(std::size_t bytes) {
  Memory memory(bytes);
  auto* floats = reinterpret_cast<float*>(memory.data());
  for (std::size_t i = 0; i < bytes / sizeof(float); i++) floats[i] = 1.0f / float(1 + i % 7);
  volatile bool finite = true;
  return best_rate(double(bytes), [&] { finite = row_functions().finite(floats, bytes / sizeof(float)); });
}

}  // namespace

Hardware hardware() {
  return {usable_threads(),         cache_bytes(0, 32 << 10), cache_bytes(2, 1 << 20),
          cache_bytes(3, 16 << 20), name(isa_in_force()),     why_no_tiles()};
}

Peaks measure_peaks() {
  const Hardware machine = hardware();
  Peaks peaks{};
  peaks.multiply_adds = best_rate(kernels().multiply_adds(1), [] { kernels().multiply_adds(1000); }) * 1000;
  peaks.l1 = read_rate(machine.l1_bytes / 2);
  peaks.l2 = read_rate(machine.l2_bytes / 2);
  peaks.l3 = read_rate(machine.l3_bytes / 4);
  peaks.memory = read_rate(std::size_t(256) << 20);
  return peaks;
}

}  // namespace pellucid
