// Operations that move numbers and compute nothing: pixel shuffle and unshuffle, pad, crop, flatten.
#include <algorithm>
#include <cstring>

#include "operations/families.h"

namespace pellucid {
namespace {

class PixelUnshuffle : public Primitive {
 public:
  explicit PixelUnshuffle(Pair factor) : f(factor) {}
  Shape shape(const std::vector<Shape>& in) const override {
    if (in[0].h % f.y || in[0].w % f.x)
      throw ExtentError(Error::Kind::graph, "the map does not divide into the pixels of an unshuffle", text(in[0]),
                        "multiples of " + std::to_string(f.y) + " x " + std::to_string(f.x));
    return {in[0].h / f.y, in[0].w / f.x, checked_channels(long(in[0].c) * f.y * f.x)};
  }
  Reads reads(int, Axis axis, long, long) const override {
    const int k = axis == Axis::y ? f.y : f.x;
    return {k, 0, k - 1, 1};
  }
  void run(const Task& task) const override {
    const int ic = task.in[0]->shape.c, step = task.in[0]->stride, stride = task.out.stride, plane = f.y * f.x;
    for (long y = task.y0; y < task.y1; y++)
      for (int ky = 0; ky < f.y; ky++) {
        const float* in = task.in[0]->row(y * f.y + ky);
        for (long x = task.x0; x < task.x1; x++)
          for (int kx = 0; kx < f.x; kx++)
            for (int i = 0; i < ic; i++)
              task.out.row(y)[x * stride + i * plane + ky * f.x + kx] = in[(x * f.x + kx) * step + i];
      }
    for (long y = task.y0; y < task.y1; y++)
      for (long x = task.x0; x < task.x1; x++)
        std::fill(task.out.row(y) + x * stride + task.out.shape.c, task.out.row(y) + (x + 1) * stride, 0.0f);
  }

 private:
  const Pair f;
};

enum class Border { zero, reflect, replicate };

// Negative amounts crop.
class Pad : public Primitive {
 public:
  Pad(Sides amounts, Border border, float value) : by(amounts), border(border), value(value) {}
  Shape shape(const std::vector<Shape>& in) const override {
    const Shape out = {in[0].h + by.top + by.bottom, in[0].w + by.left + by.right, in[0].c};
    if (out.h < 1 || out.w < 1)
      throw ExtentError(Error::Kind::graph, "nothing is left of the map", text(out), "a pixel");
    if (border == Border::reflect && (std::max(by.top, by.bottom) >= in[0].h || std::max(by.left, by.right) >= in[0].w))
      throw ExtentError(Error::Kind::graph, "the map is too small to be reflected", text(in[0]), "more than is padded");
    return out;
  }
  Reads reads(int, Axis axis, long, long) const override {
    const int before = axis == Axis::y ? by.top : by.left, after = axis == Axis::y ? by.bottom : by.right;
    // Reflection looks back at the far end and ahead at the near one.
    if (border == Border::reflect)
      return {1, -before - 2 * std::max(after, 0), -before + std::max(-after, 0), 1, std::max(before, 0)};
    if (border == Border::replicate) return {1, -before - std::max(after, 0), -before + std::max(-after, 0), 1, 0};
    return {1, -before, -before + std::max(-after, 0), 1};  // a crop must see what it leaves out
  }
  bool plain_output() const override { return true; }
  void run(const Task& task) const override {
    for (long y = task.y0; y < task.y1; y++) row(task, y);
  }

 private:
  long source(long i, long n) const {  // -1: the constant
    if (i >= 0 && i < n) return i;
    if (border == Border::replicate) return i < 0 ? 0 : n - 1;
    if (border == Border::reflect) return i < 0 ? -i : 2 * (n - 1) - i;
    return -1;
  }
  void row(const Task& task, long y) const {
    const Rows& in = *task.in[0];
    const int c = task.out.shape.c, stride = task.out.stride, step = in.stride;
    float* out = task.out.row(y);
    const long sy = source(y - by.top, in.shape.h);
    const float* from = sy < 0 ? nullptr : in.row(sy);
    const long inner0 = std::clamp(long(by.left), task.x0, task.x1);
    const long inner1 = std::clamp(by.left + in.shape.w, inner0, task.x1);
    for (long x = task.x0; x < inner0; x++)
      pixel(from, source(x - by.left, in.shape.w), step, out + x * stride, c, stride);
    if (!from)
      for (long x = inner0; x < inner1; x++) pixel(nullptr, -1, step, out + x * stride, c, stride);
    else if (step == stride)
      std::memcpy(out + inner0 * stride, from + (inner0 - by.left) * step, (inner1 - inner0) * stride * sizeof(float));
    else
      row_functions().pack(out + inner0 * stride, from + (inner0 - by.left) * step, inner1 - inner0, c, step);
    for (long x = inner1; x < task.x1; x++)
      pixel(from, source(x - by.left, in.shape.w), step, out + x * stride, c, stride);
  }
  void pixel(const float* from, long x, int step, float* to, int c, int stride) const {
    if (!from || x < 0)
      std::fill(to, to + c, value);
    else
      std::copy(from + x * step, from + x * step + c, to);
    std::fill(to + c, to + stride, 0.0f);
  }
  const Sides by;
  const Border border;
  const float value;
};

class Flatten : public Primitive {
 public:
  Shape shape(const std::vector<Shape>& in) const override {
    const double all = double(in[0].h) * double(in[0].w) * in[0].c;
    return {1, 1, all >= double(kTrialFlat) ? 0 : int(all)};
  }
  Reads reads(int, Axis, long n_in, long) const override { return {0, 0, n_in - 1, 1}; }
  void run(const Task& task) const override {  // torch's order: c, then h, then w
    const Rows& in = *task.in[0];
    float* out = task.out.row(0);
    for (int c = 0; c < in.shape.c; c++)
      for (long y = 0; y < in.shape.h; y++)
        for (long x = 0; x < in.shape.w; x++) *out++ = in.row(y)[x * in.stride + c];
    std::fill(out, task.out.row(0) + task.out.stride, 0.0f);
  }
};

int pixel_shuffle(Builder& b) {
  const int f = b.integer("factor", 1, kMostSteps);
  return b.add(std::make_shared<PixelShuffle>(Pair{f, f}, Sides{0, 0, 0, 0}), {b.input()});
}

int pixel_unshuffle(Builder& b) {
  const int f = b.integer("factor", 1, kMostSteps);
  return b.add(std::make_shared<PixelUnshuffle>(Pair{f, f}), {b.input()});
}

int pad(Builder& b) {
  const std::string mode = b.text("mode", {"zero", "reflect", "replicate"});
  const Border border = mode == "zero" ? Border::zero : mode == "reflect" ? Border::reflect : Border::replicate;
  return b.add(std::make_shared<Pad>(b.sides("amounts", -kMostAmount, kMostAmount), border, float(b.number("value"))),
               {b.input()});
}

int crop(Builder& b) {
  const Sides s = b.sides("amounts", 0, kMostAmount);
  return b.add(std::make_shared<Pad>(Sides{-s.top, -s.left, -s.bottom, -s.right}, Border::zero, 0.0f), {b.input()});
}

int flatten(Builder& b) { return b.add(std::make_shared<Flatten>(), {b.input()}); }

}  // namespace

// ---- pixel shuffle

Shape PixelShuffle::shape(const std::vector<Shape>& in) const {
  const int phases = f.y * f.x;
  if (in[0].c % phases)
    throw Error(Error::Kind::graph, "the channels do not divide into the pixels of a shuffle", std::to_string(in[0].c),
                "a multiple of " + std::to_string(phases));
  const Shape out = {in[0].h * f.y - cut.top - cut.bottom, in[0].w * f.x - cut.left - cut.right, in[0].c / phases};
  if (out.h < 1 || out.w < 1) throw ExtentError(Error::Kind::graph, "nothing is left of the map", text(out), "a pixel");
  return out;
}

Reads PixelShuffle::reads(int, Axis axis, long, long) const {
  // What is cut off at the end must be seen to come before the last pixels that stay are known to stay.
  return axis == Axis::y ? Reads{1, cut.top, cut.top + cut.bottom, f.y} : Reads{1, cut.left, cut.left + cut.right, f.x};
}

std::size_t PixelShuffle::scratch_bytes(const std::vector<Shape>& in, long, long) const {
  return channel_stride(in[0].c) * sizeof(int);
}

std::vector<int> PixelShuffle::order(int channels) const {
  const int c = channels / (f.y * f.x);
  std::vector<int> all;
  for (int ky = 0; ky < f.y; ky++)
    for (int kx = 0; kx < f.x; kx++)
      for (int o = 0; o < c; o++) all.push_back((o * f.y + ky) * f.x + kx);
  return all;
}

// Piece by piece, so that an input pixel is in the first cache when all rows that it makes are written.
bool PixelShuffle::run_to_caller(const Task& task) const {
  constexpr long kPiece = 64;
  bool finite = true;
  for (long y = task.y0; y < task.y1;) {
    const long end = std::min(task.y1, y - (y + cut.top) % f.y + f.y);  // rows of one input row
    for (long x = task.x0; x < task.x1; x += kPiece * f.x)
      for (long of = y; of < end; of++) finite &= row(task, of, x, std::min(x + kPiece * f.x, task.x1));
    y = end;
  }
  return finite;
}

// Input pixels whose outputs all lie in [x0, x1) go at once where outputs are plain; the others one by one.
bool PixelShuffle::row(const Task& task, long y, long x0, long x1) const {
  const int c = task.out.shape.c, stride = task.out.stride, step = task.in[0]->stride, phase = int((y + cut.top) % f.y),
            count = f.x * c;
  const float* in = task.in[0]->row((y + cut.top) / f.y);
  float* out = task.out.row(y);
  const auto place = [&](int kx, int o) {
    return in_order ? (phase * f.x + kx) * c + o : (o * f.y + phase) * f.x + kx;
  };
  const auto singly = [&](long from, long to) {
    for (long x = from; x < to; x++) {
      const float* pixel = in + (x + cut.left) / f.x * step;
      const int kx = int((x + cut.left) % f.x);
      for (int o = 0; o < c; o++) out[x * stride + o] = pixel[place(kx, o)];
      for (int o = c; o < stride; o++) out[x * stride + o] = 0;
    }
    return row_functions().finite(out + from * stride, (to - from) * stride);
  };
  const long first = (x0 + cut.left + f.x - 1) / f.x, last = (x1 + cut.left) / f.x;
  if (stride != c || first >= last) return singly(x0, x1);
  const long from = first * f.x - cut.left, to = last * f.x - cut.left;
  bool finite = singly(x0, from);
  if (in_order) {
    finite &= row_functions().pack(out + from * c, in + first * step + phase * count, last - first, count, step);
  } else {
    auto* index = reinterpret_cast<int*>(task.scratch);
    for (int kx = 0; kx < f.x; kx++)
      for (int o = 0; o < c; o++) index[kx * c + o] = place(kx, o);
    finite &= row_functions().pick(out + from * c, in + first * step, index, count, last - first, step);
  }
  return singly(to, x1) && finite;
}

Declarations arrangement_declarations() {
  return {
      {{"pixel_shuffle", 1, 1, {{"factor", "int", {}}}, {}, "factor x factor channels become as many pixels"},
       pixel_shuffle},
      {{"pixel_unshuffle", 1, 1, {{"factor", "int", {}}}, {}, "its inverse"}, pixel_unshuffle},
      {{"pad",
        1,
        1,
        {{"amounts", "ints", {}}, {"mode", "text", "zero"}, {"value", "number", 0.0}},
        {},
        "amounts (top, left, bottom, right) around the map, negative ones crop; mode zero, reflect or replicate"},
       pad},
      {{"crop", 1, 1, {{"amounts", "ints", {}}}, {}, "amounts (top, left, bottom, right) off the map"}, crop},
      {{"flatten", 1, 1, {}, {}, "all numbers as channels of one pixel, in the order c, h, w"}, flatten},
  };
}

}  // namespace pellucid
