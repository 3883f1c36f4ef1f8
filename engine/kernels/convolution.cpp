// Chooses among the convolution kernels and packs their weights, once, when a network is made. The loops themselves are
// in *.inl.h, compiled for each instruction set.
#include "kernels/convolution.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "isa/isa.h"
#include "isa/kernels.h"
#include "kernels/packed.h"
#include "layout/tensor_layout.h"

namespace pellucid {
namespace {

struct Given {
  ConvolutionShape shape;
  const float *weight, *bias, *slope;  // as make_convolution's
  Activation activation;

  float at(int oc, int ic, int ky, int kx) const {
    return weight[((std::size_t(oc) * (shape.ic / shape.groups) + ic) * shape.kh + ky) * shape.kw + kx];
  }
};

constexpr int divide_up(int a, int b) { return (a + b - 1) / b; }

// Floats on a cache line's boundary.
class Floats {
 public:
  explicit Floats(std::size_t n) : storage(n + 16, 0.0f) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage.data());
    shift = (64 - address % 64) % 64 / sizeof(float);
  }
  float* data() { return storage.data() + shift; }
  const float* data() const { return storage.data() + shift; }

 private:
  std::vector<float> storage;
  std::size_t shift;
};

// Values of oc channels, with every group padded to `padded` floats; zeros where none are given.
Floats by_groups(const float* values, const ConvolutionShape& s, int padded) {
  const int ocg = s.oc / s.groups;
  Floats out(std::size_t(s.groups) * padded + 16);  // read in whole vectors
  for (int g = 0; values && g < s.groups; g++) std::copy_n(values + g * ocg, ocg, out.data() + std::size_t(g) * padded);
  return out;
}

// Half of a vector of sixteen would be empty with eight output channels, so AVX-512 leaves those to AVX2.
Isa isa_for(const ConvolutionShape& s) {
  const Isa isa = isa_in_force();
  return (isa == Isa::avx512 || isa == Isa::amx) && s.oc <= 8 && s.oc > 4 ? Isa::avx2 : isa;
}
const KernelTable& table_for(const ConvolutionShape& s) { return kernels(isa_for(s)); }
int vectors_for(const ConvolutionShape& s, int channels) { return divide_up(channels, table_for(s).lanes); }

class Kernel : public ConvolutionKernel {
 public:
  Kernel(const char* name, const Given& given, int padded)
      : table(table_for(given.shape)),
        title(std::string(name) + "-" + pellucid::name(isa_for(given.shape))),
        bias(by_groups(given.bias, given.shape, padded)),
        slope(by_groups(given.slope, given.shape, padded)),
        epilogue{given.activation, bias.data(), slope.data()} {}
  std::size_t scratch_bytes(int) const override { return 0; }
  std::string name() const override { return title; }

 protected:
  const KernelTable& table;

 private:
  const std::string title;
  const Floats bias, slope;

 protected:
  const PackedEpilogue epilogue;
};

// ---- direct: takes everything

int group_vectors(const ConvolutionShape& s) { return vectors_for(s, s.oc / s.groups); }

class Direct : public Kernel {
 public:
  explicit Direct(const Given& given)
      : Kernel("direct", given, group_vectors(given.shape) * table_for(given.shape).lanes),
        weight(pack(given)),
        packed{given.shape, epilogue, weight.data(), group_vectors(given.shape)} {}
  void run(const ConvolutionCall& call) const override { table.direct(packed, call); }

 private:
  Floats pack(const Given& given) const;
  const Floats weight;
  const PackedDirect packed;
};

Floats Direct::pack(const Given& given) const {
  const ConvolutionShape& s = given.shape;
  const int icg = s.ic / s.groups, ocg = s.oc / s.groups, vectors = group_vectors(given.shape);
  Floats packed_weight(std::size_t(s.groups) * vectors * table.lanes * s.kh * s.kw * icg);
  float* to = packed_weight.data();
  for (int g = 0; g < s.groups; g++)
    for (int v = 0, n; v < vectors; v += n) {
      n = split_vectors(vectors - v, table.most_vectors);
      for (int ky = 0; ky < s.kh; ky++)
        for (int kx = 0; kx < s.kw; kx++)
          for (int ic = 0; ic < icg; ic++)
            for (int o = v * table.lanes; o < (v + n) * table.lanes; o++)
              *to++ = o < ocg ? given.at(g * ocg + o, ic, ky, kx) : 0.0f;
    }
  return packed_weight;
}

// ---- depthwise

class Depthwise : public Kernel {
 public:
  explicit Depthwise(const Given& given)
      : Kernel("depthwise", given, 1),
        weight(pack(given)),
        packed{given.shape, epilogue, weight.data(), vectors_for(given.shape, given.shape.oc)} {}
  void run(const ConvolutionCall& call) const override { table.depthwise(packed, call); }
  static bool takes(const ConvolutionShape& s) {
    return s.groups == s.ic && s.groups == s.oc && channel_stride(s.ic) % table_for(s).lanes == 0;
  }

 private:
  Floats pack(const Given& given) const;
  const Floats weight;
  const PackedDepthwise packed;
};

Floats Depthwise::pack(const Given& given) const {
  const int taps = given.shape.kh * given.shape.kw, padded = vectors_for(given.shape, given.shape.oc) * table.lanes;
  Floats packed_weight(std::size_t(taps) * padded);
  for (int t = 0; t < taps; t++)
    for (int c = 0; c < given.shape.oc; c++)
      packed_weight.data()[t * padded + c] = given.at(c, 0, t / given.shape.kw, t % given.shape.kw);
  return packed_weight;
}

// ---- to at most four channels

class FewOutputs : public Kernel {
 public:
  explicit FewOutputs(const Given& given)
      : Kernel("few_outputs", given, table_for(given.shape).lanes),
        weight(pack(given)),
        packed{given.shape, epilogue, weight.data(), vectors_for(given.shape, given.shape.ic)} {}
  void run(const ConvolutionCall& call) const override { table.few_outputs(packed, call); }
  static bool takes(const ConvolutionShape& s) {
    return s.oc <= 4 && s.groups == 1 && channel_stride(s.ic) % table_for(s).lanes == 0;
  }

 private:
  Floats pack(const Given& given) const;
  const Floats weight;
  const PackedFewOutputs packed;
};

Floats FewOutputs::pack(const Given& given) const {
  const ConvolutionShape& s = given.shape;
  const int vectors = vectors_for(s, s.ic);
  Floats packed_weight(std::size_t(s.kh) * s.kw * vectors * s.oc * table.lanes);
  float* to = packed_weight.data();
  for (int t = 0; t < s.kh * s.kw; t++)
    for (int v = 0; v < vectors; v++)
      for (int oc = 0; oc < s.oc; oc++)
        for (int ic = v * table.lanes; ic < (v + 1) * table.lanes; ic++)
          *to++ = ic < s.ic ? given.at(oc, ic, t / s.kw, t % s.kw) : 0.0f;
  return packed_weight;
}

// ---- Winograd: 3x3 and 5x5, stride 1 (see winograd.inl.h)

constexpr int kSide = 6, kFrequencies = kSide * kSide;

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
  std::size_t scratch_bytes(int) const override {
    const int u = frequency_stride(packed.tiles * packed.ic_vectors * table.lanes);
    const int m = frequency_stride(packed.tiles * std::min(packed.oc_vectors, table.most_vectors) * table.lanes);
    return std::size_t(kFrequencies) * (u + m) * sizeof(float);
  }
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
    return size <= 32 * 32 ? 12 : size <= 128 * 128 ? 24 : 48;
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

// ---- matrix tiles, in bfloat16

std::uint16_t to_bf16(float x) {  // to nearest, ties to even; the weights are finite
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

class MatrixTiles : public Kernel {
 public:
  explicit MatrixTiles(const Given& given)
      : Kernel("tiles", given, divide_up(given.shape.oc, 32) * 32), weight(pack(given)), packed(describe(given)) {}
  void run(const ConvolutionCall& call) const override { table.tiles(packed, call); }
  std::size_t scratch_bytes(int columns) const override {
    const auto& s = packed.shape;
    const std::size_t numbers =
        std::size_t(tile_rows(s)) * packed.planes * packed.channels * tile_pixels(s, packed.taps_per_step, columns);
    return 2 * 32 * 32 * sizeof(float) + numbers * sizeof(std::uint16_t);
  }
  static bool takes(const ConvolutionShape& s) {
    return s.groups == 1 && (s.dilation_x == 1 || s.kw == 1 || s.ic > 16) && isa_for(s) == isa_in_force();
  }

 private:
  static int channels(const ConvolutionShape& s) { return std::min(channel_stride(s.ic), 32); }
  PackedTiles describe(const Given& given) const {
    const auto& s = given.shape;
    const int c = channels(s), planes = divide_up(s.ic, c), taps = 32 / c;
    return {s, epilogue, weight.data(), c, planes, taps, s.kh * divide_up(s.kw, taps) * planes};
  }
  std::vector<std::uint16_t> pack(const Given& given) const;
  const std::vector<std::uint16_t> weight;
  const PackedTiles packed;
};

std::vector<std::uint16_t> MatrixTiles::pack(const Given& given) const {
  const auto& s = given.shape;
  const int c = channels(s), planes = divide_up(s.ic, c), taps = 32 / c;
  std::vector<std::uint16_t> out;
  for (int block = 0; block < s.oc; block += 32)
    for (int ky = 0; ky < s.kh; ky++)
      for (int kx = 0; kx < s.kw; kx += taps)
        for (int plane = 0; plane < planes; plane++)
          for (int i = 0; i < 1024; i++) {  // [2 tiles][16 pairs][16 outputs][2]
            const int k = i / 32 % 16 * 2 + i % 2, oc = block + i / 512 * 16 + i / 2 % 16;
            const int x = kx + k / c, ic = plane * c + k % c;
            out.push_back(oc < s.oc && x < s.kw && ic < s.ic ? to_bf16(given.at(oc, ic, ky, x)) : 0);
          }
  return out;
}

// ---- the list: the first that takes the shape

enum class For { both, fp32, bf16 };

struct Variant {
  const char* name;
  For precision;
  bool (*takes)(const ConvolutionShape& shape);    // can compute it
  bool (*prefers)(const ConvolutionShape& shape);  // and should
  std::unique_ptr<ConvolutionKernel> (*make)(const Given& given);
};

template <class K>
std::unique_ptr<ConvolutionKernel> make(const Given& given) {
  return std::make_unique<K>(given);
}

bool anything(const ConvolutionShape&) { return true; }

bool with_real_tiles(const ConvolutionShape&) { return isa_in_force() == Isa::amx; }

constexpr Variant kVariants[] = {
    {"depthwise", For::both, Depthwise::takes, anything, make<Depthwise>},
    {"tiles", For::bf16, MatrixTiles::takes, with_real_tiles, make<MatrixTiles>},
    {"few_outputs", For::both, FewOutputs::takes, anything, make<FewOutputs>},
    {"winograd4x4", For::fp32, Winograd<4>::takes, Winograd<4>::prefers, make<Winograd<4>>},
    {"winograd2x2", For::fp32, Winograd<2>::takes, Winograd<2>::prefers, make<Winograd<2>>},
    {"direct", For::both, anything, anything, make<Direct>},
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_convolution(const ConvolutionShape& shape, const float* weight,
                                                    const float* bias, Activation activation, const float* slope,
                                                    const std::string& which, bool bf16) {
  const Given given{shape, weight, bias, slope, activation};
  const auto chosen = [&](const Variant& v) {
    return which.empty() ? v.precision != (bf16 ? For::fp32 : For::bf16) && v.takes(shape) && v.prefers(shape)
                         : v.name == which;
  };
  for (const auto& variant : kVariants)
    if (chosen(variant)) return variant.takes(shape) ? variant.make(given) : nullptr;
  return nullptr;
}

}  // namespace pellucid
