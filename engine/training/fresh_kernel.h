// Kernels whose weights change with every step: what kernels/convolution.h would choose, packed quickly.
#pragma once

#include <memory>

#include "kernels/convolution.h"

namespace pellucid::training {

std::unique_ptr<ConvolutionKernel> fresh_kernel(const ConvolutionShape& shape, const float* weight, const float* bias,
                                                Activation activation, const float* slope, int threads);

// Weights (oc, ic / groups, kh, kw) of the convolution that carries gradients back: turned by half, channels exchanged
// within each group. `to` is as large.
void turn_weights(const ConvolutionShape& shape, const float* weight, float* to, int threads);

}  // namespace pellucid::training
