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

// Weights are (oc, ic / groups, kh, kw); bias is of oc values or null, and so are slopes but for prelu. Padding is the
// same at opposite edges and at most dilation * (k - 1). Sizes are the caller's to get right.
void forward(const ConvolutionShape& shape, const float* weight, const float* bias, Activation activation,
             const float* slope, const ConstMaps& x, const Maps<float>& y, int threads);

// The way back through an activation: gradients are multiplied by its slope, which is 1 where `map` is positive and
// elsewhere the channel's, or 0 for a null `slope`, a ReLU. `map` is what went in or what came out, which have the same
// sign while slopes are positive. `slope_gradient`, null or a value for each channel, gets the sum of gradient * map
// over the pixels where the map is negative.
struct ActivationBack {
  const float* map;
  const float* slope;
  float* slope_gradient;
};

void backward_activation(const ActivationBack& activation, const ConstMaps& gradient, const Maps<float>& to,
                         int threads);

// The gradient of x from the gradient of y, and on through the activation that made x, if `activation` is not null.
void backward_data(const ConvolutionShape& shape, const float* weight, const ConstMaps& gradient,
                   const ActivationBack* activation, const Maps<float>& x_gradient, int threads);

// The gradients of weights and bias; `bias_gradient` may be null.
void backward_weights(const ConvolutionShape& shape, const ConstMaps& x, const ConstMaps& gradient,
                      float* weight_gradient, float* bias_gradient, int threads);

// Maps (n, c, h, w), as torch lays them out by itself, to (n, h, w, c).
void to_channels_last(const float* from, const Maps<float>& to, int threads);

}  // namespace pellucid::training
