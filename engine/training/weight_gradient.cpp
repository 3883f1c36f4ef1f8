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
constexpr int kTiles = 64;    // of one unit, about: their transforms lie in the second cache
constexpr int kPixels = 512;  // of one unit without Winograd
constexpr int kLine = 16;     // floats in a cache line, and in the widest vector
using winograd::kSide, winograd::kFrequencies, winograd::kA, winograd::kB;

constexpr long divide_up(long a, long b) { return (a + b - 1) / b; }
constexpr int to_lines(int c) { return int(divide_up(c, kLine)) * kLine; }

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
  const std::ptrdiff_t sums_step = to_lines(ocg), block_size = icg * sums_step, bias_at = blocks * block_size;
  const std::ptrdiff_t part_size = bias_at + to_lines(shape.oc);

  // One thread's scratch, in floats.
  const int tiles = across * rows / 4;
  const std::ptrdiff_t x_size = rows_read * x_strip.pitch() + 4 * kLine;
  const std::ptrdiff_t gradient_size = rows * gradient_strip.pitch() + 4 * kLine;
  const std::ptrdiff_t u_step = tiles * x_strip.stride + kLine, v_step = tiles * gradient_strip.stride + kLine;
  const std::ptrdiff_t scratch_size = x_size + gradient_size + (by_frequencies ? kFrequencies * (u_step + v_step) : 0);

  void run(float* weight_gradient, float* bias_gradient, int threads) const;
  void one_part(int part, float* sums, float* scratch) const;
  void one_unit(long unit, float* sums, float* scratch) const;
  void add_bias(const float* rows, float* sums) const;
  void by_winograd(const float* in, const float* out, float* scratch, float* sums) const;
  void directly(const float* in, const float* out, float* sums) const;
  void finish_channel(const float* sums, int ic, float* weight_gradient) const;
  void taps_of_line(const float* sums, int o, float (&taps)[9][kLine]) const;
};

void Work::run(float* weight_gradient, float* bias_gradient, int threads) const {
  threads = std::clamp(threads, 1, parts);
  const Buffer sums(sizeof(float) * parts * part_size), scratch(sizeof(float) * threads * scratch_size);
  std::atomic<int> next = 0, next_channel = 0;
  run_on_threads(threads, [&](int thread, int) {
    for (int part; (part = next++) < parts;)
      one_part(part, sums.floats() + part * part_size, scratch.floats() + thread * scratch_size);
  });
  run_on_threads(threads, [&](int, int) {
    for (int ic; (ic = next_channel++) < icg;) finish_channel(sums.floats(), ic, weight_gradient);
  });
  for (int o = 0; bias_gradient && o < shape.oc; o++) {
    bias_gradient[o] = 0;
    for (int part = 0; part < parts; part++) bias_gradient[o] += sums.floats()[part * part_size + bias_at + o];
  }
}

void Work::one_part(int part, float* sums, float* scratch) const {
  std::fill_n(sums, part_size, 0.0f);
  for (long unit = units * part / parts; unit < units * (part + 1) / parts; unit++) one_unit(unit, sums, scratch);
}

void Work::one_unit(long unit, float* sums, float* scratch) const {
  const long item = unit / units_of_item, y = unit % units_of_item * rows;
  float *in = scratch, *out = in + x_size;
  x_strip.copy_rows(item, y * shape.stride_y - shape.pad_top, rows_read, in);
  gradient_strip.copy_rows(item, y, rows, out);
  add_bias(out, sums + bias_at);
  if (by_frequencies)
    by_winograd(in, out, out + gradient_size, sums);
  else
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

void Work::by_winograd(const float* in, const float* out, float* scratch, float* sums) const {
  float *u = scratch, *v = u + kFrequencies * u_step;
  for (int row = 0; row < rows / 4; row++) {
    const float *from[kSide], *to[4];
    for (int i = 0; i < kSide; i++) from[i] = in + (row * 4 + i) * x_strip.pitch();
    for (int i = 0; i < 4; i++) to[i] = out + (row * 4 + i) * gradient_strip.pitch();
    table.training->input_tiles({from, x_strip.stride, across, u + row * across * x_strip.stride, u_step});
    table.training->gradient_tiles(
        {to, gradient_strip.stride, across, v + row * across * gradient_strip.stride, v_step});
  }
  for (int f = 0; f < kFrequencies; f++)
    table.training->outer_products({u + f * u_step, v + f * v_step, x_strip.stride, gradient_strip.stride, tiles,
                                    shape.ic, shape.oc, sums + f * block_size, sums_step});
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
              {u, v, shape.stride_x * pixel, gradient_strip.stride, columns, ic, ocg, sums, sums_step});
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
  float m[kFrequencies][kLine] = {}, half[kSide * 3][kLine];
  for (int part = 0; part < parts; part++)
    for (int f = 0; f < kFrequencies; f++)
      for (int i = 0; i < kLine; i++) m[f][i] += sums[part * part_size + f * block_size + o + i];
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
    for (int oc = 0; oc < shape.oc; oc++) {
      const float* from = sums + (t * shape.groups + oc / ocg) * block_size + oc % ocg;
      float sum = 0;
      for (int part = 0; part < parts; part++) sum += from[part * part_size];
      place(oc)[t] = sum;
    }
}

}  // namespace

void backward_weights(const ConvolutionShape& shape, const ConstMaps& x, const ConstMaps& gradient,
                      float* weight_gradient, float* bias_gradient, int threads) {
  Work{shape, x, gradient}.run(weight_gradient, bias_gradient, threads);
}

}  // namespace pellucid::training
