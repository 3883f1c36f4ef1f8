// Matrix tiles are believed when they have multiplied: kernels for them can be written and tested without a processor
// that has any, so the first thing such a processor does is to show that it agrees.
#pragma once

#include "isa/kernels.h"

namespace pellucid {

// A few small convolutions, every bit of which must be what the emulation says. Their sums are exact, so that no
// order of summation matters. An instruction that the processor refuses counts as disagreement. About 1 ms.
bool tiles_are_right(const KernelTable& real, const KernelTable& emulated);

}  // namespace pellucid
