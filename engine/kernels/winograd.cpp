// Brings weights into Winograd's space for winograd.inl.h: kernels of 3x3 and 5x5 with stride 1.
#include "kernels/winograd.h"

#include <cmath>

#include "kernels/kernel.h"

namespace pellucid {
namespace {

using winograd::kSide, winograd::kFrequencies;

// One row of G for each point: the kernel's polynomial at the point, over the product of its distances to the others.
void to_frequencies(const double* tap, int taps, std::ptrdiff_t step, double* out, std::ptrdiff_t out_step) {
  const double a = std::sqrt(0.5), b = std::sqrt(2.0), points[] = {0, a, -a, b, -b};
  for (int i = 0; i < 5; i++) {
    double value = 0, scale = 1;
    for (int k = taps - 1; k >= 0; k--) value = value * points[i] + tap[k * step];
    for (int j = 0; j < 5; j++)
      if (j != i) scale *= points[i] - points[j];
    out[i * out_step] = value / scale;
  }
  out[5 * out_step] = tap[(taps - 1) * step];
}

// The 36 frequencies of one kernel of r x r taps.
void to_frequencies(const Given& given, int oc, int ic, double* out) {
  const int r = given.shape.kh;
  double taps[25], half[kSide * 5];  // [ky][kx], [frequency in y][kx]
  for (int i = 0; i < r * r; i++) taps[i] = given.at(oc, ic, i / r, i % r);
  for (int kx = 0; kx < r; kx++) to_frequencies(taps + kx, r, r, half + kx, r);
  for (int i = 0; i < kSide; i++) to_frequencies(half + i * r, r, 1, out + i * kSide, 1);
}

template <int M>  // outputs along the side of a tile
class Winograd : public Kernel {
 public:
  explicit Winograd(const Given& given)
      : Kernel(M == 4 ? "winograd4x4" : "winograd2x2", given,
               vectors_for(given.shape, given.shape.oc) * table_for(given.shape).lanes),
        weight(pack(given)),
        packed{given.shape,
               epilogue,
               weight.data(),
               vectors_for(given.shape, given.shape.ic),
               vectors_for(given.shape, given.shape.oc),
               tiles(given.shape)} {}
  void run(const ConvolutionCall& call) const override {
    (M == 4 ? table.winograd4x4 : table.winograd2x2)(packed, call);
  }
  int tile() const override { return M; }
  int reach() const override { return M - 1; }
  std::size_t scratch_bytes(int) const override { return winograd_scratch(packed, table.lanes, table.most_vectors); }
  static bool takes(const ConvolutionShape& s) {
    return s.kh == 7 - M && s.kw == 7 - M && s.stride_y == 1 && s.stride_x == 1 && s.dilation_y == 1 &&
           s.dilation_x == 1 && s.groups == 1 && channel_stride(s.ic) % table_for(s).lanes == 0;
  }
  static bool prefers(const ConvolutionShape& s) { return s.ic > 4 && s.oc > 4; }

 private:
  // Few, so that everything stays in the first cache, while the weights are small; more of them the more the weights
  // weigh that a pass streams. Measured; between half and twice these numbers it matters by 3 %.
  static int tiles(const ConvolutionShape& s) {
    const long size = long(s.ic) * s.oc;
    return size <= 32 * 32 ? 12 : size <= 128 * 128 ? 24 : winograd::kMostTiles;
  }
  Floats pack(const Given& given) const;
  const Floats weight;
  const PackedWinograd packed;
};

template <int M>
Floats Winograd<M>::pack(const Given& given) const {
  const ConvolutionShape& s = given.shape;
  const int vectors = vectors_for(s, s.oc);
  Floats packed_weight(std::size_t(kFrequencies) * s.ic * vectors * table.lanes);
  float* block = packed_weight.data();
  for (int v = 0, n; v < vectors; v += n) {
    n = split_vectors(vectors - v, table.most_vectors);
    const int lanes = n * table.lanes;
    for (int o = 0; o < lanes && v * table.lanes + o < s.oc; o++)
      for (int ic = 0; ic < s.ic; ic++) {
        double f[kFrequencies];
        to_frequencies(given, v * table.lanes + o, ic, f);
        for (int i = 0; i < kFrequencies; i++) block[(std::size_t(i) * s.ic + ic) * lanes + o] = float(f[i]);
      }
    block += std::size_t(kFrequencies) * s.ic * lanes;
  }
  return packed_weight;
}

}  // namespace

Offer winograd4x4_kernel() { return {Winograd<4>::takes, Winograd<4>::prefers, make<Winograd<4>>}; }
Offer winograd2x2_kernel() { return {Winograd<2>::takes, Winograd<2>::prefers, make<Winograd<2>>}; }

}  // namespace pellucid
