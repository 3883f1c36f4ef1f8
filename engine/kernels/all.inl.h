// All kernels of one instruction set and the table that leads to them, in the order in which they need each other.
// Included by kernels_<isa>.cpp inside an anonymous namespace.
#include "isa/vec.h"
#include "kernels/multiply.inl.h"
#include "kernels/finish.inl.h"
#include "kernels/direct.inl.h"
#include "kernels/winograd.inl.h"

namespace rows {
#include "operations/rows.inl.h"
}

constexpr KernelTable kTable = {kLanes, kMostVectors, &rows::kRowFunctions, direct::run, winograd::run<4>, winograd::run<2>};
