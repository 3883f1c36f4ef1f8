// Training's part of one instruction set. Included by kernels/all.inl.h inside an anonymous namespace.
#include "training/activation.inl.h"
#include "training/optimiser.inl.h"
#include "training/weight_gradient.inl.h"

namespace training_functions {

constexpr training::Functions kFunctions = {
    .input_tiles = tile_row<kSide>,
    .gradient_tiles = tile_row<kOutputs>,
    .outer_products = outer_products,
    .back_through = back_through,
    .adam = adam,
    .squares = squares,
};

}  // namespace training_functions
