// The check that matrix tiles must pass: the emulation passes on whatever vectors it is built, and tiles that are wrong
// in one number, that add nothing up, or whose instructions the processor refuses do not.
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

}  // namespace

int main() {
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
