// Pooling over windows: largest and mean, the winner's place, and the way back. Windows of whole maps are in
// whole_map.cpp.
#include <algorithm>
#include <cmath>
#include <limits>

#include "operations/families.h"
#include "operations/whole_map.h"

namespace pellucid {
namespace {

struct WindowShape {
  Pair kernel, stride, padding, dilation;
  bool ceil_mode;

  long outputs(Axis axis, long n) const {
    const bool y = axis == Axis::y;
    const long k = y ? kernel.y : kernel.x, s = y ? stride.y : stride.x, p = y ? padding.y : padding.x;
    const long d = y ? dilation.y : dilation.x, room = n + 2 * p - d * (k - 1) - 1;
    long out = floor_div(room + (ceil_mode ? s - 1 : 0), s) + 1;
    if (ceil_mode && (out - 1) * s >= n + p) out--;  // the last window begins inside
    return out;
  }
  Reads reads(Axis axis) const {
    const bool y = axis == Axis::y;
    const int k = y ? kernel.y : kernel.x, s = y ? stride.y : stride.x, p = y ? padding.y : padding.x;
    return {s, -p, -p + (k - 1) * (y ? dilation.y : dilation.x), 1};
  }
};

// The taps of one window that lie inside: `count` of them from `first` on, `dilation` apart.
struct Taps {
  long first;
  int count;
};
Taps inside(long at, int kernel, int dilation, long n) {
  const long skipped = at < 0 ? (-at + dilation - 1) / dilation : 0;
  const long last = std::min<long>(kernel - 1, floor_div(n - 1 - at, dilation));
  return {at + skipped * dilation, int(std::max(0L, last - skipped + 1))};
}

class WindowPool : public Primitive {
 public:
  WindowPool(WindowShape window, bool mean, bool count_pad) : window(window), mean(mean), count_pad(count_pad) {}
  Shape shape(const std::vector<Shape>& in) const override {
    const Shape out = {window.outputs(Axis::y, in[0].h), window.outputs(Axis::x, in[0].w), in[0].c};
    if (out.h < 1 || out.w < 1)
      throw ExtentError(Error::Kind::graph, "the map is smaller than the window", text(in[0]), "at least the window");
    return out;
  }
  Reads reads(int, Axis axis, long, long) const override { return window.reads(axis); }
  std::size_t scratch_bytes(const std::vector<Shape>& in, long, long columns) const override {
    const std::size_t wide =
        std::min<long>(in[0].w, (columns - 1) * window.stride.x + window.kernel.x * window.dilation.x);
    return 128 + columns * 8 + wide * channel_stride(in[0].c) * sizeof(float);
  }
  void run(const Task& task) const override;

 private:
  long counted(Axis axis, long i, long n) const {  // samples that the mean divides by, along one axis
    const bool y = axis == Axis::y;
    const int k = y ? window.kernel.y : window.kernel.x, p = y ? window.padding.y : window.padding.x;
    const long at = i * (y ? window.stride.y : window.stride.x) - p;
    return count_pad ? std::min(at + k, n + p) - at : std::min(at + k, n) - std::max(at, 0L);
  }
  const WindowShape window;
  const bool mean, count_pad;
};

// First the rows of the windows are put together, then their columns.
void WindowPool::run(const Task& task) const {
  const Rows& in = *task.in[0];
  const int stride = in.stride;
  const Binary kind = mean ? Binary::add : Binary::maximum;
  const auto& functions = row_functions();
  auto* first = reinterpret_cast<int*>(task.scratch);
  auto* taps = first + task.columns();
  auto* joined = reinterpret_cast<float*>((reinterpret_cast<std::uintptr_t>(taps + task.columns()) + 63) & ~63ul);
  const auto at = [&](long x) {
    return inside(x * window.stride.x - window.padding.x, window.kernel.x, window.dilation.x, in.shape.w);
  };
  const long left = std::max(0L, task.x0 * window.stride.x - window.padding.x);
  const Taps end = at(task.x1 - 1);
  const long right = std::min(in.shape.w, end.first + std::max(0, end.count - 1) * window.dilation.x + 1);
  for (long x = task.x0; x < task.x1; x++) {
    first[x - task.x0] = int(at(x).first - left) * stride;
    taps[x - task.x0] = at(x).count;
  }
  for (long y = task.y0; y < task.y1; y++) {
    const Taps rows = inside(y * window.stride.y - window.padding.y, window.kernel.y, window.dilation.y, in.shape.h);
    const float* source = in.row(rows.first) + left * stride;
    const std::size_t n = std::max(0L, right - left) * stride;
    for (int t = 1; t < rows.count; t++) {
      functions.binary(kind, joined, source, in.row(rows.first + t * window.dilation.y) + left * stride, n);
      source = joined;
    }
    float* out = task.out.row(y) + task.x0 * stride;
    functions.gather_all(kind, out, source, first, taps, window.dilation.x * stride, task.columns(), stride);
    if (!mean) continue;
    const long high = counted(Axis::y, y, in.shape.h);
    for (long x = task.x0; x < task.x1; x++, out += stride)
      functions.scale(out, out, 1.0f / float(high * counted(Axis::x, x, in.shape.w)), stride);
  }
}

// The number of the winning tap within the window, ky kw + kx; of equal values the first wins.
class WinnersPlace : public Primitive {
 public:
  explicit WinnersPlace(WindowShape window) : window(window) {}
  Shape shape(const std::vector<Shape>& in) const override { return WindowPool(window, false, false).shape(in); }
  Reads reads(int, Axis axis, long, long) const override { return window.reads(axis); }
  void run(const Task& task) const override {
    const int stride = task.out.stride, c = task.out.shape.c;
    for (long y = task.y0; y < task.y1; y++)
      for (long x = task.x0; x < task.x1; x++) {
        float* out = task.out.row(y) + x * stride;
        for (int j = 0; j < c; j++) out[j] = float(winner(*task.in[0], y, x, j));
        std::fill(out + c, out + stride, 0.0f);
      }
  }

 private:
  int winner(const Rows& in, long y, long x, int channel) const {
    int best = 0;
    float largest = -std::numeric_limits<float>::infinity();
    for (int ky = 0; ky < window.kernel.y; ky++)
      for (int kx = 0; kx < window.kernel.x; kx++) {
        const long sy = y * window.stride.y + ky, sx = x * window.stride.x + kx;
        if (sy >= in.shape.h || sx >= in.shape.w) continue;
        const float value = in.row(sy)[sx * in.stride + channel];
        if (value > largest || std::isnan(value)) largest = value, best = ky * window.kernel.x + kx;
      }
    return best;
  }
  const WindowShape window;
};

// Every value goes to its place in its window; all else is zero. Windows that overlap: the last one wins.
class Unpool : public Primitive {
 public:
  Unpool(Pair kernel, Pair stride) : kernel(kernel), stride(stride) {}
  Shape shape(const std::vector<Shape>& in) const override {
    if (in[0].h != in[1].h || in[0].w != in[1].w || (in[0].c && in[1].c && in[0].c != in[1].c))
      throw ExtentError(Error::Kind::graph, "values and positions differ in shape", text(in[1]), text(in[0]));
    return {(in[0].h - 1) * stride.y + kernel.y, (in[0].w - 1) * stride.x + kernel.x, in[0].c};
  }
  Reads reads(int, Axis axis, long, long) const override {
    const int k = axis == Axis::y ? kernel.y : kernel.x, s = axis == Axis::y ? stride.y : stride.x;
    return {1, -(k - 1), std::max(0, s - k), s};
  }
  void run(const Task& task) const override {
    const int step = task.out.stride;
    for (long y = task.y0; y < task.y1; y++) {
      std::fill(task.out.row(y) + task.x0 * step, task.out.row(y) + task.x1 * step, 0.0f);
      for (long x = task.x0; x < task.x1; x++) pixel(task, y, x, task.out.row(y) + x * step);
    }
  }

 private:
  void pixel(const Task& task, long y, long x, float* out) const {
    const Rows &values = *task.in[0], &places = *task.in[1];
    for (long i = std::max(0L, floor_div(y - kernel.y + stride.y, stride.y));
         i <= std::min(y / stride.y, values.shape.h - 1); i++)
      for (long j = std::max(0L, floor_div(x - kernel.x + stride.x, stride.x));
           j <= std::min(x / stride.x, values.shape.w - 1); j++) {
        const float place = float((y - i * stride.y) * kernel.x + (x - j * stride.x));
        const float *v = values.row(i) + j * values.stride, *p = places.row(i) + j * places.stride;
        for (int k = 0; k < values.shape.c; k++)
          if (p[k] == place) out[k] = v[k];
      }
  }
  const Pair kernel, stride;
};

// Window i reaches from floor(i n / size) up to, not including, ceil((i + 1) n / size).
class AdaptivePool : public Primitive {
 public:
  AdaptivePool(Pair size, bool mean) : size(size), mean(mean) {}
  Shape shape(const std::vector<Shape>& in) const override { return {size.y, size.x, in[0].c}; }
  Reads reads(int, Axis, long n, long m) const override {
    if (m == 1) return {0, 0, n - 1, 1};
    return {n, 0, n - 1, m, 0};
  }
  std::size_t scratch_bytes(const std::vector<Shape>& in, long, long) const override {
    return sizeof(double) * channel_stride(in[0].c);
  }
  void run(const Task& task) const override {
    for (long y = task.y0; y < task.y1; y++)
      for (long x = task.x0; x < task.x1; x++) pixel(task, y, x);
  }

 private:
  void pixel(const Task& task, long y, long x) const {
    const Rows& in = *task.in[0];
    const long y0 = y * in.shape.h / size.y, y1 = -floor_div(-(y + 1) * in.shape.h, size.y);
    const long x0 = x * in.shape.w / size.x, x1 = -floor_div(-(x + 1) * in.shape.w, size.x);
    auto* all = reinterpret_cast<double*>(task.scratch);
    std::fill(all, all + in.stride, mean ? 0.0 : -std::numeric_limits<double>::infinity());
    for (long j = y0; j < y1; j++)
      for (const float* pixel = in.row(j) + x0 * in.stride; pixel != in.row(j) + x1 * in.stride; pixel += in.stride)
        for (int k = 0; k < in.stride; k++) all[k] = mean ? all[k] + pixel[k] : all[k] < pixel[k] ? pixel[k] : all[k];
    const double share = mean ? 1.0 / double((y1 - y0) * (x1 - x0)) : 1.0;
    for (int k = 0; k < in.stride; k++) task.out.row(y)[x * in.stride + k] = float(all[k] * share);
  }
  const Pair size;
  const bool mean;
};

WindowShape window_of(Builder& b, bool dilation) {
  WindowShape w{b.pair("kernel", 1), b.pair("stride", 0), b.pair("padding", 0), {1, 1}, b.flag("ceil_mode")};
  if (!w.stride.y) w.stride.y = w.kernel.y;
  if (!w.stride.x) w.stride.x = w.kernel.x;
  if (dilation) w.dilation = b.pair("dilation", 1);
  if (2 * w.padding.y > w.kernel.y || 2 * w.padding.x > w.kernel.x)
    b.refuse("the padding is more than half the window", std::to_string(w.padding.y), "at most half of the kernel");
  return w;
}

int max_pool(Builder& b) { return b.add(std::make_shared<WindowPool>(window_of(b, true), false, false), {b.input()}); }

int mean_pool(Builder& b) {
  return b.add(std::make_shared<WindowPool>(window_of(b, false), true, b.flag("count_include_pad")), {b.input()});
}

int max_pool_positions(Builder& b) {
  const Pair kernel = b.pair("kernel", 1), stride = b.pair("stride", 0);
  return b.add(std::make_shared<WinnersPlace>(WindowShape{kernel, stride.y ? stride : kernel, {0, 0}, {1, 1}, false}),
               {b.input()});
}

int max_unpool(Builder& b) {
  const Pair kernel = b.pair("kernel", 1), stride = b.pair("stride", 0);
  return b.add(std::make_shared<Unpool>(kernel, stride.y ? stride : kernel), {b.input(0), b.input(1)});
}

template <bool mean>
int adaptive(Builder& b) {
  const Pair size = b.pair("size", 1, kMostAmount);
  if (size.y == 1 && size.x == 1) return add_global_pool(b, b.input(), mean);
  return b.add(std::make_shared<AdaptivePool>(size, mean), {b.input()});
}

template <bool mean>
int global(Builder& b) {
  return add_global_pool(b, b.input(), mean);
}

}  // namespace

Declarations pooling_declarations() {
  const std::vector<AttributeInfo> bare = {{"kernel", "pair", {}}, {"stride", "pair", 0.0}};
  auto window = bare;
  window.insert(window.end(), {{"padding", "pair", 0.0}, {"ceil_mode", "flag", 0.0}});
  auto largest = window, mean = window;
  largest.push_back({"dilation", "pair", 1.0});
  mean.push_back({"count_include_pad", "flag", 1.0});
  const std::vector<AttributeInfo> size = {{"size", "pair", {}}};
  return {
      {{"max_pool", 1, 1, largest, {}, "the largest under a window; stride 0 is the kernel's size"}, max_pool},
      {{"mean_pool", 1, 1, mean, {}, "the mean under a window; stride 0 is the kernel's size"}, mean_pool},
      {{"max_pool_positions", 1, 1, bare, {}, "which tap of the window is the largest: ky kw + kx"},
       max_pool_positions},
      {{"max_unpool", 2, 2, bare, {}, "values and positions: each value at its position, zeros elsewhere"}, max_unpool},
      {{"adaptive_mean_pool", 1, 1, size, {}, "means of size (h, w) windows of equal extent"}, adaptive<true>},
      {{"adaptive_max_pool", 1, 1, size, {}, "the largest of size (h, w) windows of equal extent"}, adaptive<false>},
      {{"global_mean_pool", 1, 1, {}, {}, "the mean over the map: (1, 1, c)"}, global<true>},
      {{"global_max_pool", 1, 1, {}, {}, "the largest over the map: (1, 1, c)"}, global<false>},
  };
}

}  // namespace pellucid
