// What exists once per instruction set: one table of plain functions each, filled by kernels_<isa>.cpp. Those sources
// are compiled with flags that other processors do not understand, so nothing but these functions may leave them (see
// README.md).
#pragma once

#include <cstddef>

namespace pellucid {

struct RowFunctions;     // operations/rows.h
struct ConvolutionCall;  // kernels/convolution.h
struct PackedDirect;     // kernels/packed.h
struct PackedDepthwise;

struct KernelTable {
  int lanes;           // floats in a vector
  int direct_vectors;  // most vectors of output channels that the direct kernel takes at a time
  const RowFunctions* rows;
  void (*direct)(const PackedDirect& packed, const ConvolutionCall& call);
};

const KernelTable& kernels();  // of the instruction set in force

const KernelTable& kernels_scalar();
const KernelTable& kernels_neon();
const KernelTable& kernels_avx2();
const KernelTable& kernels_avx512();

}  // namespace pellucid
