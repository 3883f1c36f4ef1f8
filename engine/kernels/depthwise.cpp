// Packs weights for depthwise.inl.h.
#include "kernels/kernel.h"

namespace pellucid {
namespace {

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

}  // namespace

Offer depthwise_kernel() { return {Depthwise::takes, anything, make<Depthwise>}; }

}  // namespace pellucid
