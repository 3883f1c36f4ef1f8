// Brings weights into Winograd's space for winograd.inl.h: kernels of 3x3 and 5x5 with stride 1.
#include "kernels/winograd.h"

#include <array>
#include <cmath>

#include "kernels/kernel.h"

namespace pellucid {
namespace {

using winograd::kSide, winograd::kFrequencies;

// G for R taps. Each row is a point: the kernel's polynomial there, over the product of its distances to the others;
// the last, at infinity, takes the leading tap.
template <int R>
std::array<std::array<double, R>, kSide> transform() {
  const double a = std::sqrt(0.5), b = std::sqrt(2.0), points[] = {0, a, -a, b, -b};
  std::array<std::array<double, R>, kSide> g{};
  for (int i = 0; i < kSide - 1; i++) {
    double scale = 1, power = 1;
    for (int j = 0; j < kSide - 1; j++)
      if (j != i) scale *= points[i] - points[j];
    for (int k = 0; k < R; k++, power *= points[i]) g[i][k] = power / scale;
  }
  g[kSide - 1][R - 1] = 1;
  return g;
}

// The 36 frequencies of one kernel of R x R taps.
template <int R>
void to_frequencies(const Given& given, int oc, int ic, double* out) {
  static const auto g = transform<R>();
  double half[R][kSide];  // [kx][frequency in y]
  for (int kx = 0; kx < R; kx++)
    for (int i = 0; i < kSide; i++) {
      double sum = 0;
      for (int ky = 0; ky < R; ky++) sum += g[i][ky] * given.at(oc, ic, ky, kx);
      half[kx][i] = sum;
    }
  for (int i = 0; i < kSide; i++)
    for (int j = 0; j < kSide; j++) {
      double sum = 0;
      for (int kx = 0; kx < R; kx++) sum += g[j][kx] * half[kx][i];
      out[i * kSide + j] = sum;
    }
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
  int shares() const override { return blocks_of(packed.oc_vectors, table.most_vectors); }
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
    for (int ic = 0; ic < s.ic; ic++)  // outputs innermost: each line of what is written is met once
      for (int o = 0; o < lanes && v * table.lanes + o < s.oc; o++) {
        double f[kFrequencies];
        to_frequencies<7 - M>(given, v * table.lanes + o, ic, f);
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
