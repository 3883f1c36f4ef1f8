// As kernels/tiles_check.h, for training: its kernels can be written without a processor that has tiles, so the first
// thing that such a processor does is to show that it agrees with the emulation.
#pragma once

#include "training/functions.h"

namespace pellucid::training {

// A small layer forward, backward to data and to weights, every bit of it. Sums are exact, so that no order of
// summation matters. For processors whose tiles have multiplied already.
bool tiles_are_right(const Functions& real, const Functions& emulated);

}  // namespace pellucid::training
