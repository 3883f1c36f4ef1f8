// Forward and backward to data: the inference kernels, band by band over whole maps. A band's gradients go back through
// the activation before they leave the cache.
#include "training/convolution.h"

#include <algorithm>
#include <atomic>

#include "execution/pool.h"
#include "isa/kernels.h"
#include "layout/tensor_layout.h"
#include "training/buffers.h"
#include "training/fresh_kernel.h"
#include "training/slope_sums.h"
#include "training/strip.h"

namespace pellucid::training {
namespace {

constexpr int kBandRows = 12;  // three rows of Winograd's tiles: the strip stays in the second cache beside the weights

constexpr long round_up(long a, long b) { return (a + b - 1) / b * b; }

struct WholeMaps {
  const ConvolutionShape& shape;
  const ConvolutionKernel& kernel;
  const ConstMaps& from;
  int spread_y, spread_x;
  const Maps<float>& to;
  const ActivationBack* activation;

  const int tile = kernel.tile();
  const int band = int(std::min(round_up(kBandRows, tile), round_up(to.h, tile)));
  const int columns = int(round_up(to.w, tile));
  const int rows_read = (band - 1) * shape.stride_y + (shape.kh - 1) * shape.dilation_y + 1;
  const long bands = (to.h + band - 1) / band;
  const Strip strip = make_strip();
  const std::size_t strip_bytes = round_up(sizeof(float) * (rows_read * strip.pitch() + 64), 64);
  const std::size_t kernel_bytes = round_up(kernel.scratch_bytes(columns), 64);
  const std::size_t pointer_bytes = round_up(sizeof(float*) * (rows_read + band), 64);

  Strip make_strip() const {
    const long left = shape.pad_left + kernel.reach(), w = (from.w - 1) * spread_x + 1;
    const long read = (columns - 1) * shape.stride_x - shape.pad_left + (shape.kw - 1) * shape.dilation_x + 1;
    return {from, channel_stride(shape.ic), spread_y, spread_x, left, left + std::max(w, read + kernel.reach())};
  }

  void run(int threads) const {
    threads = int(std::clamp<long>(threads, 1, from.n * bands));
    const std::size_t each = strip_bytes + kernel_bytes + pointer_bytes;
    const Buffer scratch(each * threads);
    const SlopeSums sums(activation ? activation->slope_gradient : nullptr, from.n * bands, to.c, to.c);
    std::atomic<long> next = 0;
    run_on_threads(threads, [&](int thread, int) {
      for (long task; (task = next++) < from.n * bands;)
        one_band(task / bands, task % bands * band, scratch.data() + each * thread, sums.of(task));
    });
    sums.finish();
  }

  void one_band(long item, long y, std::byte* scratch, float* sums) const {
    float* rows = reinterpret_cast<float*>(scratch);
    strip.copy_rows(item, y * shape.stride_y - shape.pad_top, rows_read, rows);
    const auto in = reinterpret_cast<const float**>(scratch + strip_bytes + kernel_bytes);
    const auto out = const_cast<float**>(in + rows_read);
    for (int i = 0; i < rows_read; i++) in[i] = rows + i * strip.pitch() + strip.left * strip.stride;
    const std::ptrdiff_t row = std::ptrdiff_t(to.w) * to.c, first = (item * to.h + y) * row;
    for (int i = 0; i < band; i++) out[i] = y + i < to.h ? to.data + first + i * row : nullptr;
    const int height = int(std::min<long>(band, round_up(to.h - y, tile)));
    kernel.run({in, strip.stride, out, to.c, height, 0, columns, int(to.w), {}, scratch + strip_bytes});
    if (!activation) return;
    const long pixels = std::min<long>(band, to.h - y) * to.w;
    kernels().training->back_through({activation->map + first, to.data + first, pixels, to.c, activation->slope, sums});
  }
};

}  // namespace

void forward(const ConvolutionShape& shape, const float* weight, const float* bias, Activation activation,
             const float* slope, const ConstMaps& x, const Maps<float>& y, int threads) {
  const auto kernel = fresh_kernel(shape, weight, bias, activation, slope, threads);
  WholeMaps{.shape = shape, .kernel = *kernel, .from = x, .spread_y = 1, .spread_x = 1, .to = y, .activation = nullptr}
      .run(threads);
}

void backward_activation(const ActivationBack& activation, const ConstMaps& gradient, const Maps<float>& to,
                         int threads) {
  const long rows = to.n * to.h, row = to.w * to.c;
  const SlopeSums sums(activation.slope_gradient, rows, to.c, to.c);
  std::atomic<long> next = 0;
  run_on_threads(int(std::clamp<long>(threads, 1, rows)), [&](int, int) {
    for (long r; (r = next++) < rows;) {
      if (to.data != gradient.data) std::copy_n(gradient.data + r * row, row, to.data + r * row);
      kernels().training->back_through(
          {activation.map + r * row, to.data + r * row, to.w, to.c, activation.slope, sums.of(r)});
    }
  });
  sums.finish();
}

void backward_data(const ConvolutionShape& shape, const float* weight, const ConstMaps& gradient,
                   const ActivationBack* activation, const Maps<float>& x_gradient, int threads) {
  const int last_y = shape.dilation_y * (shape.kh - 1), last_x = shape.dilation_x * (shape.kw - 1);
  const ConvolutionShape back{.ic = shape.oc,
                              .oc = shape.ic,
                              .kh = shape.kh,
                              .kw = shape.kw,
                              .stride_y = 1,
                              .stride_x = 1,
                              .dilation_y = shape.dilation_y,
                              .dilation_x = shape.dilation_x,
                              .groups = shape.groups,
                              .pad_top = last_y - shape.pad_top,
                              .pad_left = last_x - shape.pad_left};
  const Buffer turned(sizeof(float) * shape.oc * (shape.ic / shape.groups) * shape.kh * shape.kw);
  turn_weights(shape, weight, turned.floats(), threads);
  const auto kernel = fresh_kernel(back, turned.floats(), nullptr, Activation::none, nullptr, threads);
  WholeMaps{.shape = back,
            .kernel = *kernel,
            .from = gradient,
            .spread_y = shape.stride_y,
            .spread_x = shape.stride_x,
            .to = x_gradient,
            .activation = activation}
      .run(threads);
}

void to_channels_last(const float* from, const Maps<float>& to, int threads) {
  const long rows = to.n * to.h;
  std::atomic<long> next = 0;
  run_on_threads(int(std::clamp<long>(threads, 1, rows)), [&](int, int) {
    for (long r; (r = next++) < rows;) {
      const float* first = from + (r / to.h * to.c * to.h + r % to.h) * to.w;  // channel 0 of this row
      float* row = to.data + r * to.w * to.c;
      for (long x = 0; x < to.w; x++)
        for (int c = 0; c < to.c; c++) row[x * to.c + c] = first[c * to.h * to.w + x];
    }
  });
}

}  // namespace pellucid::training
