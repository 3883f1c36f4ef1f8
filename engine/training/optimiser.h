// One step of Adam or AdamW over all tensors of a network: each number is read once and written once, together with its
// two running averages and, if one is kept, the moving average of the weight itself. The same bits come out for any
// number of threads. Knows nothing of rates that change or of what a tensor is: numbers lie one after the other.
#pragma once

#include <vector>

#include "training/functions.h"

namespace pellucid::training {

struct AdamSettings {
  double rate, beta1, beta2, epsilon;
  double decay;     // of the weights, apart from the gradient; 0 is Adam
  double gradient;  // each gradient is multiplied by it first: shortening (clipping) costs no pass of its own
  double toward;    // how far the moving average goes towards the new weight
  long t;           // which step it is: 1, 2, ...
};

void adam_step(const std::vector<AdamTensor>& tensors, const AdamSettings& settings, int threads);

struct Numbers {
  const float* data;
  long count;
};

// The length of all tensors as one vector, summed in double.
double length_of(const std::vector<Numbers>& tensors, int threads);

}  // namespace pellucid::training
