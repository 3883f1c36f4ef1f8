// Winograd's numbers, stated once: kernels, packing and training share them. Plain constants only (isa/README.md).
#pragma once

namespace pellucid::winograd {

constexpr int kSide = 6, kFrequencies = kSide * kSide;
constexpr float kA = 0.70710678118654752f, kB = 1.41421356237309505f;  // the points 0, +-a, +-b and infinity

}  // namespace pellucid::winograd
