// Convolutions of whole maps, forward and backward, in bfloat16 on matrix tiles (or their emulation): 3x3 or 1x1,
// stride 1, the map's size kept. Weights, biases, slopes and their gradients are float32, and so are all sums. The same
// bits come out for any number of threads. Like convolution.h it keeps no state.
#pragma once

#include "kernels/convolution.h"
#include "training/tile_maps.h"

namespace pellucid::training {

// Dense maps (n, h, w, c) of bfloat16, or of float32 to be rounded, to those of tile_maps.h, and back.
void to_tiles(const std::uint16_t* dense, const TileMaps& maps, int threads);
void to_tiles(const float* dense, const TileMaps& maps, int threads);
void from_tiles(const TileMaps& maps, std::uint16_t* dense, int threads);

// An activation, as it is taken forward and back. Forward writes its mask, if not null; backward reads it. `slope` and
// `slope_gradient` as in ActivationBack; the latter needs the map that the activation gave or took, `shown`.
struct TileActivation {
  Activation kind = Activation::none;
  const float* slope = nullptr;
  std::uint16_t* mask = nullptr;
  const std::uint16_t* shown = nullptr;
  float* slope_gradient = nullptr;
};

// Weights are (oc, ic, k, k); bias is of oc values or null.
void tile_forward(int k, const float* weight, const float* bias, const TileActivation& activation, const TileMaps& x,
                  const TileMaps& y, int threads);

// The gradient of what an activation took, in place of that of what it gave.
void tile_back_through(const TileActivation& activation, const TileMaps& gradient, int threads);

// The gradient of x from that of y, and on through the activation that made x, if it has one.
void tile_backward_data(int k, const float* weight, const TileMaps& gradient, const TileActivation& activation,
                        const TileMaps& x_gradient, int threads);

// The gradients of weights and bias; `bias_gradient` may be null.
void tile_backward_weights(int k, const TileMaps& x, const TileMaps& gradient, float* weight_gradient,
                           float* bias_gradient, int threads);

}  // namespace pellucid::training
