// Packs weights for few_outputs.inl.h: one to four output channels.
#include "kernels/kernel.h"

namespace pellucid {
namespace {

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

}  // namespace

Offer few_outputs_kernel() { return {FewOutputs::takes, anything, make<FewOutputs>}; }

}  // namespace pellucid
