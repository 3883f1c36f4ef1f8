// Every convolution kernel on every instruction set present, against a loop in double precision: small and odd sizes,
// strides, dilations, groups, tile phases, layouts. Whatever a kernel may not read is NaN, whatever it may not write is
// watched, and splitting a rectangle must not change a bit; nor must matrix tiles that are real instead of emulated.
#include "kernels/convolution.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <sstream>
#include <vector>

#include "isa/isa.h"
#include "isa/tested_isas.h"
#include "layout/tensor_layout.h"

using namespace pellucid;

namespace {

constexpr float kUntouched = -12345.5f;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Case {
  ConvolutionShape s;
  int pad_right;
  int h, w;  // of the output
  Activation activation = Activation::none;
  bool bias = true, residual = false, bf16 = false, plain = false;  // plain: pixels of oc floats
  int phase_y = 0, phase_x = 0;                                     // rows and columns before the picture's first
  bool bf16_in = false, bf16_out = false, split = false;            // maps stored as bfloat16
  std::string kernel;

  int in_w() const { return (w - 1) * s.stride_x + (s.kw - 1) * s.dilation_x + 1 - s.pad_left - pad_right; }
  int in_rows(int rows) const { return (rows - 1) * s.stride_y + (s.kh - 1) * s.dilation_y + 1; }
  std::string text() const {
    std::ostringstream o;
    o << isa_name << " " << (kernel.empty() ? "(chosen)" : kernel) << ": ic " << s.ic << " oc " << s.oc << " groups "
      << s.groups << " kernel " << s.kh << "x" << s.kw << " stride " << s.stride_y << "," << s.stride_x << " dilation "
      << s.dilation_y << "," << s.dilation_x << " pad " << s.pad_left << "," << pad_right << " output " << h << "x" << w
      << " activation " << int(activation) << " bias " << bias << " residual " << residual << " bf16 " << bf16
      << " plain " << plain << " maps of bf16 " << bf16_in << bf16_out << " phase " << phase_y << "," << phase_x;
    return o.str();
  }
  std::string isa_name = name(isa_in_force());
};

[[noreturn]] void fail(const Case& c, const std::string& what) {
  std::printf("%s\n  %s\n", c.text().c_str(), what.c_str());
  std::exit(1);
}

std::map<std::string, int> checked;  // cases by kernel

std::mt19937 generator(1);
float normal() { return std::normal_distribution<float>()(generator); }
int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); }

std::vector<float> normals(std::size_t n) {
  std::vector<float> v(n);
  for (float& x : v) x = normal();
  return v;
}

// One row of pixels in a block of its own, so that sanitizers see its ends; `margin` pixels are there on both sides.
struct Row {
  std::vector<float> memory;
  int margin, stride;
  Row(int w, int c, int stride, int margin, float outside, const std::function<float()>& fill)
      : memory(std::size_t(w + 2 * margin) * stride, outside), margin(margin), stride(stride) {
    for (int x = 0; x < w; x++)
      for (int i = 0; i < stride; i++) pixel(x)[i] = i < c ? fill() : outside == kUntouched ? kUntouched : 0.0f;
  }
  float* pixel(int x) { return memory.data() + std::ptrdiff_t(x + margin) * stride; }
};

struct Data {
  std::vector<float> weight, bias, slope;
  std::vector<Row> in, out, add;  // `in` from the first row that the first tile reads
};

// Input rows are zero where the picture is padded, NaN where nothing may be read.
Data make_data(const Case& c, int reach, int rows) {
  const auto& s = c.s;
  Data d;
  d.weight = normals(std::size_t(s.oc) * (s.ic / s.groups) * s.kh * s.kw);
  const float scale = 1 / std::sqrt(float(s.ic / s.groups * s.kh * s.kw));
  for (float& w : d.weight) w *= scale;
  d.bias = normals(s.oc), d.slope = normals(s.oc);
  // A bfloat16 map has numbers in its margins that are multiplied by zero at the left, and by anything at the right.
  const int first = s.pad_left + reach, last = c.in_w() + c.pad_right + (c.bf16_in ? 0 : reach),
            margin = (std::max(first, last - c.in_w()) + (c.bf16_in ? reach : 0) + 6) / 4 * 4;
  // On matrix tiles inputs and weights are bfloat16; rounded beforehand, sums are as exact as any.
  const auto exact = [&](float x) {
    return c.kernel == "tiles" ? std::bit_cast<float>((std::bit_cast<std::uint32_t>(x) + 0x8000) & 0xffff0000) : x;
  };
  const float fine = c.split && channel_stride(s.ic) <= 16 ? 1 + 1.0f / 512 : 1;  // bits that only two parts hold
  for (float& w : d.weight) w = exact(w);
  const auto relu_like = [&] { return fine * exact(std::min(std::max(0.0f, normal()), 3.9f)); };
  for (int j = 0; j < c.in_rows(rows); j++) {
    d.in.emplace_back(c.in_w(), s.ic, channel_stride(s.ic), margin, kNaN, relu_like);
    Row& row = d.in.back();
    for (int x = -first; x < last; x++)
      if (x < 0 || x >= c.in_w()) std::fill_n(row.pixel(x), row.stride, 0.0f);
  }
  for (int j = 0; j < rows; j++) {
    d.out.emplace_back(c.w, 0, c.plain ? s.oc : channel_stride(s.oc), 2, kUntouched, normal);
    d.add.emplace_back(c.w, s.oc, channel_stride(s.oc), 0, kNaN, normal);
  }
  return d;
}

double expected(const Case& c, Data& d, int j, int x, int o) {
  const auto& s = c.s;
  const int icg = s.ic / s.groups, g = o / (s.oc / s.groups);
  double sum = c.bias ? d.bias[o] : 0;
  for (int ky = 0; ky < s.kh; ky++)
    for (int kx = 0; kx < s.kw; kx++) {
      const float* in = d.in[j * s.stride_y + ky * s.dilation_y].pixel(x * s.stride_x - s.pad_left + kx * s.dilation_x);
      const float* weight = d.weight.data() + ((std::size_t(o) * icg) * s.kh + ky) * s.kw + kx;
      for (int i = 0; i < icg; i++) sum += double(in[g * icg + i]) * weight[std::size_t(i) * s.kh * s.kw];
    }
  if (c.activation == Activation::relu) sum = std::max(sum, 0.0);
  if (c.activation == Activation::prelu && sum < 0) sum *= d.slope[o];
  return c.residual ? sum + d.add[j].pixel(x)[o] : sum;
}

// A row as a bfloat16 map holds it, in planes of its own extent.
struct NarrowRow {
  std::vector<std::uint16_t> memory;
  int first, pixels, stride;  // the first pixel there is

  explicit NarrowRow(Row& row) : first(-row.margin), stride(row.stride) {
    pixels = int(row.memory.size()) / stride;
    memory.resize(row.memory.size());
    for (int x = first; x < first + pixels; x++)
      for (int i = 0; i < stride; i++) at(x, i) = std::uint16_t(std::bit_cast<std::uint32_t>(row.pixel(x)[i]) >> 16);
  }
  void widen(Row& row) {
    for (int x = first; x < first + pixels; x++)
      for (int i = 0; i < stride; i++)
        if (row.pixel(x)[i] != kUntouched || at(x, i) != std::bit_cast<std::uint32_t>(kUntouched) >> 16)
          row.pixel(x)[i] = std::bit_cast<float>(std::uint32_t(at(x, i)) << 16);
  }
  std::ptrdiff_t plane() const { return plane_count(stride) > 1 ? std::ptrdiff_t(pixels) * kPlane : kPlane; }
  std::uint16_t& at(int x, int i) {
    return memory[i / kPlane * plane() + std::ptrdiff_t(x - first) * plane_channels(stride) + i % kPlane];
  }
  float* pointer() { return reinterpret_cast<float*>(&at(0, 0)); }
};

void run(const Case& c, const ConvolutionKernel& kernel, Data& d, int rows, int x0, int x1) {
  std::vector<const float*> in, add;
  std::vector<float*> out;
  std::vector<NarrowRow> narrow_in, narrow_out;
  if (c.bf16_in)
    for (auto& row : d.in) narrow_in.emplace_back(row);
  if (c.bf16_out)
    for (auto& row : d.out) narrow_out.emplace_back(row);
  for (std::size_t j = 0; j < d.in.size(); j++) in.push_back(c.bf16_in ? narrow_in[j].pointer() : d.in[j].pixel(0));
  for (int j = 0; j < rows; j++) {
    float* const row = c.bf16_out ? narrow_out[j].pointer() : d.out[j].pixel(0);
    out.push_back(j < c.phase_y || j >= c.phase_y + c.h ? nullptr : row);
    add.push_back(d.add[j].pixel(0));
  }
  const std::size_t bytes = kernel.scratch_bytes(x1 - x0);
  std::vector<float> scratch((bytes + 127) / sizeof(float), kNaN);
  void* aligned = reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(scratch.data()) + 63) / 64 * 64);
  ConvolutionCall call{};
  call.in = in.data(), call.in_stride = d.in[0].stride, call.out = out.data(), call.out_stride = d.out[0].stride;
  call.rows = rows, call.x0 = x0, call.x1 = x1, call.width = c.w, call.scratch = aligned;
  if (c.residual) call.epilogue.add_rows = add.data(), call.epilogue.add_stride = d.add[0].stride;
  call.epilogue.bf16 = c.bf16;
  if (c.bf16_in) call.in_plane = narrow_in[0].plane();
  if (c.bf16_out) call.out_plane = narrow_out[0].plane();
  kernel.run(call);
  for (std::size_t j = 0; j < narrow_out.size(); j++) narrow_out[j].widen(d.out[j]);
}

void compare(const Case& c, Data& d, int rows, double tolerance) {
  double largest = 1e-3;
  for (int j = c.phase_y; j < c.phase_y + c.h; j++)
    for (int x = 0; x < c.w; x++)
      for (int o = 0; o < c.s.oc; o++) largest = std::max(largest, std::abs(expected(c, d, j, x, o)));
  for (int j = 0; j < rows; j++)
    for (int x = -2; x < c.w + 2; x++)
      for (int o = 0; o < d.out[j].stride; o++) {
        const float seen = d.out[j].pixel(x)[o];
        const bool stored = j >= c.phase_y && j < c.phase_y + c.h && x >= 0 && x < c.w;
        const double wanted = !stored ? kUntouched : o < c.s.oc ? expected(c, d, j, x, o) : 0;
        const double allowed = !stored || o >= c.s.oc ? 0
                               : c.bf16               ? tolerance * largest + std::abs(wanted) / 256
                                                      : tolerance * largest;
        std::uint32_t bits;
        std::memcpy(&bits, &seen, sizeof bits);
        if (std::abs(seen - wanted) <= allowed && (!c.bf16 || !stored || (bits & 0xffff) == 0)) continue;
        std::ostringstream what;
        what << "row " << j << " x " << x << " channel " << o << ": " << seen << ", expected " << wanted;
        fail(c, what.str());
      }
}

bool same(const Row& a, const Row& b) {
  return !std::memcmp(a.memory.data(), b.memory.data(), a.memory.size() * sizeof(float));
}

auto convolution(const Case& c, const Data& d) {
  return make_convolution(c.s, d.weight.data(), c.bias ? d.bias.data() : nullptr, c.activation, d.slope.data(),
                          c.kernel, false, c.split);
}

void check(Case c) {
  if (c.in_w() < 1) return;
  if (c.kernel == "tiles") c.split = !c.bf16_in && c.w % 2;
  if (c.kernel != "tiles") c.bf16_in = c.bf16_out = false;
  if (c.bf16_out) c.plain = false, c.bf16 = true;
  const auto& s = c.s;
  auto weights = make_data(c, 0, 1);
  const auto kernel = convolution(c, weights);
  if (!kernel) return;
  checked[kernel->name()]++;
  const int tile = kernel->tile();
  Case at = c;
  at.phase_y %= tile, at.phase_x %= tile;
  const auto up = [&](int n) { return (n + tile - 1) / tile * tile; };
  const int rows = up(at.h + at.phase_y), x0 = -at.phase_x, x1 = x0 + up(at.w + at.phase_x);
  Data d = make_data(at, kernel->reach(), rows);
  d.weight = weights.weight, d.bias = weights.bias, d.slope = weights.slope;
  run(at, *kernel, d, rows, x0, x1);
  compare(at, d, rows, kernel->name().starts_with("winograd") ? 2e-5 : 5e-6);

  const auto whole = d.out;
  if (kernel->name().starts_with("tiles") && isa_in_force() == Isa::amx) {
    set_isa("amx-emulated");
    run(at, *convolution(c, weights), d, rows, x0, x1);
    set_isa("amx");
    for (int j = 0; j < rows; j++)
      if (!same(whole[j], d.out[j])) fail(at, "real tiles differ from emulated ones");
  }
  const int middle = x0 + (x1 - x0) / tile / 2 * tile;
  for (auto& row : d.out) std::fill(row.memory.begin(), row.memory.end(), kUntouched);
  if (middle > x0) run(at, *kernel, d, rows, x0, middle);
  run(at, *kernel, d, rows, middle, x1);
  for (int j = 0; j < rows; j++)
    if (!same(whole[j], d.out[j])) fail(at, "two halves differ from the whole");
}

Case random_case() {
  Case c;
  const int groups = between(0, 3) ? 1 : between(2, 5);
  const int most = groups == 1 ? (between(0, 5) ? 40 : 130) : 20;
  c.s = {between(1, most) * groups,
         between(1, most) * groups,
         between(1, 5),
         between(1, 5),
         between(1, 3),
         between(1, 3),
         between(1, 3),
         between(1, 3),
         groups,
         0,
         0};
  if (between(0, 1)) c.s.kh = c.s.kw = 3, c.s.stride_y = c.s.stride_x = c.s.dilation_y = c.s.dilation_x = 1;
  if (between(0, 9) == 0) c.s.ic = c.s.oc = c.s.groups = between(1, 130);  // depthwise
  c.s.pad_left = between(0, 3), c.pad_right = between(0, 3);
  c.h = between(1, 9), c.w = between(1, 39);
  c.activation = Activation(between(0, 2));
  c.bias = between(0, 3), c.residual = !between(0, 2), c.bf16 = !between(0, 5), c.plain = !between(0, 3);
  c.phase_y = between(0, 3), c.phase_x = between(0, 3);
  c.bf16_in = c.s.ic > 8 && between(0, 1), c.bf16_out = c.s.oc > 8 && between(0, 1);
  return c;
}

Case square(int ic, int oc, int k, int h, int w) {
  Case c;
  c.s = {ic, oc, k, k, 1, 1, 1, 1, 1, 0, k / 2};
  c.pad_right = k / 2, c.h = h, c.w = w;
  return c;
}

// The shapes that networks are made of, at every small width, or some.
void every_width(int step) {
  for (int k : {1, 3, 5})
    for (int w = 1; w <= 39; w += step) {
      const int h = 1 + w % 9;
      for (auto [ic, oc] : {std::pair{3, 16}, {16, 16}, {32, 3}, {24, 40}, {48, 48}, {64, 64}}) {
        Case c = square(ic, oc, k, h, w);
        c.phase_x = w % 4, c.phase_y = h % 4;
        c.activation = Activation(w % 3), c.residual = w % 2;
        check(c);
        if (k != 3 && w % 8 != 1) continue;  // the emulation is slow
        c.kernel = "tiles", c.bf16_in = ic > 8 && w % 5, c.bf16_out = oc > 8 && w % 3;
        check(c);
      }
    }
}

}  // namespace

int main(int arguments, char** values) {
  const int count = arguments > 1 ? std::atoi(values[1]) : 150;
  for (const auto& isa : tested_isas()) {
    set_isa(isa);
    generator.seed(1);
    every_width(count < 100 ? 5 : 1);
    for (int i = 0; i < count; i++) {
      Case c = random_case();
      for (const char* kernel : {"", "direct", "winograd4x4", "winograd2x2", "depthwise", "few_outputs", "tiles"}) {
        c.kernel = kernel;
        check(c);
      }
    }
  }
  for (const auto& [kernel, cases] : checked) std::printf("%-24s %d cases equal\n", kernel.c_str(), cases);
}
