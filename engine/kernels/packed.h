// What the kernels of every instruction set receive: a shape and packed weights, as plain data. Packing itself happens
// once, in ordinary code (convolution.cpp), for the number of lanes that the table of kernels states.
#pragma once

#include "kernels/convolution.h"
#include "kernels/winograd.h"
#include "layout/tensor_layout.h"

namespace pellucid {

// What follows a sum, for output channels padded to whole vectors (and 64 floats more).
struct PackedEpilogue {
  Activation activation;
  const float* bias;   // zeros when there is none
  const float* slope;  // read for prelu only
};

// Weights in the order in which they are read: for each group, for each block of output channels (see
// split_vectors), [ky][kx][ic][block]. Groups begin with a vector of their own.
struct PackedDirect {
  ConvolutionShape shape;
  PackedEpilogue epilogue;  // bias and slope per group, padded like the weights
  const float* weight;
  int group_vectors;  // vectors of output channels in a group
};

// Weights [ky][kx][channel], padded to whole vectors.
struct PackedDepthwise {
  ConvolutionShape shape;
  PackedEpilogue epilogue;
  const float* weight;
  int vectors;
};

// Weights [ky][kx][vector of ic][oc][lane].
struct PackedFewOutputs {
  ConvolutionShape shape;
  PackedEpilogue epilogue;
  const float* weight;
  int ic_vectors;
};

// Weights in Winograd's space: for each block of output channels, [36 frequencies][ic][block].
struct PackedWinograd {
  ConvolutionShape shape;
  PackedEpilogue epilogue;
  const float* weight;
  int ic_vectors, oc_vectors;
  int tiles;  // that one pass takes: their transforms stay in the second cache beside the weights
};

// bfloat16 weights for matrix tiles: [32 outputs][ky][plane][run][step][2 tiles][pair][16 outputs][2]. A run is numbers
// of the input that lie side by side, all taps of a row in one plane (one tap if they are dilated), in steps of 32;
// before its first number there are `lead` that meet weights of zero, so that it ends with a step.
//
// A float32 map of few channels may be taken in two parts, each number rounded and then what rounding left of it, that
// its numbers need not be coarse; both parts meet the same weights.
constexpr int kMostSplit = 16;
struct PackedTiles {
  ConvolutionShape shape;
  PackedEpilogue epilogue;  // bias and slopes padded to whole blocks of 32
  const unsigned short* weight;
  int parts;             // 2: split
  int channels, planes;  // a plane's numbers per pixel, of all parts
  int runs, steps, lead;
};

constexpr PackedTiles tiles_of(const ConvolutionShape& s, bool split, const PackedEpilogue& epilogue,
                               const unsigned short* weight) {
  const int parts = split ? 2 : 1, runs = s.dilation_x == 1 ? 1 : s.kw;
  const int c = plane_channels(channel_stride(s.ic)) * parts, run = s.kw / runs * c, steps = (run + 31) / 32;
  return {s, epilogue, weight, parts, c, plane_count(channel_stride(s.ic)), runs, steps, steps * 32 - run};
}

constexpr int kTileSums = 32 * 32;  // floats of the sums of a block

// Of the copy of the input: rows that an output row reads, and numbers in a plane for whole blocks of 32 outputs.
constexpr int tile_rows(const ConvolutionShape& s) { return (s.kh - 1) * s.dilation_y + 1; }
constexpr int tile_plane(const PackedTiles& p, int columns) {
  const int pixels = ((columns + 31) / 32 * 32 - 1) * p.shape.stride_x + (p.shape.kw - 1) * p.shape.dilation_x + 1;
  return 32 + (pixels * p.channels + 31) / 32 * 32;
}

constexpr std::size_t winograd_scratch(const PackedWinograd& p, int lanes, int most_vectors) {
  const int vectors = p.oc_vectors < most_vectors ? p.oc_vectors : most_vectors;
  const int channels = winograd::lines_of_channels(p.ic_vectors * lanes) * winograd::kChannels + vectors * lanes;
  return std::size_t(winograd::kFrequencies) * p.tiles * channels * sizeof(float);
}

// Vectors of output channels are taken in pairs; an odd number ends with three, where `most` allows it.
inline int split_vectors(int left, int most) {
  if (left <= most) return left;
  return left == 3 || most < 2 ? 1 : 2;
}
inline int blocks_of(int vectors, int most) {
  int blocks = 0;
  for (int v = 0; v < vectors; v += split_vectors(vectors - v, most)) blocks++;
  return blocks;
}

// The blocks of output channels that a call asks for.
struct BlocksOfShare {
  int from, to;
  BlocksOfShare(int blocks, const ConvolutionCall& call)
      : from(blocks * call.share / call.shares), to(blocks * (call.share + 1) / call.shares) {}
  bool has(int block) const { return from <= block && block < to; }
};

}  // namespace pellucid
