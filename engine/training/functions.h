// What training needs once per instruction set: plain functions over plain pointers (isa/README.md says why). All sums
// are taken in an order that depends on the numbers of the call alone.
#pragma once

#include <cstddef>

namespace pellucid {
struct ConvolutionCall;  // kernels/convolution.h
struct PackedTiles;      // kernels/packed.h
}  // namespace pellucid

namespace pellucid::training {

// `tiles` neighbouring tiles of one row of tiles, in Winograd's space: the twelve frequencies of one pair in y, those
// in x side by side, each `frequency` floats after the one before, within which a tile's channels follow the last one's
// at `channels`. `sums`, if not null, gets each channel's sum over the pixels of all tiles. Strides are multiples
// of 16.
struct TileRow {
  const float* const* rows;  // of pixels, `stride` floats each: 6 of the input or 4 of the gradient
  int stride, channels, tiles, pair;
  float* to;
  std::ptrdiff_t frequency;
  float* sums;
};

// sums[i][o] += over t < count: u[t * u_step + i] * v[t * v_step + o], for i < ic and whole vectors of o that cover oc;
// = instead of += if nothing is there yet.
struct OuterProducts {
  const float *u, *v;
  std::ptrdiff_t u_step, v_step;
  int count, ic, oc;
  float* sums;
  std::ptrdiff_t sums_step;
  bool first;
};

// Numbers of one tensor, one after the other; `average`, the moving average of the weights, may be null.
struct AdamTensor {
  float *weight, *m, *v, *average;
  const float* gradient;
  long count;
};

// m += rest1 (g - m); v = beta2 v + rest2 g^2; weight = keep weight - rate m / (root sqrt(v) + epsilon), with g the
// gradient times `gradient`; then average += toward (weight - average).
struct AdamFactors {
  float gradient, keep, rest1, beta2, rest2, rate, root, epsilon, toward;
};

// Of pixels that follow each other: gradient *= slope of the channel where the map is not positive (null: zero); and to
// `sums`, if not null, gradient * map where the map is negative, from before.
struct BackThrough {
  const float* map;
  float* gradient;
  long pixels;
  int channels;
  const float* slope;
  float* sums;
};

enum class LossKind { squared, absolute, charbonnier };

// Of numbers that follow each other: the sum of the losses of output - target; to `gradient`, if not null, the slopes
// times `factor`. Output and gradient are float or bfloat16; `epsilon` is charbonnier's.
struct LossLine {
  const void* output;
  bool bf16;
  const float* target;
  void* gradient;
  long count;
  LossKind kind;
  float epsilon, factor;
};

// Of each pixel the first `there` numbers, and zeros up to `to_step`, which is a multiple of 16.
struct ToBf16 {
  const float* from;
  std::ptrdiff_t from_step;
  unsigned short* to;
  int to_step, there;
  long pixels;
};

// Rows of one image in bfloat16, as tile_maps.h lays them out, as one long row of the call's `width` pixels. Forward
// the mask is written, if not null; backward it is read: what is stored is the sum times one or, without the bit, times
// the packed slope (null: zero). `sums`, if not null, gets what lies in `shown`, a map like the one that is written,
// times the sum, where the bit is not set.
struct TileBand {
  const PackedTiles& packed;
  const ConvolutionCall& call;
  unsigned short* mask;         // of the first pixel
  const unsigned short* shown;  // its first pixel
  float* sums;
};

// The gradient of weights from rows of one image: sums[ky][kx][tile of oc][tile of ic][16 of oc][16 of ic] += products
// over `pixels`, bias[tile of oc][16 of oc][16 times the same] += gradients. Channels are multiples of 16; planes as in
// tile_maps.h; k is 1 or 3, and `pitch` the pixels of a row.
struct TileUnit {
  const unsigned short *x, *gradient;  // of the unit's first pixel
  std::ptrdiff_t x_plane, gradient_plane;
  int ic, oc, k, pitch, pixels;
  unsigned short* scratch;  // scratch_numbers() on a cache line's boundary
  float *sums, *bias;

  constexpr int steps() const { return (pixels + 31) / 32; }
  constexpr int reach() const { return k / 2 * (pitch + 1); }  // pixels read before the first and after the last
  constexpr int pairs() const { return reach() + steps() * 16; }
  constexpr std::ptrdiff_t scratch_numbers() const { return std::ptrdiff_t(oc) * steps() * 32 + ic * 4l * pairs(); }
};

struct Functions {
  void (*input_tiles)(const TileRow& row);     // 6x6 pixels every 4, as Winograd's F(4x4, 3x3) sees its input
  void (*gradient_tiles)(const TileRow& row);  // 4x4 pixels, by the transpose of its output's transform
  void (*outer_products)(const OuterProducts& call);
  void (*back_through)(const BackThrough& call);
  void (*adam)(const AdamTensor& tensor, const AdamFactors& factors);
  double (*squares)(const float* data, long count);  // their sum
  double (*loss)(const LossLine& line);
  void (*to_bf16)(const ToBf16& row);
  void (*tile_forward)(const TileBand& band);  // on matrix tiles: emulated, but for amx
  void (*tile_backward)(const TileBand& band);
  void (*tile_back_through)(const TileBand& band);  // of gradients that lie where they are to be written
  void (*tile_weights)(const TileUnit& unit);
};

}  // namespace pellucid::training
