// Backward to weights on matrix tiles. Images are cut into units of some rows, the units into a fixed number of parts;
// each part sums into memory of its own, and the parts are added in order: the same bits for any number of threads.
#include <algorithm>
#include <atomic>

#include "execution/pool.h"
#include "isa/kernels.h"
#include "training/buffers.h"
#include "training/tile_convolution.h"

namespace pellucid::training {
namespace {

constexpr int kParts = 12;         // shared equally by 2, 3, 4, 6 and 12 threads
constexpr int kUnitPixels = 1536;  // about: both operands of 64 channels in half the second cache
constexpr int kUnitRows = 6;       // at least, for the two rows more that are prepared
constexpr std::ptrdiff_t kTileNumbers = kTile * kTile;

constexpr long divide_up(long a, long b) { return (a + b - 1) / b; }

struct Work {
  const int k;
  const TileMaps &x, &gradient;

  const long of_item = divide_up(x.h, std::max<long>(kUnitRows, kUnitPixels / x.pitch()));
  const long rows = divide_up(x.h, of_item), units = x.n * of_item;
  const int parts = int(std::min<long>(kParts, units));
  // Of a part: [ky][kx][tile of oc][tile of ic], then [tile of oc] for the bias.
  const std::ptrdiff_t bias_at = std::ptrdiff_t(k) * k * gradient.groups() * x.groups() * kTileNumbers;
  const std::ptrdiff_t part_size = bias_at + gradient.groups() * kTileNumbers;

  void run(float* weight_gradient, float* bias_gradient, int threads) const {
    threads = std::clamp(threads, 1, parts);
    const std::ptrdiff_t scratch_size = divide_up(unit(0, nullptr, nullptr).scratch_numbers(), 32) * 32;
    const Buffer sums(sizeof(float) * parts * part_size), scratch(sizeof(std::uint16_t) * threads * scratch_size);
    std::atomic<int> next = 0, next_row = 0;
    run_on_threads(threads, [&](int thread, int) {
      auto* own = reinterpret_cast<std::uint16_t*>(scratch.data()) + thread * scratch_size;
      for (int part; (part = next++) < parts;) one_part(part, sums.floats() + part * part_size, own);
    });
    const int rows = k * k * gradient.groups();
    run_on_threads(threads, [&](int, int) {
      for (int row; (row = next_row++) < rows;) finish_row(row, sums.floats(), weight_gradient);
    });
    if (bias_gradient) add_parts(sums.floats() + bias_at, gradient.groups() * kTileNumbers);
    for (int oc = 0; bias_gradient && oc < gradient.c; oc++) bias_gradient[oc] = sums.floats()[bias_at + oc * kTile];
  }

  TileUnit unit(long i, std::uint16_t* scratch, float* sums) const {
    const long item = i / of_item, y = std::min(i % of_item * rows, x.h);
    const int pixels = int(std::min(rows, x.h - y) * x.pitch());
    return {x.row(item, y),
            gradient.row(item, y),
            x.plane(),
            gradient.plane(),
            x.channels(),
            gradient.channels(),
            k,
            int(x.pitch()),
            pixels,
            scratch,
            sums,
            sums + bias_at};
  }

  void one_part(int part, float* sums, std::uint16_t* scratch) const {
    std::fill_n(sums, part_size, 0.0f);
    for (long i = units * part / parts; i < units * (part + 1) / parts; i++)
      if (const TileUnit u = unit(i, scratch, sums); u.pixels) kernels().training->tile_weights(u);
  }

  // To numbers of the first part those of the others, in order of memory: they come from beyond the near caches.
  void add_parts(float* of_first_part, std::ptrdiff_t count) const {
    for (int part = 1; part < parts; part++)
      for (std::ptrdiff_t i = 0; i < count; i++) of_first_part[i] += of_first_part[part * part_size + i];
  }

  // The gradients of one tap and sixteen output channels, to (oc, ic, k, k).
  void finish_row(int row, float* sums, float* weight_gradient) const {
    const int taps = k * k, tap = row / gradient.groups(), oc = row % gradient.groups() * kTile;
    float* tiles = sums + std::ptrdiff_t(row) * x.groups() * kTileNumbers;
    add_parts(tiles, x.groups() * kTileNumbers);
    for (int o = 0; o < kTile && oc + o < gradient.c; o++) {
      float* to = weight_gradient + std::ptrdiff_t(oc + o) * x.c * taps + tap;
      for (int ic = 0; ic < x.c; ic++) to[ic * taps] = tiles[ic / kTile * kTileNumbers + o * kTile + ic % kTile];
    }
  }
};

}  // namespace

void tile_backward_weights(int k, const TileMaps& x, const TileMaps& gradient, float* weight_gradient,
                           float* bias_gradient, int threads) {
  Work{k, x, gradient}.run(weight_gradient, bias_gradient, threads);
}

}  // namespace pellucid::training
