// What exists once per instruction set: one table of plain functions each, filled by kernels_<isa>.cpp. Those sources
// are compiled with flags that other processors do not understand, so nothing but these functions may leave them (see
// README.md).
#pragma once

#include <cstddef>

#include "training/functions.h"

namespace pellucid {

struct RowFunctions;     // operations/rows.h
struct ConvolutionCall;  // kernels/convolution.h
struct PackedDirect;     // kernels/packed.h
struct PackedDepthwise;
struct PackedFewOutputs;
struct PackedTiles;
struct PackedWinograd;

struct KernelTable {
  int lanes;         // floats in a vector
  int most_vectors;  // most vectors of output channels that the kernels take at a time
  const RowFunctions* rows;
  double (*multiply_adds)(long rounds);  // does that many from register to register; returns how many: for the peak
  void (*direct)(const PackedDirect& packed, const ConvolutionCall& call);
  void (*depthwise)(const PackedDepthwise& packed, const ConvolutionCall& call);
  void (*few_outputs)(const PackedFewOutputs& packed, const ConvolutionCall& call);
  void (*tiles)(const PackedTiles& packed, const ConvolutionCall& call);           // emulated, but for amx
  void (*winograd4x4)(const PackedWinograd& packed, const ConvolutionCall& call);  // of 3x3 kernels
  void (*winograd2x2)(const PackedWinograd& packed, const ConvolutionCall& call);  // of 5x5 kernels
  const training::Functions* training;
};

enum class Isa;                // isa/isa.h
const KernelTable& kernels();  // of the instruction set in force
const KernelTable& kernels(Isa isa);

const KernelTable& kernels_scalar();
const KernelTable& kernels_neon();
const KernelTable& kernels_avx2();
const KernelTable& kernels_avx512();
const KernelTable& kernels_amx();

}  // namespace pellucid
