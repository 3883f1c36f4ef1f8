// Weights as matrix tiles take them.
#pragma once

#include <cstdint>

#include "kernels/kernel.h"

namespace pellucid {

bool split_for_tiles(const Given& given);
Aligned<std::uint16_t> packed_for_tiles(const Given& given);
std::size_t tiles_scratch_bytes(const PackedTiles& packed, int columns);

}  // namespace pellucid
