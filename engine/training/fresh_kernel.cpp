#include "training/fresh_kernel.h"

#include <algorithm>
#include <vector>

#include "execution/pool.h"
#include "isa/isa.h"
#include "isa/kernels.h"
#include "kernels/packed.h"
#include "kernels/winograd.h"
#include "layout/tensor_layout.h"
#include "training/buffers.h"

namespace pellucid::training {
namespace {

using winograd::kSide, winograd::kFrequencies, winograd::kA, winograd::kB;
constexpr int kOutputs = 16;  // output channels that are transformed at a time: a cache line

using Line = float[kOutputs];

// Three taps to six frequencies, of many channels at a time.
void to_frequencies(const Line* taps, int step, Line* out, int out_step) {
  for (int o = 0; o < kOutputs; o++) {
    const float t0 = taps[0][o], t1 = taps[step][o], t2 = taps[2 * step][o];
    const float a = (t0 + 0.5f * t2) * (-1 / 1.5f), odd_a = t1 * (-kA / 1.5f);
    const float b = (t0 + 2.0f * t2) * (1 / 6.0f), odd_b = t1 * (kB / 6.0f);
    out[0][o] = t0;
    out[out_step][o] = a + odd_a;
    out[2 * out_step][o] = a - odd_a;
    out[3 * out_step][o] = b + odd_b;
    out[4 * out_step][o] = b - odd_b;
    out[5 * out_step][o] = t2;
  }
}

// Calls work(0) ... work(count - 1), an equal share of neighbours on each thread.
template <class F>
void in_shares(long count, int threads, F work) {
  run_on_threads(int(std::clamp<long>(threads, 1, count)), [&](int thread, int all) {
    for (long i = count * thread / all; i < count * (thread + 1) / all; i++) work(i);
  });
}

class FreshWinograd : public ConvolutionKernel {
 public:
  FreshWinograd(const ConvolutionShape& shape, const float* weight, const float* bias, Activation activation,
                const float* slope, int threads)
      : table(kernels()),
        oc_vectors((shape.oc + table.lanes - 1) / table.lanes),
        weights(sizeof(float) * kFrequencies * shape.ic * oc_vectors * table.lanes),
        per_channel(oc_vectors * table.lanes + 64),
        biases(sizeof(float) * per_channel),
        slopes(sizeof(float) * per_channel),
        packed{shape,
               {activation, biases.floats(), slopes.floats()},
               weights.floats(),
               (shape.ic + table.lanes - 1) / table.lanes,
               oc_vectors,
               tiles(shape)} {
    std::fill_n(biases.floats(), per_channel, 0.0f);
    std::fill_n(slopes.floats(), per_channel, 0.0f);
    if (bias) std::copy_n(bias, shape.oc, biases.floats());
    if (slope) std::copy_n(slope, shape.oc, slopes.floats());
    pack(weight, threads);
  }
  void run(const ConvolutionCall& call) const override { table.winograd4x4(packed, call); }
  int tile() const override { return 4; }
  int reach() const override { return 3; }
  std::size_t scratch_bytes(int) const override { return winograd_scratch(packed, table.lanes, table.most_vectors); }
  std::string name() const override { return "winograd4x4"; }

  static bool takes(const ConvolutionShape& s) {
    return s.kh == 3 && s.kw == 3 && s.stride_y == 1 && s.stride_x == 1 && s.dilation_y == 1 && s.dilation_x == 1 &&
           s.groups == 1 && s.ic > 4 && s.oc > 8 && channel_stride(s.ic) % kernels().lanes == 0;
  }

 private:
  static int tiles(const ConvolutionShape& s) {
    const long size = long(s.ic) * s.oc;
    return size <= 32 * 32 ? 12 : size <= 128 * 128 ? 24 : 48;
  }

  // As PackedWinograd says: for each block of output channels, [36 frequencies][ic][block].
  void pack(const float* weight, int threads) const {
    struct Lines {  // of outputs
      float* block;
      int lanes, first, o;  // outputs of the block, its first one, where the line begins in it
    };
    std::vector<Lines> all;
    float* block = weights.floats();
    for (int v = 0, n; v < oc_vectors; v += n) {
      n = split_vectors(oc_vectors - v, table.most_vectors);
      const int lanes = n * table.lanes;
      for (int o = 0; o < lanes; o += kOutputs) all.push_back({block, lanes, v * table.lanes, o});
      block += std::ptrdiff_t(kFrequencies) * packed.shape.ic * lanes;
    }
    const long tasks = long(all.size()) * packed.shape.ic;
    in_shares(tasks, threads, [&](long task) {
      const Lines& lines = all[task / packed.shape.ic];
      const int ic = int(task % packed.shape.ic);
      Line f[kFrequencies];
      transform(weight, lines.first + lines.o, ic, f);
      const int count = std::min(kOutputs, lines.lanes - lines.o);
      for (int i = 0; i < kFrequencies; i++)
        std::copy_n(f[i], count, lines.block + (std::ptrdiff_t(i) * packed.shape.ic + ic) * lines.lanes + lines.o);
    });
  }

  void transform(const float* weight, int oc, int ic, Line* f) const {
    const ConvolutionShape& s = packed.shape;
    Line taps[9], half[kSide * 3];  // [ky][kx], [frequency in y][kx]
    for (int o = 0; o < kOutputs; o++)
      for (int i = 0; i < 9; i++)
        taps[i][o] = oc + o < s.oc ? weight[(std::ptrdiff_t(oc + o) * s.ic + ic) * 9 + i] : 0.0f;
    for (int kx = 0; kx < 3; kx++) to_frequencies(taps + kx, 3, half + kx, 3);
    for (int i = 0; i < kSide; i++) to_frequencies(half + i * 3, 1, f + i * kSide, 1);
  }

  const KernelTable& table;
  const int oc_vectors;
  const Buffer weights;
  const int per_channel;  // values, whole vectors and what the epilogue may read beyond
  const Buffer biases, slopes;
  const PackedWinograd packed;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> fresh_kernel(const ConvolutionShape& shape, const float* weight, const float* bias,
                                                Activation activation, const float* slope, int threads) {
  if (FreshWinograd::takes(shape))
    return std::make_unique<FreshWinograd>(shape, weight, bias, activation, slope, threads);
  return make_convolution(shape, weight, bias, activation, slope);
}

void turn_weights(const ConvolutionShape& s, const float* weight, float* to, int threads) {
  const int icg = s.ic / s.groups, ocg = s.oc / s.groups, taps = s.kh * s.kw;
  in_shares(s.ic, threads, [&](long ic) {  // of all groups
    for (int o = 0; o < ocg; o++) {
      const float* from = weight + ((ic / icg * ocg + o) * icg + ic % icg) * taps;
      std::reverse_copy(from, from + taps, to + (ic * ocg + o) * taps);
    }
  });
}

}  // namespace pellucid::training
