// Training's convolutions on matrix tiles, emulated or real, against their definition in double: inputs that bfloat16
// holds, odd shapes, every number of channels up to 130, on the vectors of every instruction set, the same bits with
// one to three threads, and the same on real tiles as on emulated ones. Memory is full of NaN before it is used, and
// arrays are exactly as large as said.
#include "training/tile_convolution.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "isa/isa.h"
#include "isa/tested_isas.h"

using namespace pellucid;
using training::TileMaps;

namespace {

struct Case {
  int ic, oc, k;
  long n, h, w;
  Activation activation = Activation::none;  // of the result, and of what made x
};

constexpr std::uint16_t kNaN = 0x7fc0;
using Halves = std::vector<std::uint16_t>;

float to_float(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t(bits) << 16); }

// Multiples of 1/64 up to 1, or beside zero: bfloat16 holds them.
std::vector<float> numbers(std::size_t count, unsigned seed) {
  std::vector<float> all(count);
  for (float& x : all) x = float(int((seed = seed * 1664525u + 1013904223u) >> 25) - 64) / 64;
  return all;
}

// The same numbers up to 2^11 times as large: bfloat16 holds them, but float32 not their sums.
void spread(std::vector<float>& numbers) {
  for (std::size_t i = 0; i < numbers.size(); i++) numbers[i] = std::ldexp(numbers[i], int(i * 5 % 12));
}

Halves halves(const std::vector<float>& numbers) {
  Halves all;
  for (float x : numbers) all.push_back(std::uint16_t(std::bit_cast<std::uint32_t>(x) >> 16));
  return all;
}

struct Map {
  Map(long n, long h, long w, int c) : maps{nullptr, n, h, w, c}, memory(maps.numbers(), kNaN) {
    maps.data = memory.data();
  }
  Map(const Case& c, int channels, const std::vector<float>& values) : Map(c.n, c.h, c.w, channels) {
    training::to_tiles(halves(values).data(), maps, 1);
  }
  Map(const Map&) = delete;
  std::vector<float> values() const {
    Halves dense(maps.n * maps.h * maps.w * maps.c, kNaN);
    training::from_tiles(maps, dense.data(), 1);
    std::vector<float> all;
    for (auto bits : dense) all.push_back(to_float(bits));
    return all;
  }
  // Whether everything but the pixels is what to_tiles makes of them: zeros.
  bool is_clean() const {
    Map again(maps.n, maps.h, maps.w, maps.c);
    Halves dense(maps.n * maps.h * maps.w * maps.c);
    training::from_tiles(maps, dense.data(), 1);
    training::to_tiles(dense.data(), again.maps, 1);
    return again.memory == memory;
  }
  TileMaps maps;
  Halves memory;
};

void fail(const char* what, const Case& c, double error, double of) {
  std::printf("%s: error %g of %g; on %s, %d -> %d, %dx%d, %ld of %ldx%ld, activation %d\n", what, error, of,
              name(isa_in_force()).c_str(), c.ic, c.oc, c.k, c.k, c.n, c.h, c.w, int(c.activation));
  std::exit(1);
}

// `tolerance` of the largest number: sums are float32, and what goes to a map is rounded to 8 bits.
void compare(const char* what, const Case& c, const std::vector<float>& seen, const std::vector<double>& right,
             double tolerance) {
  double largest = 1e-3, error = 0;
  for (std::size_t i = 0; i < right.size(); i++) {
    largest = std::max(largest, std::abs(right[i]));
    error = std::abs(seen[i] - right[i]) <= error ? error : std::abs(seen[i] - right[i]);  // a NaN stays
  }
  if (!(error <= tolerance * largest)) fail(what, c, error, largest);
}

constexpr double kRounded = 1.0 / 256, kSummed = 1e-5;

// Calls work(y index, x index, weight index) for every product of the convolution.
template <class F>
void products(const Case& c, F work) {
  for (long n = 0; n < c.n; n++)
    for (long y = 0; y < c.h; y++)
      for (long x = 0; x < c.w; x++)
        for (int ky = 0; ky < c.k; ky++)
          for (int kx = 0; kx < c.k; kx++) {
            const long from_y = y + ky - c.k / 2, from_x = x + kx - c.k / 2;
            if (from_y < 0 || from_y >= c.h || from_x < 0 || from_x >= c.w) continue;
            for (int oc = 0; oc < c.oc; oc++)
              for (int ic = 0; ic < c.ic; ic++)
                work(((n * c.h + y) * c.w + x) * c.oc + oc, ((n * c.h + from_y) * c.w + from_x) * c.ic + ic,
                     ((long(oc) * c.ic + ic) * c.k + ky) * c.k + kx);
          }
}

struct Seen {
  std::vector<float> y, of_x, of_last, of_weight, of_bias, of_slope, of_last_slope;
};

struct Given {
  std::vector<float> x, weight, bias, gradient, slope_in, slope_out;
};

bool same(const Seen& a, const Seen& b) {
  return a.y == b.y && a.of_x == b.of_x && a.of_last == b.of_last && a.of_weight == b.of_weight &&
         a.of_bias == b.of_bias && a.of_slope == b.of_slope && a.of_last_slope == b.of_last_slope;
}

// Forward, back through the activation of y and the convolution, and on through the activation that made x.
Seen computed(const Case& c, const Given& g, const Halves& x_mask, int threads) {
  const bool active = c.activation != Activation::none, slopes = c.activation == Activation::prelu;
  Map x(c, c.ic, g.x), y(c.n, c.h, c.w, c.oc), gradient(c, c.oc, g.gradient), of_x(c.n, c.h, c.w, c.ic);
  Seen seen{{}, {}, {}, std::vector<float>(g.weight.size(), NAN), std::vector<float>(c.oc, NAN), {}, {}};
  seen.of_slope.assign(slopes ? c.ic : 0, NAN), seen.of_last_slope.assign(slopes ? c.oc : 0, NAN);
  Halves mask(y.maps.mask_numbers(), 0), before = x_mask;
  training::TileActivation last{c.activation, slopes ? g.slope_out.data() : nullptr, active ? mask.data() : nullptr};
  training::tile_forward(c.k, g.weight.data(), g.bias.data(), last, x.maps, y.maps, threads);
  seen.y = y.values();
  if (!y.is_clean()) fail("forward leaves something beside the map", c, threads, 1);
  last.shown = y.maps.data, last.slope_gradient = slopes ? seen.of_last_slope.data() : nullptr;
  if (active) training::tile_back_through(last, gradient.maps, threads);
  seen.of_last = gradient.values();
  const training::TileActivation first{c.activation, slopes ? g.slope_in.data() : nullptr,
                                       active ? before.data() : nullptr, x.maps.data,
                                       slopes ? seen.of_slope.data() : nullptr};
  training::tile_backward_data(c.k, g.weight.data(), gradient.maps, first, of_x.maps, threads);
  seen.of_x = of_x.values();
  if (!of_x.is_clean()) fail("backward leaves something beside the map", c, threads, 1);
  training::tile_backward_weights(c.k, x.maps, gradient.maps, seen.of_weight.data(), seen.of_bias.data(), threads);
  return seen;
}

// Where sums are rounded, every bit depends on their order.
void check_against_emulation(const Case& c, Given g, const Halves& x_mask) {
  for (auto* numbers : {&g.x, &g.weight, &g.bias, &g.gradient}) spread(*numbers);
  const Seen real = computed(c, g, x_mask, 1);
  set_isa("amx-emulated");
  const Seen emulated = computed(c, g, x_mask, 1);
  set_isa("amx");
  if (!same(real, emulated)) fail("real tiles differ from emulated ones", c, 1, 1);
}

void check(const Case& c) {
  const bool active = c.activation != Activation::none;
  const std::size_t pixels = c.n * c.h * c.w, weights = std::size_t(c.oc) * c.ic * c.k * c.k;
  Given g{numbers(pixels * c.ic, 1), numbers(weights, 2), numbers(c.oc, 3), numbers(pixels * c.oc, 4), {}, {}};
  for (int i = 0; i < c.ic; i++) g.slope_in.push_back(c.activation == Activation::prelu ? 0.25f * float(i % 5 - 1) : 0);
  for (int o = 0; o < c.oc; o++) g.slope_out.push_back(c.activation == Activation::prelu ? 0.5f - float(o % 3) : 0);

  // What made x was positive where a bit says so, whatever x is.
  TileMaps layout{nullptr, c.n, c.h, c.w, c.ic};
  Halves x_mask(layout.mask_numbers());
  const auto bits = numbers(x_mask.size(), 5);
  for (std::size_t i = 0; i < bits.size(); i++) x_mask[i] = std::uint16_t(std::bit_cast<std::uint32_t>(bits[i]) >> 13);
  const auto was_positive = [&](long i) {
    const long pixel = i / c.ic, item = pixel / (c.h * c.w), y = pixel / c.w % c.h, x = pixel % c.w;
    const long at = (item * c.h + y) * layout.pitch() + x;
    return x_mask[at * layout.groups() + i % c.ic / 16] >> i % c.ic % 16 & 1;
  };

  std::vector<double> y(pixels * c.oc), of_x(pixels * c.ic), of_weight(weights), of_bias(c.oc), of_slope(c.ic),
      of_last_slope(c.oc);
  for (std::size_t i = 0; i < y.size(); i++) y[i] = g.bias[i % c.oc];
  products(c, [&](long to, long from, long tap) { y[to] += double(g.x[from]) * g.weight[tap]; });
  std::vector<double> of_sum(g.gradient.begin(), g.gradient.end());
  for (std::size_t i = 0; i < y.size(); i++) {
    if (!active || y[i] > 0) continue;
    y[i] *= g.slope_out[i % c.oc];
    of_last_slope[i % c.oc] += of_sum[i] * y[i];
    of_sum[i] *= g.slope_out[i % c.oc];
  }
  const std::vector<double> of_last = of_sum;
  for (std::size_t i = 0; i < y.size(); i++) of_bias[i % c.oc] += of_sum[i];
  products(c, [&](long to, long from, long tap) {
    of_x[from] += of_sum[to] * g.weight[tap];
    of_weight[tap] += of_sum[to] * g.x[from];
  });
  for (std::size_t i = 0; i < of_x.size(); i++) {
    if (!active || was_positive(i)) continue;
    of_slope[i % c.ic] += of_x[i] * g.x[i];
    of_x[i] *= g.slope_in[i % c.ic];
  }

  const Seen seen = computed(c, g, x_mask, 1);
  compare("forward", c, seen.y, y, kRounded);
  compare("back through the last activation", c, seen.of_last, of_last, kRounded);
  compare("backward to data", c, seen.of_x, of_x, kRounded);
  compare("backward to weights", c, seen.of_weight, of_weight, kSummed);
  compare("backward to bias", c, seen.of_bias, of_bias, kSummed);
  if (isa_in_force() == Isa::amx) check_against_emulation(c, g, x_mask);
  if (c.activation != Activation::prelu) return;
  compare("backward to slopes", c, seen.of_slope, of_slope, kSummed);
  compare("backward to the last slopes", c, seen.of_last_slope, of_last_slope, 2 * kRounded);  // of rounded maps
  for (int threads : {2, 3})
    if (!same(computed(c, g, x_mask, threads), seen)) fail("other bits with more threads", c, threads, 1);
}

const Case kCases[] = {
    {64, 64, 3, 1, 9, 14, Activation::relu},
    {3, 64, 3, 2, 5, 33, Activation::relu},
    {64, 27, 3, 1, 7, 31},
    {32, 32, 3, 3, 4, 32, Activation::prelu},
    {1, 1, 3, 1, 1, 1, Activation::prelu},
    {5, 9, 3, 1, 1, 40, Activation::relu},
    {17, 130, 3, 2, 40, 1},
    {48, 33, 3, 1, 6, 5, Activation::prelu},
    {80, 48, 3, 1, 8, 9, Activation::relu},
    {130, 3, 3, 1, 4, 5, Activation::prelu},
    {12, 20, 1, 2, 9, 7, Activation::prelu},
    {96, 65, 1, 1, 5, 8, Activation::relu},
    {4, 6, 3, 2, 70, 50, Activation::prelu},
    {2, 3, 3, 1, 3, 3100, Activation::prelu},
    {16, 16, 3, 1, 19, 300, Activation::relu},
};

}  // namespace

int main() {
  for (const std::string& isa : tested_isas()) {
    set_isa(isa);
    for (const Case& c : kCases) check(c);
  }
  if (isa_in_force() != Isa::amx) set_isa("amx-emulated");
  for (int channels = 1; channels <= 130; channels++) {
    check({channels, 7, 3, 1, 2, 3, Activation::prelu});
    check({19, channels, channels % 2 ? 3 : 1, 1, 3, 2, Activation::relu});
  }
}
