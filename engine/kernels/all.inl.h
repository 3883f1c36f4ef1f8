// All kernels of one instruction set and the table that leads to them.
// Included by kernels_<isa>.cpp inside an anonymous namespace.
// clang-format off
#include "isa/vec.h"
#include "kernels/multiply.inl.h"
#include "kernels/finish.inl.h"
#include "kernels/depthwise.inl.h"
#include "kernels/direct.inl.h"
#include "kernels/few_outputs.inl.h"
#include "isa/tiles_emulated.h"
#include "kernels/tiles.inl.h"
#include "kernels/winograd.inl.h"
#include "training/all.inl.h"
// clang-format on

namespace rows {
#include "operations/rows.inl.h"
}

// Enough independent sums to hide the latency of any processor so far, in few enough registers for all of them.
double multiply_adds(long rounds) {
  constexpr int kSums = 12;
  V sums[kSums] = {}, x = broadcast(1.0f), y = broadcast(1e-9f);
  asm volatile("" ::"r"(&x) : "memory");
  for (long i = 0; i < rounds; i++)
#pragma GCC unroll 12
    for (int s = 0; s < kSums; s++) {
      sums[s] = fma(x, y, sums[s]);
    }
  for (int s = 1; s < kSums; s++) sums[0] += sums[s];
  asm volatile("" ::"r"(&sums) : "memory");
  return double(rounds) * kSums * kLanes;
}

constexpr KernelTable kTable = {
    .lanes = kLanes,
    .most_vectors = kMostVectors,
    .rows = &rows::kRowFunctions,
    .multiply_adds = multiply_adds,
    .direct = direct::run,
    .depthwise = depthwise::run,
    .few_outputs = few_outputs::run,
    .tiles = tiles::run,
    .winograd4x4 = winograd::run<4>,
    .winograd2x2 = winograd::run<2>,
    .training = &training_functions::kFunctions,
};
