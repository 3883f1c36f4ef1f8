// Training on numpy arrays: convolutions of whole maps (n, h, w, c), forward and backward. Shapes are checked here
// once.
#include "bindings/training.h"

#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include "training/buffers.h"
#include "training/convolution.h"
#include "training/loss.h"
#include "training/optimiser.h"

namespace {

using Geometry = std::vector<int>;  // stride y x, padding y x, dilation y x, groups

template <class T, class A>
training::Maps<T> to_maps(const A& array) {
  expect(array.ndim() == 4, "maps of the wrong shape", shape_of(array), "(n, h, w, c)");
  return {array.data(), long(array.shape(0)), long(array.shape(1)), long(array.shape(2)), int(array.shape(3))};
}

template <class A>
ConvolutionShape to_shape(const A& weight, const Geometry& g) {
  expect(weight.ndim() == 4, "weights of the wrong shape", shape_of(weight), "(oc, ic, kh, kw)");
  expect(g.size() == 7, "a geometry of the wrong length", std::to_string(g.size()), "7 numbers");
  const int oc = int(weight.shape(0)), icg = int(weight.shape(1)), kh = int(weight.shape(2)), kw = int(weight.shape(3));
  const bool sound = g[0] > 0 && g[1] > 0 && g[4] > 0 && g[5] > 0 && g[6] > 0 && oc > 0 && icg > 0 && kh > 0 && kw > 0;
  expect(sound && oc % g[6] == 0, "no such convolution", shape_of(weight), "strides, dilation and groups of 1 or more");
  expect(g[2] >= 0 && g[2] <= g[4] * (kh - 1) && g[3] >= 0 && g[3] <= g[5] * (kw - 1), "padding beyond the kernel",
         std::to_string(g[2]) + ", " + std::to_string(g[3]), "at most dilation * (k - 1)");
  return {icg * g[6], oc, kh, kw, g[0], g[1], g[4], g[5], g[6], g[2], g[3]};
}

template <class T>
void expect_sizes(const ConvolutionShape& s, const training::Maps<T>& x, long n, long h, long w, int c) {
  const auto outputs = [](long size, int pad, int reach, int stride) {
    return (size + 2 * pad - reach - 1) / stride + 1;
  };
  const int reach_y = s.dilation_y * (s.kh - 1), reach_x = s.dilation_x * (s.kw - 1);
  const bool fits = x.n == n && x.n > 0 && x.c == s.ic && c == s.oc && x.h + 2 * s.pad_top > reach_y &&
                    x.w + 2 * s.pad_left > reach_x && h == outputs(x.h, s.pad_top, reach_y, s.stride_y) &&
                    w == outputs(x.w, s.pad_left, reach_x, s.stride_x);
  expect(fits, "maps that do not fit the convolution",
         std::to_string(x.h) + " x " + std::to_string(x.w) + " x " + std::to_string(x.c) + " to " + std::to_string(h) +
             " x " + std::to_string(w) + " x " + std::to_string(c),
         std::to_string(s.ic) + " to " + std::to_string(s.oc) + " channels, sizes as the padding and stride make them");
}

nb::ndarray<nb::numpy, float> empty(const std::vector<std::size_t>& shape) {
  std::size_t size = sizeof(float);
  for (std::size_t extent : shape) size *= extent;
  auto* buffer = new training::Buffer(size);
  nb::capsule owner(buffer, [](void* p) noexcept { delete static_cast<training::Buffer*>(p); });
  return nb::ndarray<nb::numpy, float>(buffer->floats(), shape.size(), shape.data(), owner);
}

void forward(const Array& x, const Array& weight, const std::optional<Array>& bias, const Geometry& geometry, bool relu,
             const std::optional<Array>& slope, const Result& out, int threads) {
  const auto shape = to_shape(weight, geometry);
  const auto from = to_maps<const float>(x);
  const auto to = to_maps<float>(out);
  expect_sizes(shape, from, to.n, to.h, to.w, to.c);
  expect_channels(bias, "a bias of the wrong size", shape.oc);
  expect_channels(slope, "slopes of the wrong size", shape.oc);
  const Activation activation = slope ? Activation::prelu : relu ? Activation::relu : Activation::none;
  nb::gil_scoped_release release;
  training::forward(shape, weight.data(), bias ? bias->data() : nullptr, activation, slope ? slope->data() : nullptr,
                    from, to, threads);
}

training::ActivationBack to_activation(const Array& map, const std::optional<Array>& slope,
                                       const std::optional<Result>& slope_gradient, const training::Maps<float>& like) {
  expect(map.size() == std::size_t(like.n * like.h * like.w * like.c), "an activation's map of the wrong shape",
         shape_of(map), "that of its gradient");
  expect_channels(slope, "slopes of the wrong size", like.c);
  expect(!slope_gradient || (slope && slope_gradient->size() == std::size_t(like.c)), "no such gradient of slopes",
         slope_gradient ? shape_of(*slope_gradient) : "", "one value for each slope");
  return {map.data(), slope ? slope->data() : nullptr, slope_gradient ? slope_gradient->data() : nullptr};
}

void backward_activation(const Array& gradient, const Array& map, const std::optional<Array>& slope,
                         const std::optional<Result>& slope_gradient, const Result& out, int threads) {
  const auto from = to_maps<const float>(gradient);
  const auto to = to_maps<float>(out);
  const auto activation = to_activation(map, slope, slope_gradient, to);
  expect(gradient.size() == out.size(), "a gradient of the wrong shape", shape_of(gradient), shape_of(out));
  nb::gil_scoped_release release;
  training::backward_activation(activation, from, to, threads);
}

void backward_data(const Array& gradient, const Array& weight, const Geometry& geometry,
                   const std::optional<Array>& map, const std::optional<Array>& slope,
                   const std::optional<Result>& slope_gradient, const Result& out, int threads) {
  const auto shape = to_shape(weight, geometry);
  const auto from = to_maps<const float>(gradient);
  const auto to = to_maps<float>(out);
  expect_sizes(shape, to, from.n, from.h, from.w, from.c);
  std::optional<training::ActivationBack> activation;
  if (map) activation = to_activation(*map, slope, slope_gradient, to);
  nb::gil_scoped_release release;
  training::backward_data(shape, weight.data(), from, activation ? &*activation : nullptr, to, threads);
}

void backward_weights(const Array& x, const Array& gradient, const Geometry& geometry, const Result& weight_gradient,
                      const std::optional<Result>& bias_gradient, int threads) {
  const auto shape = to_shape(weight_gradient, geometry);
  const auto from = to_maps<const float>(x), to = to_maps<const float>(gradient);
  expect_sizes(shape, from, to.n, to.h, to.w, to.c);
  expect(!bias_gradient || bias_gradient->size() == std::size_t(shape.oc), "a bias of the wrong size",
         bias_gradient ? shape_of(*bias_gradient) : "", std::to_string(shape.oc));
  nb::gil_scoped_release release;
  training::backward_weights(shape, from, to, weight_gradient.data(), bias_gradient ? bias_gradient->data() : nullptr,
                             threads);
}

void to_channels_last(const Array& x, const Result& out, int threads) {
  const auto to = to_maps<float>(out);
  const bool fits = x.ndim() == 4 && x.shape(0) == out.shape(0) && x.shape(1) == out.shape(3) &&
                    x.shape(2) == out.shape(1) && x.shape(3) == out.shape(2);
  expect(fits, "maps of the wrong shape", shape_of(x), "(n, c, h, w) of " + shape_of(out));
  nb::gil_scoped_release release;
  training::to_channels_last(x.data(), to, threads);
}

// Output and gradient are float, or int16 with bfloat16 in it.
template <class T>
double loss(const nb::ndarray<const T, nb::ndim<4>, nb::c_contig, nb::device::cpu>& output,
            const nb::ndarray<const float, nb::ndim<4>, nb::device::cpu>& target, const std::string& kind,
            float epsilon, const std::optional<nb::ndarray<T, nb::ndim<4>, nb::c_contig, nb::device::cpu>>& gradient,
            int threads) {
  const std::string kinds[] = {"squared", "absolute", "charbonnier"};
  const auto found = std::find(std::begin(kinds), std::end(kinds), kind);
  expect(found != std::end(kinds), "an unknown loss", kind, "squared, absolute or charbonnier");
  const bool fits = shape_of(target) == shape_of(output) && (!gradient || shape_of(*gradient) == shape_of(output));
  expect(fits && output.size() > 0, "maps that do not fit each other", shape_of(target), shape_of(output));
  training::LossMaps maps{output.data(), sizeof(T) == 2, target.data(), gradient ? gradient->data() : nullptr, {}, {}};
  for (int axis = 0; axis < 4; axis++)
    maps.sizes[axis] = long(output.shape(axis)), maps.target_strides[axis] = std::ptrdiff_t(target.stride(axis));
  nb::gil_scoped_release release;
  return training::mean_loss(maps, training::LossKind(found - std::begin(kinds)), epsilon, threads);
}

// Tensors come as addresses of float32 numbers that lie one after the other, with their count: the optimiser has
// checked them, and to make arrays of some hundred small tensors takes longer than the step.
using Addresses = std::vector<std::array<std::int64_t, 6>>;  // weight, m, v, average or 0, gradient, count

void adam_step(const Addresses& addresses, double rate, double beta1, double beta2, double epsilon, double decay,
               double gradient, double toward, long t, int threads) {
  const auto numbers = [](std::int64_t address) { return reinterpret_cast<float*>(address); };
  std::vector<training::AdamTensor> tensors;
  for (const auto& [weight, m, v, average, g, count] : addresses)
    tensors.push_back({numbers(weight), numbers(m), numbers(v), numbers(average), numbers(g), long(count)});
  nb::gil_scoped_release release;
  training::adam_step(tensors, {rate, beta1, beta2, epsilon, decay, gradient, toward, t}, threads);
}

double length_of(const std::vector<std::array<std::int64_t, 2>>& addresses, int threads) {
  std::vector<training::Numbers> tensors;
  for (const auto& [data, count] : addresses) tensors.push_back({reinterpret_cast<const float*>(data), long(count)});
  nb::gil_scoped_release release;
  return training::length_of(tensors, threads);
}

}  // namespace

void add_training(nb::module_& m) {
  m.def("training_empty", empty, "shape"_a, "An array of any contents, in memory that steps hand to each other.");
  m.def(
      "training_bytes",
      [] {
        const auto bytes = training::buffer_bytes();
        return nb::make_tuple(bytes.in_use, bytes.waiting);
      },
      "Bytes of that memory: in use, and waiting to be used again.");
  m.def("training_forward", forward, "x"_a, "weight"_a, "bias"_a.none(), "geometry"_a, "relu"_a, "slope"_a.none(),
        "out"_a, "threads"_a);
  m.def("training_backward_activation", backward_activation, "gradient"_a, "map"_a, "slope"_a.none(),
        "slope_gradient"_a.none(), "out"_a, "threads"_a);
  m.def("training_backward_data", backward_data, "gradient"_a, "weight"_a, "geometry"_a, "map"_a.none(),
        "slope"_a.none(), "slope_gradient"_a.none(), "out"_a, "threads"_a);
  m.def("training_channels_last", to_channels_last, "x"_a, "out"_a, "threads"_a);
  m.def("training_backward_weights", backward_weights, "x"_a, "gradient"_a, "geometry"_a, "weight_gradient"_a,
        "bias_gradient"_a.none(), "threads"_a);
  m.def("training_loss", loss<float>, "output"_a, "target"_a, "kind"_a, "epsilon"_a, "gradient"_a.none(), "threads"_a,
        "The mean loss of output - target; its gradient, if wanted, comes in the same pass.");
  m.def("training_loss_in_bf16", loss<std::int16_t>, "output"_a, "target"_a, "kind"_a, "epsilon"_a, "gradient"_a.none(),
        "threads"_a);
  m.def("training_adam_step", adam_step, "addresses"_a, "rate"_a, "beta1"_a, "beta2"_a, "epsilon"_a, "decay"_a,
        "gradient"_a, "toward"_a, "t"_a, "threads"_a);
  m.def("training_length_of", length_of, "addresses"_a, "threads"_a);
}
