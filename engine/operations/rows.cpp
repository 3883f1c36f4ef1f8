// The row functions of the instruction set in force.
#include "operations/rows.h"

#include "isa/kernels.h"

namespace pellucid {

const RowFunctions& row_functions() { return *kernels().rows; }

}  // namespace pellucid
