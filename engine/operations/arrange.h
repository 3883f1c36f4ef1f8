// Primitives that only move numbers, for declarations of other families.
#pragma once

#include "operations/operation.h"

namespace pellucid {

// Channel (o fy + ky) fx + kx of pixel (y, x) becomes channel o of pixel (y fy + ky, x fx + kx); `cut` is then cut off.
PrimitivePointer pixel_shuffle_primitive(Pair factor, Sides cut);

}  // namespace pellucid
