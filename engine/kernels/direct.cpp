// Packs weights for direct.inl.h. Takes every shape.
#include "kernels/kernel.h"

namespace pellucid {
namespace {

int group_vectors(const ConvolutionShape& s) { return vectors_for(s, s.oc / s.groups); }

class Direct : public Kernel {
 public:
  explicit Direct(const Given& given)
      : Kernel("direct", given, group_vectors(given.shape) * table_for(given.shape).lanes),
        weight(pack(given)),
        packed{given.shape, epilogue, weight.data(), group_vectors(given.shape)} {}
  void run(const ConvolutionCall& call) const override { table.direct(packed, call); }
  // A group that ends within a vector is written over by the next one: those are for one thread.
  int shares() const override {
    const ConvolutionShape& s = packed.shape;
    const bool apart = s.groups == 1 || s.oc / s.groups % table.lanes == 0;
    return apart ? s.groups * blocks_of(packed.group_vectors, table.most_vectors) : 1;
  }

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

}  // namespace

Offer direct_kernel() { return {anything, anything, make<Direct>}; }

}  // namespace pellucid
