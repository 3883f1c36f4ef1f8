// The check that matrix tiles must pass: the emulation passes on whatever vectors it is built, and tiles that are wrong
// in one number, that add nothing up, or whose instructions the processor refuses do not. Tiles that pass are taken
// unasked, and given back after use.
#include "kernels/tiles_check.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "isa/isa.h"
#include "kernels/packed.h"
#include "training/tile_check.h"

using namespace pellucid;

namespace {

void expect(bool true_, const char* what) {
  if (true_) return;
  std::printf("%s\n", what);
  std::exit(1);
}

KernelTable with(void (*tiles)(const PackedTiles&, const ConvolutionCall&)) {
  KernelTable table = kernels(Isa::scalar);
  table.tiles = tiles;
  return table;
}

void wrong_in_one_number(const PackedTiles& packed, const ConvolutionCall& call) {
  kernels(Isa::scalar).tiles(packed, call);
  if (packed.channels == 16) call.out[0][36 * call.out_stride + 26] += 1;
}

// Whether the calling thread has tiles configured or holds numbers in them. Only where there are any.
bool tiles_in_use() {
  unsigned low = 0, high = 0;
#ifdef __x86_64__
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
#endif
  return low >> 17 & 3;
}

}  // namespace

int main() {
  const char* asked = std::getenv("PELLUCID_ISA");
  const bool needed = asked && asked == std::string("amx");
  unsetenv("PELLUCID_ISA");
  expect(name(isa_in_force()) == present_isas().back(), "another instruction set than the best one is in force");
  if (needed) expect(why_no_tiles().empty(), ("no tiles: " + why_no_tiles()).c_str());
  if (why_no_tiles().empty()) {
    expect(tiles_are_right(kernels(Isa::amx), kernels(Isa::scalar)), "tiles depend on the width of vectors");
    expect(!tiles_in_use(), "tiles are kept");
  }
  const KernelTable& right = kernels(Isa::scalar);
  expect(tiles_are_right(right, right), "the emulation differs from itself");
  expect(tiles_are_right(kernels(Isa::amx_emulated), right), "the emulation depends on the width of vectors");
  expect(!tiles_are_right(with(wrong_in_one_number), right), "a wrong number is not noticed");
  expect(!tiles_are_right(with([](const PackedTiles&, const ConvolutionCall&) {}), right), "nothing counts as right");
  const auto refused = [](const PackedTiles&, const ConvolutionCall&) { std::raise(SIGILL); };
  const auto& functions = *right.training;
  expect(training::tiles_are_right(functions, functions), "training on the emulation differs from itself");
  expect(training::tiles_are_right(*kernels(Isa::amx_emulated).training, functions), "training depends on vectors");
  auto wrong = functions;
  wrong.tile_forward = functions.tile_backward;
  expect(!training::tiles_are_right(wrong, functions), "a wrong mask is not noticed");
  wrong = functions;
  wrong.tile_weights = [](const training::TileUnit& unit) {
    kernels(Isa::scalar).training->tile_weights(unit);
    unit.sums[9 * 48 * 64 - 1] += 1;
  };
  expect(!training::tiles_are_right(wrong, functions), "a wrong gradient is not noticed");
  for (int again = 0; again < 2; again++)
    expect(!tiles_are_right(with(refused), right), "a refused instruction counts as right");
}
