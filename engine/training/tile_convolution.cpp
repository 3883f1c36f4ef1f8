// Forward and backward to data on matrix tiles, band by band: a band is rows of one image as one long row of pixels,
// and its input and output stay in the second cache. Pixels that end rows are computed with the others and made zero
// after.
#include "training/tile_convolution.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "execution/pool.h"
#include "isa/kernels.h"
#include "kernels/packed.h"
#include "training/buffers.h"
#include "training/slope_sums.h"

namespace pellucid::training {
namespace {

constexpr int kBandPixels = 3072;  // about
constexpr int kBlock = 32;         // outputs whose weights lie together
constexpr std::size_t kSums = kTileSums * sizeof(float);

constexpr long divide_up(long a, long b) { return (a + b - 1) / b; }

std::uint16_t to_bf16(float x) {  // to nearest, ties to even; NaN stays one
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);
  return std::uint16_t((x == x ? rounded : bits | 0x400000) >> 16);
}

template <class F>
void for_each(long count, int threads, F work) {
  std::atomic<long> next = 0;
  run_on_threads(int(std::clamp<long>(threads, 1, count)), [&](int thread, int) {
    for (long i; (i = next++) < count;) work(i, thread);
  });
}

// Equal shares of an image's rows.
struct Bands {
  explicit Bands(const TileMaps& maps) : maps(maps) {}
  const TileMaps& maps;
  const long of_item = divide_up(maps.pixels(), kBandPixels), rows = divide_up(maps.h, of_item);
  const long count = maps.n * of_item;  // some may have no rows

  struct Band {
    long item, y, rows;
  };
  Band operator[](long i) const {
    const long y = std::min(i % of_item * rows, maps.h);
    return {i / of_item, y, std::min(rows, maps.h - y)};
  }
};

// The zeros before each plane of an image and, with the last image, behind it.
void clear_borders(const TileMaps& maps, long item) {
  const std::ptrdiff_t before = maps.before() * maps.pixel();
  std::uint16_t* first = maps.row(item, 0) - before;
  const int planes = maps.planes() + (item == maps.n - 1);
  for (int p = 0; p < planes; p++) std::fill_n(first + p * maps.whole_plane(), before, std::uint16_t(0));
}

void clear_margins(const TileMaps& maps, long item, long y, long rows) {
  for (long r = y; r < y + rows; r++)
    for (int p = 0; p < maps.planes(); p++) std::fill_n(maps.margin(item, r, p), maps.pixel(), std::uint16_t(0));
}

// Where the weight of an output, an input and a tap lies.
struct WeightOrder {
  const float* first;
  std::ptrdiff_t oc, ic, y, x;
};

// As PackedTiles says, for channels in whole groups of 16.
class Packing {
 public:
  Packing(const PackedTiles& packed, int ic, const WeightOrder& order, std::uint16_t* to)
      : packed(packed), ic(ic), order(order), to(to) {}

  void run(int threads) const {
    const int kh = packed.shape.kh;
    for_each(divide_up(packed.shape.oc, kBlock) * kh, threads, [&](long i, int) { row(int(i / kh), int(i % kh)); });
  }

 private:
  const PackedTiles& packed;
  const int ic;  // that there are
  const WeightOrder& order;
  std::uint16_t* const to;

  void row(int block, int ky) const {
    std::uint16_t* out = to + std::ptrdiff_t(block * packed.shape.kh + ky) * packed.planes * packed.steps * 1024;
    for (int plane = 0; plane < packed.planes; plane++)
      for (int step = 0; step < packed.steps; step++, out += 1024)
        for (int k = 0; k < 32; k++)
          number(block * kBlock, ky, plane, step * 32 + k - packed.lead, out + k / 2 * 32 + k % 2);
  }

  // The weights of 32 outputs for one number of a run: [2 tiles of 512][16 outputs of 2].
  void number(int oc, int ky, int plane, int number, std::uint16_t* out) const {
    const int kx = number / packed.channels, c = plane * packed.channels + number % packed.channels;
    const int there = number >= 0 && c < ic ? std::min(packed.shape.oc - oc, kBlock) : 0;
    const float* from = order.first + oc * order.oc + c * order.ic + ky * order.y + kx * order.x;
    for (int o = 0; o < kBlock; o++) out[o / 16 * 512 + o % 16 * 2] = o < there ? to_bf16(from[o * order.oc]) : 0;
  }
};

// One convolution from maps to maps, with everything that is made for it.
class Convolution {
 public:
  Convolution(int k, const WeightOrder& order, const float* bias, const TileActivation& activation,
              const TileMaps& from, const TileMaps& to, int threads)
      : activation(activation),
        from(from),
        to(to),
        threads(threads),
        shape{from.channels(), to.c, k, k, 1, 1, 1, 1, 1, k / 2, k / 2},
        weights(2 * tiles_of(shape, false, {}, nullptr).steps * 1024 * k * from.planes() * divide_up(to.c, kBlock)),
        per_channel(divide_up(to.c, kBlock) * kBlock),
        epilogue(2 * sizeof(float) * per_channel) {
    float *biases = epilogue.floats(), *slopes = biases + per_channel;
    std::fill_n(biases, 2 * per_channel, 0.0f);
    if (bias) std::copy_n(bias, to.c, biases);
    if (activation.slope) std::copy_n(activation.slope, to.c, slopes);
    const auto packed_weights = reinterpret_cast<std::uint16_t*>(weights.data());
    packed = tiles_of(shape, false, {activation.kind, biases, slopes}, packed_weights);
    Packing(packed, from.c, order, packed_weights).run(threads);
  }

  void run(void (*kernel)(const TileBand&), float* slope_gradient) const {
    const Bands bands(to);
    const Buffer scratch(kSums * std::clamp<long>(threads, 1, bands.count));
    const SlopeSums sums(slope_gradient, bands.count, to.c, to.channels());
    for_each(bands.count, threads, [&](long i, int thread) {
      const auto [item, y, rows] = bands[i];
      if (y == 0) clear_borders(to, item);
      if (rows == 0) return;
      one(kernel, item, y, rows, scratch.data() + thread * kSums, sums.of(i));
      clear_margins(to, item, y, rows);
    });
    sums.finish();
  }

 private:
  const TileActivation& activation;
  const TileMaps &from, &to;
  const int threads;
  const ConvolutionShape shape;
  const Buffer weights;
  const long per_channel;
  const Buffer epilogue;
  PackedTiles packed;

  void one(void (*kernel)(const TileBand&), long item, long y, long rows, void* scratch, float* sums) const {
    const float* in[3];
    for (int ky = 0; ky < shape.kh; ky++)
      in[ky] = reinterpret_cast<const float*>(from.row(item, y + ky - shape.pad_top));
    float* out[] = {reinterpret_cast<float*>(to.row(item, y))};
    const int pixels = int(rows * to.pitch());
    const ConvolutionCall call{in, from.channels(), out,          to.channels(), 1, 0, pixels, pixels,
                               {}, scratch,         from.plane(), to.plane()};
    const long first = item * to.pixels() + y * to.pitch();
    std::uint16_t* mask = activation.mask ? activation.mask + first * to.groups() : nullptr;
    const std::uint16_t* shown = activation.shown ? activation.shown + (to.row(item, y) - to.data) : nullptr;
    kernel({packed, call, mask, shown, sums});
  }
};

// The channels of a whole plane: a copy whose length the compiler knows.
void copy_pixels(const std::uint16_t* from, std::ptrdiff_t from_step, std::uint16_t* to, std::ptrdiff_t to_step,
                 long pixels) {
  for (long x = 0; x < pixels; x++, from += from_step, to += to_step)
    std::memcpy(to, from, sizeof(std::uint16_t) * kPlane);
}

// Calls work(first number in the dense map, numbers of a pixel that are there, first in its plane) for every row of
// every plane, and makes the zeros around them.
template <class T, class F>
void rows_to_tiles(const T* dense, const TileMaps& maps, int threads, F work) {
  for_each(maps.n * maps.h, threads, [&](long i, int) {
    const long item = i / maps.h, y = i % maps.h;
    if (y == 0) clear_borders(maps, item);
    const int pixel = maps.pixel();
    for (int p = 0; p < maps.planes(); p++)
      work(dense + i * maps.w * maps.c + p * pixel, std::min(pixel, maps.c - p * pixel),
           maps.row(item, y) + p * maps.whole_plane());
    clear_margins(maps, item, y, 1);
  });
}

}  // namespace

void to_tiles(const std::uint16_t* dense, const TileMaps& maps, int threads) {
  rows_to_tiles(dense, maps, threads, [&](const std::uint16_t* from, int there, std::uint16_t* to) {
    const int pixel = maps.pixel();
    if (there == kPlane) return copy_pixels(from, maps.c, to, kPlane, maps.w);
    for (long x = 0; x < maps.w; x++, to += pixel, from += maps.c)
      std::fill(std::copy_n(from, there, to), to + pixel, std::uint16_t(0));
  });
}

void to_tiles(const float* dense, const TileMaps& maps, int threads) {
  rows_to_tiles(dense, maps, threads, [&](const float* from, int there, std::uint16_t* to) {
    kernels().training->to_bf16({from, maps.c, to, maps.pixel(), there, maps.w});
  });
}

void from_tiles(const TileMaps& maps, std::uint16_t* dense, int threads) {
  for_each(maps.n * maps.h, threads, [&](long i, int) {
    const int pixel = maps.pixel();
    for (int p = 0; p < maps.planes(); p++) {
      const int there = std::min(pixel, maps.c - p * pixel);
      const std::uint16_t* from = maps.row(i / maps.h, i % maps.h) + p * maps.whole_plane();
      std::uint16_t* to = dense + i * maps.w * maps.c + p * pixel;
      if (there == kPlane)
        copy_pixels(from, kPlane, to, maps.c, maps.w);
      else
        for (long x = 0; x < maps.w; x++, from += pixel, to += maps.c) std::copy_n(from, there, to);
    }
  });
}

void tile_forward(int k, const float* weight, const float* bias, const TileActivation& activation, const TileMaps& x,
                  const TileMaps& y, int threads) {
  const WeightOrder order{weight, std::ptrdiff_t(x.c) * k * k, k * k, k, 1};
  Convolution(k, order, bias, activation, x, y, threads).run(kernels().training->tile_forward, nullptr);
}

void tile_backward_data(int k, const float* weight, const TileMaps& gradient, const TileActivation& activation,
                        const TileMaps& x_gradient, int threads) {
  const bool active = activation.kind != Activation::none;
  const auto* functions = kernels().training;
  // The other way round, and every kernel turned by half.
  const WeightOrder order{weight + k * k - 1, k * k, std::ptrdiff_t(x_gradient.c) * k * k, -k, -1};
  Convolution(k, order, nullptr, activation, gradient, x_gradient, threads)
      .run(active ? functions->tile_backward : functions->tile_forward, activation.slope_gradient);
}

void tile_back_through(const TileActivation& activation, const TileMaps& gradient, int threads) {
  const Buffer slopes(sizeof(float) * gradient.channels());
  std::fill_n(slopes.floats(), gradient.channels(), 0.0f);
  if (activation.slope) std::copy_n(activation.slope, gradient.c, slopes.floats());
  const PackedTiles packed{.shape = {},
                           .epilogue = {activation.kind, nullptr, slopes.floats()},
                           .weight = nullptr,
                           .parts = 1,
                           .channels = gradient.pixel(),
                           .planes = gradient.planes(),
                           .runs = 0,
                           .steps = 0,
                           .lead = 0};
  const Bands bands(gradient);
  const SlopeSums sums(activation.slope_gradient, bands.count, gradient.c, gradient.channels());
  for_each(bands.count, threads, [&](long i, int) {
    const auto [item, y, rows] = bands[i];
    float* out[] = {reinterpret_cast<float*>(gradient.row(item, y))};
    const int pixels = int(rows * gradient.pitch());
    const ConvolutionCall call{nullptr, 0,       out, gradient.channels(), 1, 0, pixels, pixels,
                               {},      nullptr, 0,   gradient.plane()};
    std::uint16_t* mask = activation.mask + (item * gradient.pixels() + y * gradient.pitch()) * gradient.groups();
    const std::uint16_t* shown =
        activation.shown ? activation.shown + (gradient.row(item, y) - gradient.data) : nullptr;
    kernels().training->tile_back_through({packed, call, mask, shown, sums.of(i)});
  });
  sums.finish();
}

}  // namespace pellucid::training
