// Chooses among the convolution kernels and packs their weights, once, when a network is made. The loops themselves are
// in *.inl.h, compiled for each instruction set.
#include "kernels/convolution.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "isa/isa.h"
#include "isa/kernels.h"
#include "kernels/packed.h"

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
  Floats out(std::size_t(s.groups) * padded);
  for (int g = 0; values && g < s.groups; g++) std::copy_n(values + g * ocg, ocg, out.data() + std::size_t(g) * padded);
  return out;
}

class Kernel : public ConvolutionKernel {
 public:
  Kernel(const char* name, const Given& given, int padded)
      : table(kernels()), title(std::string(name) + "-" + pellucid::name(isa_in_force())),
        bias(by_groups(given.bias, given.shape, padded)), slope(by_groups(given.slope, given.shape, padded)),
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

int group_vectors(const Given& given) { return divide_up(given.shape.oc / given.shape.groups, kernels().lanes); }

class Direct : public Kernel {
 public:
  explicit Direct(const Given& given)
      : Kernel("direct", given, group_vectors(given) * kernels().lanes), weight(pack(given)),
        packed{given.shape, epilogue, weight.data(), group_vectors(given)} {}
  void run(const ConvolutionCall& call) const override { table.direct(packed, call); }

 private:
  Floats pack(const Given& given) const;
  const Floats weight;
  const PackedDirect packed;
};

Floats Direct::pack(const Given& given) const {
  const ConvolutionShape& s = given.shape;
  const int icg = s.ic / s.groups, ocg = s.oc / s.groups, vectors = group_vectors(given);
  Floats packed_weight(std::size_t(s.groups) * vectors * table.lanes * s.kh * s.kw * icg);
  float* to = packed_weight.data();
  for (int g = 0; g < s.groups; g++)
    for (int v = 0, n; v < vectors; v += n) {
      n = split_vectors(vectors - v, table.direct_vectors);
      for (int ky = 0; ky < s.kh; ky++)
        for (int kx = 0; kx < s.kw; kx++)
          for (int ic = 0; ic < icg; ic++)
            for (int o = v * table.lanes; o < (v + n) * table.lanes; o++)
              *to++ = o < ocg ? given.at(g * ocg + o, ic, ky, kx) : 0.0f;
    }
  return packed_weight;
}

// ---- the list: the first that takes the shape

struct Variant {
  const char* name;
  bool (*takes)(const ConvolutionShape& shape);   // can compute it
  bool (*prefers)(const ConvolutionShape& shape);  // and should
  std::unique_ptr<ConvolutionKernel> (*make)(const Given& given);
};

template <class K>
std::unique_ptr<ConvolutionKernel> make(const Given& given) { return std::make_unique<K>(given); }

bool anything(const ConvolutionShape&) { return true; }

constexpr Variant kVariants[] = {
    {"direct", anything, anything, make<Direct>},
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_convolution(const ConvolutionShape& shape, const float* weight, const float* bias,
                                                    Activation activation, const float* slope, const std::string& which) {
  const Given given{shape, weight, bias, slope, activation};
  for (const auto& variant : kVariants)
    if (which.empty() ? variant.takes(shape) && variant.prefers(shape) : variant.name == which)
      return variant.takes(shape) ? variant.make(given) : nullptr;
  return nullptr;
}

}  // namespace pellucid
