// Training's part of one instruction set. Included by kernels/all.inl.h inside an anonymous namespace.
#include "training/activation.inl.h"
#include "training/loss.inl.h"
#include "training/optimiser.inl.h"
#include "training/tile_convolution.inl.h"
#include "training/tile_weights.inl.h"
#include "training/weight_gradient.inl.h"

namespace training_functions {

constexpr training::Functions kFunctions = {
    .input_tiles = tile_row<kSide>,
    .gradient_tiles = tile_row<kOutputs>,
    .outer_products = outer_products,
    .back_through = back_through,
    .adam = adam,
    .squares = squares,
    .loss = loss,
    .to_bf16 = to_bf16,
    .tile_forward = training_tiles::forward,
    .tile_backward = training_tiles::backward,
    .tile_back_through = training_tiles::back_through,
    .tile_weights = training_tiles::weights,
};

}  // namespace training_functions
