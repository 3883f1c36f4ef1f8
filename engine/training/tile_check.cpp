#include "training/tile_check.h"

#include <bit>
#include <vector>

#include "kernels/convolution.h"
#include "kernels/packed.h"
#include "training/tile_maps.h"

namespace pellucid::training {
namespace {

using Halves = std::vector<std::uint16_t>;

class Whole {  // numbers from -4 to 4, as bfloat16
 public:
  float next() { return float(int((state = state * 1664525 + 1013904223) >> 24) % 9 - 4); }
  Halves halves(std::size_t count) {
    Halves all(count);
    for (auto& x : all) x = std::uint16_t(std::bit_cast<std::uint32_t>(next()) >> 16);
    return all;
  }

 private:
  unsigned state = 1;
};

struct Results {
  Halves y, mask, of_x;
  std::vector<float> slopes, weights, bias;
  bool operator==(const Results&) const = default;
};

// 64 channels to 40, both in 3x3: whole and single tiles, one plane and two, pixels that fill no block.
class Layer {
 public:
  explicit Layer(const Functions& functions) : functions(functions) {
    x.data = x_memory.data(), y.data = r.y.data(), gradient.data = gradient_memory.data(), of_x.data = r.of_x.data();
  }

  Results run() {
    convolve(functions.tile_forward, x, y, {Activation::relu, bias.data(), nullptr}, nullptr);
    convolve(functions.tile_backward, gradient, of_x, {Activation::prelu, bias.data(), slopes.data()}, x.row(0, 0));
    TileUnit unit{.x = x.row(0, 0),
                  .gradient = gradient.row(0, 0),
                  .x_plane = x.plane(),
                  .gradient_plane = gradient.plane(),
                  .ic = x.channels(),
                  .oc = y.channels(),
                  .k = 3,
                  .pitch = int(x.pitch()),
                  .pixels = int(x.pixels()),
                  .scratch = nullptr,
                  .sums = r.weights.data(),
                  .bias = r.bias.data()};
    Halves scratch(unit.scratch_numbers());
    unit.scratch = scratch.data();
    functions.tile_weights(unit);
    return r;
  }

 private:
  const Functions& functions;
  Whole whole;
  TileMaps x{nullptr, 1, 5, 9, 64}, y{nullptr, 1, 5, 9, 40}, gradient = y, of_x = x;
  Halves x_memory = whole.halves(x.numbers()), gradient_memory = whole.halves(y.numbers());
  std::vector<float> bias = std::vector<float>(96, 1.0f), slopes = std::vector<float>(96, -0.5f);
  Halves of_mask = whole.halves(x.mask_numbers());
  Results r{Halves(y.numbers()),    Halves(y.mask_numbers()),        Halves(x.numbers()),
            std::vector<float>(64), std::vector<float>(9 * 48 * 64), std::vector<float>(3 * 256)};

  void convolve(void (*kernel)(const TileBand&), const TileMaps& from, const TileMaps& to,
                const PackedEpilogue& epilogue, const std::uint16_t* shown) {
    const ConvolutionShape shape{from.channels(), to.c, 3, 3, 1, 1, 1, 1, 1, 1, 1};
    const int steps = tiles_of(shape, false, epilogue, nullptr).steps * from.planes();
    const Halves weight = whole.halves(std::size_t(2) * 3 * steps * 1024);
    const PackedTiles packed = tiles_of(shape, false, epilogue, weight.data());
    const float* in[3];
    for (int ky = 0; ky < 3; ky++) in[ky] = reinterpret_cast<const float*>(from.row(0, ky - 1));
    float* out[] = {reinterpret_cast<float*>(to.row(0, 0))};
    std::vector<float> sums(32 * 32);
    const int pixels = int(to.pixels());
    kernel({packed,
            {in, from.channels(), out, to.channels(), 1, 0, pixels, pixels, {}, sums.data(), from.plane(), to.plane()},
            shown ? of_mask.data() : r.mask.data(),
            shown,
            shown ? r.slopes.data() : nullptr});
  }
};

}  // namespace

bool tiles_are_right(const Functions& real, const Functions& emulated) {
  return Layer(real).run() == Layer(emulated).run();
}

}  // namespace pellucid::training
