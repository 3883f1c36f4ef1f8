// Convolutions of whole maps, forward and backward, for training in float32. Maps are dense (n, h, w, c), as torch's
// channels_last tensors lie. The same bits come out for any number of threads. Knows nothing of Python or of torch, and
// keeps no state: what backward needs, the caller keeps.
#pragma once

#include "kernels/convolution.h"

namespace pellucid::training {

template <class T>
struct Maps {
  T* data;  // (n, h, w, c)
  long n, h, w;
  int c;
};
using ConstMaps = Maps<const float>;

// Weights are (oc, ic / groups, kh, kw); bias is of oc values or null. Padding is the same at opposite edges and at
// most dilation * (k - 1). Sizes are the caller's to get right.
void forward(const ConvolutionShape& shape, const float* weight, const float* bias, bool relu, const ConstMaps& x,
             const Maps<float>& y, int threads);

// The gradient of x from the gradient of y. `mask`, a map like x or null: where it is not positive the result is zero,
// which is the ReLU that made x.
void backward_data(const ConvolutionShape& shape, const float* weight, const ConstMaps& gradient, const float* mask,
                   const Maps<float>& x_gradient, int threads);

// The gradients of weights and bias; `bias_gradient` may be null.
void backward_weights(const ConvolutionShape& shape, const ConstMaps& x, const ConstMaps& gradient,
                      float* weight_gradient, float* bias_gradient, int threads);

}  // namespace pellucid::training
