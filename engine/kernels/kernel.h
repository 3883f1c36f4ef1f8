// What the convolution kernels share on the ordinary side: the weights as given, aligned memory, and the choice of the
// table that a shape goes to. Each kernel's own file packs its weights, once, when a network is made, and offers itself
// to the list in convolution.cpp; its loops are in the *.inl.h of the same stem.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "isa/isa.h"
#include "isa/kernels.h"
#include "kernels/convolution.h"
#include "kernels/packed.h"
#include "layout/tensor_layout.h"

namespace pellucid {

struct Given {
  ConvolutionShape shape;
  const float *weight, *bias, *slope;  // as make_convolution's
  Activation activation;
  bool split = false;  // see make_convolution

  float at(int oc, int ic, int ky, int kx) const {
    return weight[((std::size_t(oc) * (shape.ic / shape.groups) + ic) * shape.kh + ky) * shape.kw + kx];
  }
};

constexpr int divide_up(int a, int b) { return (a + b - 1) / b; }

// Numbers on a cache line's boundary.
template <class T>
class Aligned {
 public:
  explicit Aligned(std::size_t n) : storage(n + 64 / sizeof(T), T(0)) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage.data());
    shift = (64 - address % 64) % 64 / sizeof(T);
  }
  T* data() { return storage.data() + shift; }
  const T* data() const { return storage.data() + shift; }

 private:
  std::vector<T> storage;
  std::size_t shift;
};
using Floats = Aligned<float>;

// Values of oc channels, with every group padded to `padded` floats; zeros where none are given.
inline Floats by_groups(const float* values, const ConvolutionShape& s, int padded) {
  const int ocg = s.oc / s.groups;
  Floats out(std::size_t(s.groups) * padded + 16);  // read in whole vectors
  for (int g = 0; values && g < s.groups; g++) std::copy_n(values + g * ocg, ocg, out.data() + std::size_t(g) * padded);
  return out;
}

// Half of a vector of sixteen would be empty with eight output channels, so AVX-512 leaves those to AVX2.
inline Isa isa_for(const ConvolutionShape& s) {
  const Isa isa = isa_in_force();
  return (isa == Isa::avx512 || isa == Isa::amx) && s.oc <= 8 && s.oc > 4 ? Isa::avx2 : isa;
}
inline bool with_tiles() { return isa_in_force() == Isa::amx || isa_in_force() == Isa::amx_emulated; }
inline const KernelTable& table_for(const ConvolutionShape& s) { return kernels(isa_for(s)); }
inline int vectors_for(const ConvolutionShape& s, int channels) { return divide_up(channels, table_for(s).lanes); }

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

// ---- what convolution.cpp lists

struct Offer {
  bool (*takes)(const ConvolutionShape& shape);    // can compute it
  bool (*prefers)(const ConvolutionShape& shape);  // and should
  std::unique_ptr<ConvolutionKernel> (*make)(const Given& given);
};

template <class K>
std::unique_ptr<ConvolutionKernel> make(const Given& given) {
  return std::make_unique<K>(given);
}

inline bool anything(const ConvolutionShape&) { return true; }

Offer direct_kernel();
Offer depthwise_kernel();
Offer few_outputs_kernel();
Offer tiles_kernel();
Offer winograd4x4_kernel();
Offer winograd2x2_kernel();

}  // namespace pellucid
