// Training on matrix tiles, on numpy arrays: maps and masks are arrays of 16 bits without a shape, as long as
// training_tile_sizes says, which only these functions read and write. Sizes are checked here once.
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>

#include "bindings/training.h"
#include "training/tile_convolution.h"

namespace {

using Halves = nb::ndarray<const std::int16_t, nb::c_contig, nb::device::cpu>;
using HalvesResult = nb::ndarray<std::int16_t, nb::c_contig, nb::device::cpu>;
using Size = std::array<long, 3>;  // n h w

template <class A>
std::uint16_t* bits(const A& array) {
  return reinterpret_cast<std::uint16_t*>(const_cast<std::int16_t*>(array.data()));
}

training::TileMaps maps_of(const Size& size, int channels) {
  const bool sound = size[0] > 0 && size[1] > 0 && size[2] > 0 && channels > 0;
  expect(sound, "maps of no size", std::to_string(size[1]) + " x " + std::to_string(size[2]),
         "1 or more of everything");
  return {nullptr, size[0], size[1], size[2], channels};
}

template <class A>
training::TileMaps to_maps(const A& array, const Size& size, int channels) {
  auto maps = maps_of(size, channels);
  expect(array.size() == maps.numbers(), "tiled maps of the wrong length", std::to_string(array.size()),
         std::to_string(maps.numbers()));
  maps.data = bits(array);
  return maps;
}

template <class A>
int kernel_of(const A& weight) {
  expect(weight.ndim() == 4 && weight.shape(2) == weight.shape(3) && (weight.shape(2) == 1 || weight.shape(2) == 3),
         "weights that tiles do not train", shape_of(weight), "(oc, ic, 3, 3) or (oc, ic, 1, 1)");
  return int(weight.shape(2));
}

training::TileActivation to_activation(const training::TileMaps& maps, bool relu, const std::optional<Array>& slope,
                                       const std::optional<HalvesResult>& mask, const std::optional<Halves>& shown,
                                       const std::optional<Result>& slope_gradient) {
  expect_channels(slope, "slopes of the wrong size", maps.c);
  expect(!mask || mask->size() == maps.mask_numbers(), "a mask of the wrong length",
         mask ? std::to_string(mask->size()) : "", std::to_string(maps.mask_numbers()));
  if (shown) to_maps(*shown, {maps.n, maps.h, maps.w}, maps.c);
  expect(!slope_gradient || (slope && shown && slope_gradient->size() == std::size_t(maps.c)),
         "no such gradient of slopes", slope_gradient ? shape_of(*slope_gradient) : "",
         "one value for each slope, and a map");
  return {slope  ? Activation::prelu
          : relu ? Activation::relu
                 : Activation::none,
          slope ? slope->data() : nullptr, mask ? bits(*mask) : nullptr, shown ? bits(*shown) : nullptr,
          slope_gradient ? slope_gradient->data() : nullptr};
}

void expect_mask(const training::TileActivation& activation) {
  expect(activation.kind == Activation::none || activation.mask, "an activation without a mask", "none", "its mask");
}

nb::tuple sizes(const Size& size, int channels) {
  const auto maps = maps_of(size, channels);
  return nb::make_tuple(maps.numbers(), maps.mask_numbers());
}

template <class A>
Size size_of(const A& dense) {
  expect(dense.ndim() == 4, "maps of the wrong shape", shape_of(dense), "(n, h, w, c)");
  return {long(dense.shape(0)), long(dense.shape(1)), long(dense.shape(2))};
}

void to_tiles(const Halves& dense, const HalvesResult& out, int threads) {
  const auto maps = to_maps(out, size_of(dense), int(dense.shape(3)));
  nb::gil_scoped_release release;
  training::to_tiles(bits(dense), maps, threads);
}

void floats_to_tiles(const Array& dense, const HalvesResult& out, int threads) {
  const auto maps = to_maps(out, size_of(dense), int(dense.shape(3)));
  nb::gil_scoped_release release;
  training::to_tiles(dense.data(), maps, threads);
}

void from_tiles(const Halves& from, const HalvesResult& dense, int threads) {
  const auto maps = to_maps(from, size_of(dense), int(dense.shape(3)));
  nb::gil_scoped_release release;
  training::from_tiles(maps, bits(dense), threads);
}

void forward(const Halves& x, const Size& size, const Array& weight, const std::optional<Array>& bias, bool relu,
             const std::optional<Array>& slope, const std::optional<HalvesResult>& mask, const HalvesResult& out,
             int threads) {
  const int k = kernel_of(weight);
  const auto from = to_maps(x, size, int(weight.shape(1))), to = to_maps(out, size, int(weight.shape(0)));
  expect_channels(bias, "a bias of the wrong size", to.c);
  const auto activation = to_activation(to, relu, slope, mask, {}, {});
  nb::gil_scoped_release release;
  training::tile_forward(k, weight.data(), bias ? bias->data() : nullptr, activation, from, to, threads);
}

void back_through(const HalvesResult& gradient, const Size& size, int channels, const HalvesResult& mask,
                  const std::optional<Array>& slope, const std::optional<Halves>& shown,
                  const std::optional<Result>& slope_gradient, int threads) {
  const auto maps = to_maps(gradient, size, channels);
  const auto activation = to_activation(maps, true, slope, mask, shown, slope_gradient);
  nb::gil_scoped_release release;
  training::tile_back_through(activation, maps, threads);
}

void backward_data(const Halves& gradient, const Size& size, const Array& weight, bool relu,
                   const std::optional<HalvesResult>& mask, const std::optional<Array>& slope,
                   const std::optional<Halves>& shown, const std::optional<Result>& slope_gradient,
                   const HalvesResult& out, int threads) {
  const int k = kernel_of(weight);
  const auto from = to_maps(gradient, size, int(weight.shape(0))), to = to_maps(out, size, int(weight.shape(1)));
  const auto activation = to_activation(to, relu, slope, mask, shown, slope_gradient);
  expect_mask(activation);
  nb::gil_scoped_release release;
  training::tile_backward_data(k, weight.data(), from, activation, to, threads);
}

void backward_weights(const Halves& x, const Halves& gradient, const Size& size, const Result& weight_gradient,
                      const std::optional<Result>& bias_gradient, int threads) {
  const int k = kernel_of(weight_gradient);
  const auto from = to_maps(x, size, int(weight_gradient.shape(1)));
  const auto to = to_maps(gradient, size, int(weight_gradient.shape(0)));
  expect(!bias_gradient || bias_gradient->size() == std::size_t(to.c), "a bias of the wrong size",
         bias_gradient ? shape_of(*bias_gradient) : "", std::to_string(to.c));
  nb::gil_scoped_release release;
  training::tile_backward_weights(k, from, to, weight_gradient.data(), bias_gradient ? bias_gradient->data() : nullptr,
                                  threads);
}

}  // namespace

void add_training_on_tiles(nb::module_& m) {
  m.def("training_tile_sizes", sizes, "size"_a, "channels"_a, "Numbers of 16 bits in maps (n, h, w) and their masks.");
  m.def("training_to_tiles", to_tiles, "dense"_a, "out"_a, "threads"_a);
  m.def("training_floats_to_tiles", floats_to_tiles, "dense"_a, "out"_a, "threads"_a);
  m.def("training_from_tiles", from_tiles, "maps"_a, "dense"_a, "threads"_a);
  m.def("training_tile_forward", forward, "x"_a, "size"_a, "weight"_a, "bias"_a.none(), "relu"_a, "slope"_a.none(),
        "mask"_a.none(), "out"_a, "threads"_a);
  m.def("training_tile_back_through", back_through, "gradient"_a, "size"_a, "channels"_a, "mask"_a, "slope"_a.none(),
        "shown"_a.none(), "slope_gradient"_a.none(), "threads"_a);
  m.def("training_tile_backward_data", backward_data, "gradient"_a, "size"_a, "weight"_a, "relu"_a, "mask"_a.none(),
        "slope"_a.none(), "shown"_a.none(), "slope_gradient"_a.none(), "out"_a, "threads"_a);
  m.def("training_tile_backward_weights", backward_weights, "x"_a, "gradient"_a, "size"_a, "weight_gradient"_a,
        "bias_gradient"_a.none(), "threads"_a);
}
