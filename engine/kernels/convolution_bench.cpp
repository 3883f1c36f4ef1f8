// How fast each convolution kernel is, on one core, as a share of that core's measured multiply-add peak. Rates are
// direct-equivalent: the operations of the definition, whatever the kernel saved, so Winograd may pass 100 %.
//   convolution_bench [isa] [kernel] [part of a case's name]
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "isa/isa.h"
#include "isa/kernels.h"
#include "kernels/convolution.h"
#include "layout/tensor_layout.h"

using namespace pellucid;

namespace {

constexpr int kRepeats = 200;

struct Case {
  const char* name;
  ConvolutionShape s;
  int rows, columns;  // one call
};

const Case kCases[] = {
    {"3x3 16->16", {16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 8->8", {8, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 12->12", {12, 12, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 24->24", {24, 24, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 32->32", {32, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 48->48", {48, 48, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 64->64", {64, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 128->128", {128, 128, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 160},
    {"3x3 256->256", {256, 256, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 80},
    {"3x3 3->16", {3, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 3->64", {3, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 64->3", {64, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 64->1", {64, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 64->27", {64, 27, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 16->27", {16, 27, 3, 3, 1, 1, 1, 1, 1, 1, 1}, 8, 320},
    {"3x3 stride 2 64->64", {64, 64, 3, 3, 2, 2, 1, 1, 1, 1, 1}, 8, 160},
    {"3x3 stride 2 256->256", {256, 256, 3, 3, 2, 2, 1, 1, 1, 1, 1}, 8, 80},
    {"3x3 dilation 2 64->64", {64, 64, 3, 3, 1, 1, 2, 2, 1, 2, 2}, 8, 320},
    {"1x1 16->16", {16, 16, 1, 1, 1, 1, 1, 1, 1, 0, 0}, 8, 320},
    {"1x1 64->32", {64, 32, 1, 1, 1, 1, 1, 1, 1, 0, 0}, 8, 320},
    {"1x1 64->64", {64, 64, 1, 1, 1, 1, 1, 1, 1, 0, 0}, 8, 320},
    {"1x1 256->256", {256, 256, 1, 1, 1, 1, 1, 1, 1, 0, 0}, 8, 80},
    {"1x1 1024->1024", {1024, 1024, 1, 1, 1, 1, 1, 1, 1, 0, 0}, 4, 32},
    {"5x5 32->32", {32, 32, 5, 5, 1, 1, 1, 1, 1, 2, 2}, 8, 320},
    {"5x5 64->64", {64, 64, 5, 5, 1, 1, 1, 1, 1, 2, 2}, 8, 320},
    {"5x5 1->64", {1, 64, 5, 5, 1, 1, 1, 1, 1, 2, 2}, 8, 320},
    {"9x9 3->64", {3, 64, 9, 9, 1, 1, 1, 1, 1, 4, 4}, 8, 320},
    {"9x9 64->3", {64, 3, 9, 9, 1, 1, 1, 1, 1, 4, 4}, 8, 320},
    {"3x3 depthwise 64", {64, 64, 3, 3, 1, 1, 1, 1, 64, 1, 1}, 8, 320},
    {"3x3 depthwise 64 stride 2", {64, 64, 3, 3, 2, 2, 1, 1, 64, 1, 1}, 8, 160},
    {"3x3 groups 4 64->64", {64, 64, 3, 3, 1, 1, 1, 1, 4, 1, 1}, 8, 320},
    {"7x7 stride 2 3->64", {3, 64, 7, 7, 2, 2, 1, 1, 1, 3, 3}, 8, 160},
};

// Of this thread's own running, so that a busy machine does not count (its crowded caches still do).
double seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

// Multiply-adds per second where nothing but registers is touched.
double measure_peak() {
  double best = 0;
  for (int i = 0; i < 20; i++) {
    const double from = seconds();
    const double done = kernels().multiply_adds(200000);
    best = std::max(best, done / (seconds() - from));
  }
  return best;
}

// Where a buffer's first cache line begins: the executor aligns every row so.
float* aligned(std::vector<float>& buffer) {
  return reinterpret_cast<float*>((reinterpret_cast<std::uintptr_t>(buffer.data()) + 63) / 64 * 64);
}

std::vector<float> numbers(std::size_t n, bool relu_like) {
  static std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> v(n);
  for (float& x : v) x = relu_like ? std::max(0.0f, normal(generator)) : 0.05f * normal(generator);
  return v;
}

struct Rates {
  double best, median;
};

// Kernels that take maps of bfloat16 get and give them, except pictures of few channels.
Rates measure(const Case& c, const ConvolutionKernel& kernel) {
  const auto& s = c.s;
  const int in_stride = channel_stride(s.ic), out_stride = channel_stride(s.oc), margin = 64;
  const bool halves_in = kernel.reads_bf16(), halves_out = kernel.writes_bf16() && s.oc > 4;
  // Counted in numbers of a plane, and in floats.
  const std::size_t in_plane = std::size_t(c.columns * s.stride_x + 2 * margin) * plane_channels(in_stride);
  const std::size_t out_plane = std::size_t(c.columns + margin) * plane_channels(out_stride);
  const std::size_t pitch = in_plane * plane_count(in_stride) / (halves_in ? 2 : 1);
  const std::size_t out_pitch = out_plane * plane_count(out_stride) / (halves_out ? 2 : 1);
  const int in_rows = (c.rows - 1) * s.stride_y + (s.kh - 1) * s.dilation_y + 1;
  auto in = numbers(in_rows * pitch + 16, true);
  if (halves_in)
    for (float& x : in) {  // two numbers in one
      const auto bits = std::bit_cast<std::uint32_t>(x) >> 16;
      x = std::bit_cast<float>(bits << 16 | bits);
    }
  std::vector<float> out(c.rows * out_pitch + 16);
  std::vector<const float*> in_row;
  std::vector<float*> out_row;
  for (int j = 0; j < in_rows; j++)
    in_row.push_back(aligned(in) + j * pitch + margin * plane_channels(in_stride) / (halves_in ? 2 : 1));
  for (int j = 0; j < c.rows; j++) out_row.push_back(aligned(out) + j * out_pitch);
  std::vector<float> scratch(kernel.scratch_bytes(c.columns) / sizeof(float) + 32);
  ConvolutionCall call{};
  call.in = in_row.data(), call.in_stride = in_stride, call.out = out_row.data(), call.out_stride = out_stride;
  call.rows = c.rows, call.x1 = c.columns, call.width = c.columns;
  call.scratch = aligned(scratch);
  const auto plane = [](std::size_t size, int stride) {
    return plane_count(stride) > 1 ? std::ptrdiff_t(size) : kPlane;
  };
  if (halves_in) call.in_plane = plane(in_plane, in_stride);
  if (halves_out) call.out_plane = plane(out_plane, out_stride);
  const double work = double(c.rows) * c.columns * s.oc * (s.ic / s.groups) * s.kh * s.kw;
  std::vector<double> rates;
  kernel.run(call);
  for (int i = 0; i < kRepeats; i++) {
    const double from = seconds();
    kernel.run(call);
    rates.push_back(work / (seconds() - from));
  }
  std::sort(rates.begin(), rates.end());
  return {rates.back(), rates[rates.size() / 2]};
}

}  // namespace

int main(int count, char** values) {
  const std::string isa = count > 1 ? values[1] : "", which = count > 2 ? values[2] : "",
                    part = count > 3 ? values[3] : "";
  for (const auto& present : present_isas()) {
    if (!isa.empty() && isa != present) continue;
    set_isa(present);
    const double peak = measure_peak();
    std::printf("%s: peak %.1f GFLOP/s\n", present.c_str(), 2e-9 * peak);
    for (const Case& c : kCases) {
      if (std::string(c.name).find(part) == std::string::npos) continue;
      const auto& s = c.s;
      const auto weight = numbers(std::size_t(s.oc) * (s.ic / s.groups) * s.kh * s.kw, false),
                 bias = numbers(s.oc, false);
      const auto kernel = make_convolution(s, weight.data(), bias.data(), Activation::relu, nullptr, which,
                                           which == "tiles", which == "tiles" && s.ic <= 4);
      if (!kernel) continue;
      const Rates r = measure(c, *kernel);
      std::printf("  %-28s %-20s %7.1f GFLOP/s, median %7.1f  %4.0f %% of peak\n", c.name, kernel->name().c_str(),
                  2e-9 * r.best, 2e-9 * r.median, 100 * r.best / peak);
    }
  }
}
