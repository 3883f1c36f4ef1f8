// Chooses among the convolution kernels.
#include "kernels/kernel.h"

namespace pellucid {
namespace {

enum class For { both, fp32, bf16 };

struct Variant {
  const char* name;
  For precision;
  Offer offer;
};

// The first that takes the shape and should; plainest last.
const Variant kVariants[] = {
    {"depthwise", For::both, depthwise_kernel()},     {"tiles", For::bf16, tiles_kernel()},
    {"few_outputs", For::both, few_outputs_kernel()}, {"winograd4x4", For::fp32, winograd4x4_kernel()},
    {"winograd2x2", For::fp32, winograd2x2_kernel()}, {"direct", For::both, direct_kernel()},
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_convolution(const ConvolutionShape& shape, const float* weight,
                                                    const float* bias, Activation activation, const float* slope,
                                                    const std::string& which, bool bf16, bool split) {
  const Given given{shape, weight, bias, slope, activation, split};
  const For other = bf16 ? For::fp32 : For::bf16;
  for (const auto& [name, precision, offer] : kVariants) {
    if (name == which) return offer.takes(shape) ? offer.make(given) : nullptr;
    if (which.empty() && precision != other && offer.takes(shape) && offer.prefers(shape)) return offer.make(given);
  }
  return nullptr;
}

}  // namespace pellucid
