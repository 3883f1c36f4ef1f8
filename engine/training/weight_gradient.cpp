// Backward to weights and bias. The batch is cut into units of some rows, the units into a fixed number of parts; each
// part sums into memory of its own, and the parts are added in order: the same bits for any number of threads.
#include <algorithm>
#include <atomic>

#include "execution/pool.h"
#include "isa/kernels.h"
#include "kernels/winograd.h"
#include "training/buffers.h"
#include "training/convolution.h"
#include "training/strip.h"

namespace pellucid::training {
namespace {

constexpr int kParts = 12;    // shared equally by 2, 3, 4, 6 and 12 threads
constexpr int kTiles = 64;    // of one unit, about: a third of their transforms lies in the second cache
constexpr int kPixels = 512;  // of one unit without Winograd
constexpr int kLine = 16;     // floats in a cache line, and in the widest vector
using winograd::kSide, winograd::kFrequencies, winograd::kA, winograd::kB, winograd::kPairs, winograd::kFrequencyOf;
constexpr int kOfPair = kFrequencies / kPairs;  // a unit is transformed and multiplied pair by pair

constexpr long divide_up(long a, long b) { return (a + b - 1) / b; }
constexpr int to_lines(int c) { return int(divide_up(c, kLine)) * kLine; }

// Rows of tiles of S x S pixels every 4, read where the map lies. Channels fill whole lines. Tiles that reach beyond
// the map are copied, with zeros around.
template <int S>
struct TilesOfMap {
  const ConstMaps& maps;
  long pad_top, pad_left;
  int across;
  const float* zeros;  // a row
  float* patch;        // S x S pixels

  // Those of the row of tiles whose first output row is y, as TileRow says, all else given in `row`.
  void run(void (*transform)(const TileRow&), TileRow row, long item, long y) const {
    const float* rows[S];
    for (int i = 0; i < S; i++) {
      const long from = y - pad_top + i;
      rows[i] = from >= 0 && from < maps.h ? maps.data + (item * maps.h + from) * maps.w * maps.c : zeros;
    }
    row.stride = row.channels = maps.c;
    const int first = int(std::min<long>((pad_left + 3) / 4, across));
    const int last = int(std::clamp<long>((maps.w + pad_left - S + 4) / 4, first, across));
    for (int t = 0; t < first; t++) edge(transform, row, rows, t);
    if (last > first) {
      const float* inside[S];
      for (int i = 0; i < S; i++) inside[i] = rows[i] + (first * 4 - pad_left) * maps.c;
      TileRow all = row;
      all.rows = inside, all.tiles = last - first, all.to = row.to + std::ptrdiff_t(first) * maps.c;
      transform(all);
    }
    for (int t = last; t < across; t++) edge(transform, row, rows, t);
  }

 private:
  void edge(void (*transform)(const TileRow&), TileRow row, const float* const* rows, int t) const {
    const float* from[S];
    for (int i = 0; i < S; i++) {
      float* to = patch + std::ptrdiff_t(i) * S * maps.c;
      from[i] = to;
      for (int j = 0; j < S; j++, to += maps.c) {
        const long x = t * 4 - pad_left + j;
        if (x >= 0 && x < maps.w)
          std::copy_n(rows[i] + x * maps.c, maps.c, to);
        else
          std::fill_n(to, maps.c, 0.0f);
      }
    }
    row.rows = from, row.tiles = 1, row.to += std::ptrdiff_t(t) * maps.c;
    transform(row);
  }
};

// What both ways share: units, parts, and who adds up.
struct Work {
  const ConvolutionShape& shape;
  const ConstMaps &x, &gradient;
  const bool by_frequencies = shape.kh == 3 && shape.kw == 3 && shape.stride_y == 1 && shape.stride_x == 1 &&
                              shape.dilation_y == 1 && shape.dilation_x == 1 && shape.groups == 1;
  const KernelTable& table = kernels();
  const int icg = shape.ic / shape.groups, ocg = shape.oc / shape.groups;

  // Of one unit: output rows, the input rows that they read, output columns (whole tiles).
  const int across = int(divide_up(gradient.w, 4));
  const int rows = int(by_frequencies ? 4 * std::clamp<long>(kTiles / across, 1, divide_up(gradient.h, 4))
                                      : std::clamp<long>(kPixels / gradient.w, 1, gradient.h));
  const int rows_read = (rows - 1) * shape.stride_y + (shape.kh - 1) * shape.dilation_y + 1;
  const int columns = int(by_frequencies ? across * 4 : gradient.w);
  const long units_of_item = divide_up(gradient.h, rows), units = gradient.n * units_of_item;
  const int parts = int(std::min<long>(kParts, units));

  // Without Winograd, the taps of a row lie side by side where nothing is between them: one product takes them all,
  // which fills the registers even when there are three channels.
  const bool taps_together = !by_frequencies && shape.groups == 1 && shape.dilation_x == 1;

  const Strip x_strip{
      x,
      taps_together ? shape.ic : to_lines(shape.ic),
      1,
      1,
      shape.pad_left,
      std::max<long>(shape.pad_left + x.w, long(columns - 1) * shape.stride_x + (shape.kw - 1) * shape.dilation_x + 1)};
  const Strip gradient_strip{gradient, to_lines(shape.oc), 1, 1, 0, columns};

  // Sums of one part: [frequency, or ky and kx and group][ic of a group][oc of a group, whole lines], then bias.
  const int blocks = by_frequencies ? kFrequencies : shape.kh * shape.kw * shape.groups;
  // Those of frequencies are a line apart, or all of them would fall into the same sets of a cache.
  const std::ptrdiff_t sums_step = to_lines(ocg), block_size = icg * sums_step + (by_frequencies ? kLine : 0);
  const std::ptrdiff_t bias_at = blocks * block_size;
  const std::ptrdiff_t part_size = bias_at + to_lines(shape.oc);

  // Tiles are read where they lie, unless channels would have to be padded. What is copied is the strip of a unit then,
  // else a row of zeros and a tile.
  const bool x_in_place = by_frequencies && x.c == x_strip.stride;
  const bool gradient_in_place = by_frequencies && gradient.c == gradient_strip.stride;

  // One thread's scratch, in floats.
  const int tiles = across * rows / 4;
  const std::ptrdiff_t x_size = x_in_place ? (x.w + kSide * kSide) * x.c : rows_read * x_strip.pitch() + 4 * kLine;
  const std::ptrdiff_t gradient_size =
      gradient_in_place ? (gradient.w + 16) * gradient.c : rows * gradient_strip.pitch() + 4 * kLine;
  const std::ptrdiff_t u_step = tiles * x_strip.stride + kLine, v_step = tiles * gradient_strip.stride + kLine;
  const std::ptrdiff_t scratch_size = x_size + gradient_size + (by_frequencies ? kOfPair * (u_step + v_step) : 0);

  void run(float* weight_gradient, float* bias_gradient, int threads) const;
  void one_part(int part, float* sums, float* scratch) const;
  void one_unit(long unit, bool first, float* sums, float* scratch) const;
  void add_bias(const float* rows, float* sums) const;
  void by_winograd(long item, long y, bool first, float* in, float* out, float* sums) const;
  void directly(const float* in, const float* out, float* sums) const;
  void finish_channel(const float* sums, int ic, float* weight_gradient) const;
  void taps_of_line(const float* sums, int o, float (&taps)[9][kLine]) const;
};

void Work::run(float* weight_gradient, float* bias_gradient, int threads) const {
  threads = std::clamp(threads, 1, parts);
  const Buffer sums(sizeof(float) * parts * part_size), scratch(sizeof(float) * threads * scratch_size);
  std::atomic<int> next = 0, next_block = 0, next_channel = 0;
  run_on_threads(threads, [&](int thread, int) {
    for (int part; (part = next++) < parts;)
      one_part(part, sums.floats() + part * part_size, scratch.floats() + thread * scratch_size);
  });
  run_on_threads(threads, [&](int, int) {
    for (int block; (block = next_block++) <= blocks;) {  // the last one is the bias
      float* total = sums.floats() + block * block_size;
      const std::ptrdiff_t count = block < blocks ? block_size : part_size - bias_at;
      for (int part = 1; part < parts; part++)
        for (std::ptrdiff_t i = 0; i < count; i++) total[i] += total[part * part_size + i];
    }
  });
  run_on_threads(threads, [&](int, int) {
    for (int ic; (ic = next_channel++) < icg;) finish_channel(sums.floats(), ic, weight_gradient);
  });
  if (bias_gradient) std::copy_n(sums.floats() + bias_at, shape.oc, bias_gradient);
}

void Work::one_part(int part, float* sums, float* scratch) const {
  std::fill_n(sums + bias_at, part_size - bias_at, 0.0f);
  if (!by_frequencies) std::fill_n(sums, bias_at, 0.0f);
  const long begin = units * part / parts, end = units * (part + 1) / parts;
  for (long unit = begin; unit < end; unit++) one_unit(unit, unit == begin, sums, scratch);
}

void Work::one_unit(long unit, bool first, float* sums, float* scratch) const {
  const long item = unit / units_of_item, y = unit % units_of_item * rows;
  float *in = scratch, *out = in + x_size;
  if (!x_in_place) x_strip.copy_rows(item, y * shape.stride_y - shape.pad_top, rows_read, in);
  if (!gradient_in_place) gradient_strip.copy_rows(item, y, rows, out);
  if (by_frequencies) return by_winograd(item, y, first, in, out, sums);
  add_bias(out, sums + bias_at);
  directly(in, out, sums);
}

void Work::add_bias(const float* rows_of_gradient, float* sums) const {
  const int stride = gradient_strip.stride;
  for (int c = 0; c < stride; c += kLine) {
    float line[kLine] = {};
    for (long p = 0; p < long(rows) * columns; p++)
      for (int i = 0; i < kLine; i++) line[i] += rows_of_gradient[p * stride + c + i];
    for (int i = 0; i < kLine; i++) sums[c + i] += line[i];
  }
}

void Work::by_winograd(long item, long y, bool first, float* in, float* out, float* sums) const {
  float *u = out + gradient_size, *v = u + kOfPair * u_step;
  if (x_in_place) std::fill_n(in, x.w * x.c, 0.0f);
  if (gradient_in_place) std::fill_n(out, gradient.w * gradient.c, 0.0f);
  const TilesOfMap<kSide> of_x{x, shape.pad_top, shape.pad_left, across, in, in + x.w * x.c};
  const TilesOfMap<4> of_gradient{gradient, 0, 0, across, out, out + gradient.w * gradient.c};
  const int tile_rows = int(std::min<long>(rows / 4, divide_up(gradient.h - y, 4)));
  for (int pair = 0; pair < kPairs; pair++) {
    for (int row = 0; row < tile_rows; row++) {
      const float *from[kSide], *to[4];
      for (int i = 0; i < kSide; i++) from[i] = in + (row * 4 + i) * x_strip.pitch();
      for (int i = 0; i < 4; i++) to[i] = out + (row * 4 + i) * gradient_strip.pitch();
      const std::ptrdiff_t before = std::ptrdiff_t(row) * across;
      const int x_stride = x_strip.stride, g_stride = gradient_strip.stride;
      const TileRow x_tiles{from, x_stride, x_stride, across, pair, u + before * x_stride, u_step, nullptr};
      const TileRow g_tiles{
          to, g_stride, g_stride, across, pair, v + before * g_stride, v_step, pair == 0 ? sums + bias_at : nullptr};
      const Functions& functions = *table.training;
      if (x_in_place)
        of_x.run(functions.input_tiles, x_tiles, item, y + row * 4);
      else
        functions.input_tiles(x_tiles);
      if (gradient_in_place)
        of_gradient.run(functions.gradient_tiles, g_tiles, item, y + row * 4);
      else
        functions.gradient_tiles(g_tiles);
    }
    for (int i = 0; i < kOfPair; i++) {
      const int f = kFrequencyOf[pair][i / kSide] * kSide + i % kSide;
      table.training->outer_products({u + i * u_step, v + i * v_step, x_strip.stride, gradient_strip.stride,
                                      tile_rows * across, shape.ic, shape.oc, sums + f * block_size, sums_step, first});
    }
  }
}

void Work::directly(const float* in, const float* out, float* sums) const {
  const std::ptrdiff_t pixel = x_strip.stride;
  const int taps = taps_together ? 1 : shape.kw, ic = taps_together ? shape.kw * icg : icg;
  for (int ky = 0; ky < shape.kh; ky++)
    for (int kx = 0; kx < taps; kx++)
      for (int g = 0; g < shape.groups; g++, sums += ic * sums_step)
        for (int row = 0; row < rows; row++) {
          const float* u = in + (row * shape.stride_y + ky * shape.dilation_y) * x_strip.pitch() +
                           kx * shape.dilation_x * pixel + g * icg;
          const float* v = out + row * gradient_strip.pitch() + g * ocg;
          table.training->outer_products(
              {u, v, shape.stride_x * pixel, gradient_strip.stride, columns, ic, ocg, sums, sums_step, false});
        }
}

// From frequencies to three taps: the transpose of Winograd's transform of weights.
template <class Line>
void to_taps(const Line* m, int step, Line* taps, int tap_step) {
  for (int o = 0; o < kLine; o++) {
    const float even_a = m[step][o] + m[2 * step][o], odd_a = m[step][o] - m[2 * step][o];
    const float even_b = m[3 * step][o] + m[4 * step][o], odd_b = m[3 * step][o] - m[4 * step][o];
    taps[0][o] = m[0][o] - even_a * (1 / 1.5f) + even_b * (1 / 6.0f);
    taps[tap_step][o] = odd_b * (kB / 6.0f) - odd_a * (kA / 1.5f);
    taps[2 * tap_step][o] = even_b * (2 / 6.0f) - even_a * (0.5f / 1.5f) + m[5 * step][o];
  }
}

void Work::taps_of_line(const float* sums, int o, float (&taps)[9][kLine]) const {
  float m[kFrequencies][kLine], half[kSide * 3][kLine];
  for (int f = 0; f < kFrequencies; f++) std::copy_n(sums + f * block_size + o, kLine, m[f]);
  for (int i = 0; i < kSide; i++) to_taps(m + i * kSide, 1, half + i * 3, 1);
  for (int kx = 0; kx < 3; kx++) to_taps(half + kx, 3, taps + kx, 3);
}

// All gradients of one input channel of each group: (oc, ic of a group, kh, kw).
void Work::finish_channel(const float* sums, int ic, float* weight_gradient) const {
  const int taps = shape.kh * shape.kw;
  const auto place = [&](int oc) { return weight_gradient + (std::ptrdiff_t(oc) * icg + ic) * taps; };
  sums += ic * sums_step;
  if (by_frequencies) {
    float line[9][kLine];
    for (int o = 0; o < shape.oc; o += kLine) {
      taps_of_line(sums, o, line);
      for (int i = 0; i < kLine && o + i < shape.oc; i++)
        for (int t = 0; t < 9; t++) place(o + i)[t] = line[t][i];
    }
    return;
  }
  for (int t = 0; t < taps; t++)
    for (int oc = 0; oc < shape.oc; oc++) place(oc)[t] = sums[(t * shape.groups + oc / ocg) * block_size + oc % ocg];
}

}  // namespace

void backward_weights(const ConvolutionShape& shape, const ConstMaps& x, const ConstMaps& gradient,
                      float* weight_gradient, float* bias_gradient, int threads) {
  Work{shape, x, gradient}.run(weight_gradient, bias_gradient, threads);
}

}  // namespace pellucid::training
