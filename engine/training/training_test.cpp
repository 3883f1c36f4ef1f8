// Training's convolutions against their definition in double, at odd shapes, on every instruction set and with one and
// three threads; arrays are exactly as large as said, so that the address sanitizer sees what lies beyond.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "isa/isa.h"
#include "isa/tested_isas.h"
#include "training/convolution.h"

using namespace pellucid;

namespace {

struct Case {
  ConvolutionShape shape;
  long n, h, w;
  bool relu;
  float slope = 0;  // of negative numbers

  long outputs_y() const {
    return (h + 2 * shape.pad_top - shape.dilation_y * (shape.kh - 1) - 1) / shape.stride_y + 1;
  }
  long outputs_x() const {
    return (w + 2 * shape.pad_left - shape.dilation_x * (shape.kw - 1) - 1) / shape.stride_x + 1;
  }
};

std::vector<float> numbers(std::size_t count, unsigned seed) {
  std::vector<float> all(count);
  for (float& x : all) x = float(int((seed = seed * 1664525u + 1013904223u) >> 8) - (1 << 23)) / float(1 << 23);
  return all;
}

// Calls work(y index, x index, weight index, output channel) for every product of the convolution.
template <class F>
void products(const Case& c, F work) {
  const auto& s = c.shape;
  const int icg = s.ic / s.groups, ocg = s.oc / s.groups;
  for (long n = 0; n < c.n; n++)
    for (long y = 0; y < c.outputs_y(); y++)
      for (long x = 0; x < c.outputs_x(); x++)
        for (int ky = 0; ky < s.kh; ky++)
          for (int kx = 0; kx < s.kw; kx++) {
            const long from_y = y * s.stride_y - s.pad_top + ky * s.dilation_y;
            const long from_x = x * s.stride_x - s.pad_left + kx * s.dilation_x;
            if (from_y < 0 || from_y >= c.h || from_x < 0 || from_x >= c.w) continue;
            for (int oc = 0; oc < s.oc; oc++)
              for (int i = 0; i < icg; i++)
                work(((n * c.outputs_y() + y) * c.outputs_x() + x) * s.oc + oc,
                     ((n * c.h + from_y) * c.w + from_x) * s.ic + oc / ocg * icg + i,
                     ((long(oc) * icg + i) * s.kh + ky) * s.kw + kx);
          }
}

void compare(const char* what, const Case& c, const std::vector<float>& seen, const std::vector<double>& right) {
  double largest = 1e-9, error = 0;
  for (std::size_t i = 0; i < right.size(); i++) {
    largest = std::max(largest, std::abs(right[i]));
    error = std::abs(seen[i] - right[i]) <= error ? error : std::abs(seen[i] - right[i]);  // a NaN stays
  }
  if (error <= 2e-5 * largest) return;
  const auto& s = c.shape;
  std::printf("%s: error %g of %g; %s, %d -> %d, %dx%d, stride %d, dilation %d, groups %d, padding %d, %ld %ldx%ld\n",
              what, error, largest, name(isa_in_force()).c_str(), s.ic, s.oc, s.kh, s.kw, s.stride_y, s.dilation_y,
              s.groups, s.pad_top, c.n, c.h, c.w);
  std::exit(1);
}

void check(const Case& c, int threads) {
  const auto& s = c.shape;
  const std::size_t x_size = c.n * c.h * c.w * s.ic, y_size = c.n * c.outputs_y() * c.outputs_x() * s.oc;
  const std::size_t weights = std::size_t(s.oc) * (s.ic / s.groups) * s.kh * s.kw;
  const auto x = numbers(x_size, 1), weight = numbers(weights, 2), bias = numbers(s.oc, 3), g = numbers(y_size, 4);
  std::vector<double> y(y_size), of_x(x_size), of_weight(weights), of_bias(s.oc), of_slope(s.ic);
  for (std::size_t i = 0; i < y_size; i++) y[i] = bias[i % s.oc], of_bias[i % s.oc] += g[i];
  products(c, [&](long to, long from, long tap) {
    y[to] += double(x[from]) * weight[tap];
    of_x[from] += double(g[to]) * weight[tap];
    of_weight[tap] += double(g[to]) * x[from];
  });
  for (double& v : y) v = c.relu && v < 0 ? c.slope * v : v;
  for (std::size_t i = 0; i < x_size; i++) {
    if (!c.relu || x[i] > 0) continue;
    of_slope[i % s.ic] += of_x[i] * x[i];
    of_x[i] *= c.slope;
  }

  const training::ConstMaps from{x.data(), c.n, c.h, c.w, s.ic};
  const training::ConstMaps gradient{g.data(), c.n, c.outputs_y(), c.outputs_x(), s.oc};
  std::vector<float> out(y_size, NAN), x_gradient(x_size, NAN), weight_gradient(weights, NAN), bias_gradient(s.oc, NAN);
  const bool parametric = c.relu && c.slope != 0;
  const std::vector<float> slope_out(s.oc, c.slope), slope_in(s.ic, c.slope);
  std::vector<float> slope_gradient(s.ic, NAN);
  const Activation activation = parametric ? Activation::prelu : c.relu ? Activation::relu : Activation::none;
  const training::ActivationBack back{x.data(), parametric ? slope_in.data() : nullptr,
                                      parametric ? slope_gradient.data() : nullptr};
  training::forward(s, weight.data(), bias.data(), activation, slope_out.data(), from,
                    {out.data(), c.n, gradient.h, gradient.w, s.oc}, threads);
  training::backward_data(s, weight.data(), gradient, c.relu ? &back : nullptr,
                          {x_gradient.data(), c.n, c.h, c.w, s.ic}, threads);
  training::backward_weights(s, from, gradient, weight_gradient.data(), bias_gradient.data(), threads);
  compare("forward", c, out, y);
  compare("backward to data", c, x_gradient, of_x);
  compare("backward to weights", c, weight_gradient, of_weight);
  compare("backward to bias", c, bias_gradient, of_bias);
  if (parametric) compare("backward to slopes", c, slope_gradient, of_slope);
}

// ic, oc, kh, kw, strides, dilations, groups, padding
const Case kCases[] = {
    {{16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 2, 9, 14, true},
    {{3, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 1, 13, 6, false},
    {{20, 27, 3, 3, 1, 1, 1, 1, 1, 0, 0}, 1, 7, 18, true},
    {{64, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 1, 5, 70, true},
    {{8, 8, 3, 3, 1, 1, 1, 1, 1, 2, 2}, 1, 1, 1, false},
    {{5, 9, 3, 3, 2, 2, 1, 1, 1, 1, 1}, 3, 8, 7, true},
    {{17, 4, 5, 5, 1, 1, 1, 1, 1, 2, 2}, 1, 6, 9, false},
    {{7, 6, 7, 7, 2, 2, 1, 1, 1, 3, 3}, 1, 9, 10, true},
    {{12, 18, 3, 3, 1, 1, 2, 2, 6, 2, 2}, 2, 7, 8, true},
    {{21, 21, 3, 3, 1, 1, 1, 1, 21, 1, 1}, 1, 6, 5, false},
    {{32, 32, 3, 3, 1, 1, 1, 1, 32, 1, 1}, 1, 6, 5, false},
    {{130, 3, 1, 1, 1, 1, 1, 1, 1, 0, 0}, 1, 4, 5, true},
    {{10, 12, 4, 2, 3, 2, 1, 2, 2, 1, 1}, 1, 11, 12, false},
    {{20, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 2, 7, 9, true, 0.25f},
};

}  // namespace

int main() {
  for (const std::string& isa : tested_isas()) {
    set_isa(isa);
    for (const Case& c : kCases)
      for (int threads : {1, 3}) check(c, threads);
  }
}
