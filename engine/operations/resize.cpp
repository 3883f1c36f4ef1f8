// Resizing: nearest, bilinear and bicubic (a = -0.75), without antialiasing, in torch's two corner conventions.
// Source positions are fractions of whole numbers, so that which pixel is read is never a matter of rounding.
#include <algorithm>
#include <cmath>

#include "operations/families.h"

namespace pellucid {
namespace {

enum class Mode { nearest, bilinear, bicubic };

// Output i lies at source position (a i + b) / d.
struct Position {
  long a, b, d;
  long floor(long i) const { return floor_div(a * i + b, d); }
  double fraction(long i) const { return double(a * i + b - floor(i) * d) / double(d); }
};

class Resize : public Primitive {
 public:
  Resize(Mode mode, double scale_y, double scale_x, Pair size, bool corners)
      : mode(mode), scale_y(scale_y), scale_x(scale_x), size(size), corners(corners) {}
  Shape shape(const std::vector<Shape>& in) const override {
    const Shape out =
        size.y ? Shape{size.y, size.x, in[0].c} : Shape{long(in[0].h * scale_y), long(in[0].w * scale_x), in[0].c};
    if (out.h < 1 || out.w < 1)
      throw ExtentError(Error::Kind::graph, "nothing is left of the map", text(out), "a pixel");
    return out;
  }
  Reads reads(int, Axis axis, long n_in, long n_out) const override {
    const Position p = position(axis, n_in, n_out);
    if (p.a == 0) return {0, 0, 0, 1};
    const long before = mode == Mode::bicubic ? 1 : 0, after = mode == Mode::nearest ? 0 : before + 1;
    // By size / scale there are floor(n scale) outputs: the last one is known when its successor would begin.
    return {p.a, p.b - before * p.d, std::max(p.b + after * p.d, size.y || corners ? p.b : p.a - 1), p.d, 0};
  }
  std::size_t scratch_bytes(const std::vector<Shape>& in, long, long columns) const override {
    return std::size_t(columns) * taps() * 8 + 128 + std::size_t(in[0].w) * channel_stride(in[0].c) * sizeof(float);
  }
  void run(const Task& task) const override;

 private:
  int taps() const { return mode == Mode::nearest ? 1 : mode == Mode::bilinear ? 2 : 4; }
  Position position(Axis axis, long n, long m) const;
  void weigh(double fraction, float* weight) const;
  long index(const Position& p, long i, int tap, long n) const {
    return std::clamp(p.floor(i) + tap - (mode == Mode::bicubic ? 1 : 0), 0L, n - 1);
  }
  const Mode mode;
  const double scale_y, scale_x;
  const Pair size;
  const bool corners;
};

// 1 / scale as a / d: exact for scales such as 1.5, else to a part in 2^32, rounded up.
void as_fraction(double scale, long& a, long& d) {
  for (a = 1; a <= 64; a++) {
    d = std::lround(scale * double(a));
    if (d > 0 && std::abs(scale * double(a) - double(d)) < 1e-9) return;
  }
  d = 1L << 32, a = long(std::ceil(double(d) / scale));
}

Position Resize::position(Axis axis, long n, long m) const {
  if (corners && mode != Mode::nearest) return m == 1 ? Position{0, 0, 1} : Position{n - 1, 0, m - 1};
  long a = n, d = m;
  if (!size.y) as_fraction(axis == Axis::y ? scale_y : scale_x, a, d);  // what was asked for, not what came out
  return mode == Mode::nearest ? Position{a, 0, d} : Position{2 * a, a - d, 2 * d};
}

void Resize::weigh(double t, float* weight) const {
  if (mode == Mode::nearest) {
    weight[0] = 1;
  } else if (mode == Mode::bilinear) {
    weight[0] = float(1 - t), weight[1] = float(t);
  } else {
    const double a = -0.75;
    const auto near = [=](double x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
    const auto far = [=](double x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
    weight[0] = float(far(t + 1)), weight[1] = float(near(t)), weight[2] = float(near(1 - t)),
    weight[3] = float(far(2 - t));
  }
}

// First the rows are blended, over the columns that the strip reads, then the columns.
void Resize::run(const Task& task) const {
  const Rows& in = *task.in[0];
  const int stride = in.stride, k = taps();
  const Position py = position(Axis::y, in.shape.h, task.out.shape.h),
                 px = position(Axis::x, in.shape.w, task.out.shape.w);
  auto* offset = reinterpret_cast<int*>(task.scratch);
  auto* weight = reinterpret_cast<float*>(offset + task.columns() * k);
  auto* blended =
      reinterpret_cast<float*>((reinterpret_cast<std::uintptr_t>(weight + task.columns() * k) + 63) & ~63ul);
  const long first = index(px, task.x0, 0, in.shape.w), last = index(px, task.x1 - 1, k - 1, in.shape.w);
  for (long x = task.x0; x < task.x1; x++) {
    weigh(px.fraction(x), weight + (x - task.x0) * k);
    for (int t = 0; t < k; t++) offset[(x - task.x0) * k + t] = int(index(px, x, t, in.shape.w) - first) * stride;
  }
  const std::size_t n = (last - first + 1) * stride;
  for (long y = task.y0; y < task.y1; y++) {
    float wy[4];
    weigh(py.fraction(y), wy);
    const float* source = in.row(index(py, y, 0, in.shape.h)) + first * stride;
    if (k > 1) {
      row_functions().scale(blended, source, wy[0], n);
      for (int t = 1; t < k; t++)
        row_functions().add_scaled(blended, in.row(index(py, y, t, in.shape.h)) + first * stride, wy[t], n);
      source = blended;
    }
    row_functions().gather(task.out.row(y) + task.x0 * stride, source, offset, weight, k, task.columns(), stride);
  }
}

int resize(Builder& b) {
  const std::string name = b.text("mode", {"nearest", "bilinear", "bicubic"});
  const Mode mode = name == "nearest" ? Mode::nearest : name == "bilinear" ? Mode::bilinear : Mode::bicubic;
  auto scale = b.numbers("scale");
  if (scale.size() == 1) scale.push_back(scale[0]);
  const Pair size = b.pair("size", 0, kMostAmount);
  const bool scaled = scale != std::vector<double>{0, 0}, sized = size.y || size.x;  // zeros stand for "not given"
  if (scaled == sized) b.refuse("resize needs either a scale or a size", scaled ? "both" : "neither", "one of them");
  const auto fits = [](double s) { return s >= 1.0 / kMostSteps && s <= kMostSteps; };
  if (scaled && (scale.size() != 2 || !fits(scale[0]) || !fits(scale[1])))
    b.refuse_attribute("scale", "one number or (y, x), above 0 and up to " + std::to_string(kMostSteps));
  if (sized && (!size.y || !size.x)) b.refuse_attribute("size", "one number or (h, w), each of at least 1");
  return b.add(std::make_shared<Resize>(mode, scale[0], scale[1], sized ? size : Pair{0, 0}, b.flag("align_corners")),
               {b.input()});
}

}  // namespace

Declarations resize_declarations() {
  return {
      {{"resize",
        1,
        1,
        {{"mode", "text", "nearest"}, {"scale", "numbers", 0.0}, {"size", "pair", 0.0}, {"align_corners", "flag", 0.0}},
        {},
        "to scale times the size, or to size (h, w); mode nearest, bilinear or bicubic"},
       resize}};
}

}  // namespace pellucid
