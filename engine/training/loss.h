// The mean over all values of a loss of the difference between two maps, and its gradient, in one pass over memory. The
// same bits come out for any number of threads. Knows nothing of what the maps show.
#pragma once

#include <array>
#include <cstddef>

#include "training/functions.h"

namespace pellucid::training {

// Output and gradient are dense, of these sizes, the last one innermost; the target may have gaps or another order.
struct LossMaps {
  const void* output;  // float or, as the gradient, bfloat16
  bool bf16;
  const float* target;
  void* gradient;  // null: unwanted
  std::array<long, 4> sizes;
  std::array<std::ptrdiff_t, 4> target_strides;  // in numbers
};

double mean_loss(const LossMaps& maps, LossKind kind, float epsilon, int threads);

}  // namespace pellucid::training
