// Winograd's numbers, stated once: kernels, packing and training share them. Plain constants only (isa/README.md).
#pragma once

namespace pellucid::winograd {

constexpr int kSide = 6, kFrequencies = kSide * kSide;
constexpr float kA = 0.70710678118654752f, kB = 1.41421356237309505f;  // the points 0, +-a, +-b and infinity

// Frequencies of one direction come in pairs, whose sums and differences are the same. A tile's twelve frequencies of
// one pair in y fit thirty-two registers, all thirty-six do not.
constexpr int kPairs = 3, kFrequencyOf[kPairs][2] = {{1, 2}, {3, 4}, {0, 5}};

// Transformed inputs lie in lines of so many channels, a cache line, whatever the vectors.
constexpr int kChannels = 16;
constexpr int lines_of_channels(int channels) { return (channels + kChannels - 1) / kChannels; }

constexpr int kMostTiles = 48;  // that a pass takes

}  // namespace pellucid::winograd
