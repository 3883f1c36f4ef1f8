// Winograd's numbers, stated once: kernels, packing and training share them. Plain constants only (isa/README.md).
#pragma once

namespace pellucid::winograd {

constexpr int kSide = 6, kFrequencies = kSide * kSide;
constexpr float kA = 0.70710678118654752f, kB = 1.41421356237309505f;  // the points 0, +-a, +-b and infinity

// Transformed inputs lie in lines of so many channels, a cache line, whatever the vectors.
constexpr int kChannels = 16;
constexpr int lines_of_channels(int channels) { return (channels + kChannels - 1) / kChannels; }

}  // namespace pellucid::winograd
