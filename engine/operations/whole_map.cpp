#include "operations/whole_map.h"

#include <algorithm>
#include <cmath>

#include "operations/families.h"

namespace pellucid {
namespace {

enum class Gathered { mean, largest, moments };

constexpr long kRun = 64;  // pixels that are summed in float32 before double takes over

// (h, w, c) -> (h, 1, c), or (h, 1, 2 c): means, then variances.
class OverColumns : public Primitive {
 public:
  explicit OverColumns(Gathered what) : what(what) {}
  Shape shape(const std::vector<Shape>& in) const override {
    return {in[0].h, 1, what == Gathered::moments ? 2 * in[0].c : in[0].c};
  }
  Reads reads(int, Axis axis, long n, long) const override { return axis == Axis::y ? Reads{} : Reads{0, 0, n - 1, 1}; }
  std::size_t scratch_bytes(const std::vector<Shape>& in, long, long) const override {
    return std::size_t(channel_stride(in[0].c)) * (sizeof(double) + (kRun + 2) * sizeof(float));
  }
  void run(const Task& task) const override {
    for (long y = task.y0; y < task.y1; y++) {
      const float* in = task.in[0]->row(y);
      float* out = task.out.row(y);
      std::fill(out, out + task.out.stride, 0.0f);
      if (what == Gathered::largest)
        largest(in, out, *task.in[0], task.scratch);
      else
        sums(in, nullptr, out, *task.in[0], task.scratch);
      if (what == Gathered::moments) sums(in, out, out + task.in[0]->shape.c, *task.in[0], task.scratch);
    }
  }

 private:
  static void largest(const float* in, float* out, const Rows& rows, std::byte* scratch) {
    const int from = 0, taps = int(rows.shape.w);
    auto* all = reinterpret_cast<float*>(scratch);
    row_functions().gather_all(Binary::maximum, all, in, &from, &taps, rows.stride, 1, rows.stride);
    std::copy(all, all + rows.shape.c, out);
  }
  // The mean over the row, or with `means` the mean square of what lies beside them.
  static void sums(const float* in, const float* means, float* out, const Rows& rows, std::byte* scratch) {
    const int stride = rows.stride, c = rows.shape.c;
    auto* total = reinterpret_cast<double*>(scratch);
    auto* part = reinterpret_cast<float*>(total + stride);
    auto* centre = part + stride;
    auto* run = centre + stride;
    std::fill(total, total + stride, 0.0);
    std::fill(centre, centre + stride, 0.0f);
    if (means) std::copy(means, means + c, centre);
    const auto& functions = row_functions();
    for (long x = 0; x < rows.shape.w; x += kRun) {
      const int from = 0, taps = int(std::min(kRun, rows.shape.w - x));
      const float* source = in + x * stride;
      if (means) {
        functions.binary_vector(Binary::subtract, false, run, source, centre, taps, stride);
        functions.binary(Binary::multiply, run, run, run, taps * stride);
        source = run;
      }
      functions.gather_all(Binary::add, part, source, &from, &taps, stride, 1, stride);
      for (int j = 0; j < c; j++) total[j] += part[j];
    }
    for (int j = 0; j < c; j++) out[j] = float(total[j] / double(rows.shape.w));
  }
  const Gathered what;
};

// (h, 1, c) -> (1, 1, c).
class OverRows : public Primitive {
 public:
  explicit OverRows(bool mean) : mean(mean) {}
  Shape shape(const std::vector<Shape>& in) const override { return {1, 1, in[0].c}; }
  Reads reads(int, Axis, long n, long) const override { return {0, 0, n - 1, 1}; }
  void run(const Task& task) const override {
    const Rows& in = *task.in[0];
    float* out = task.out.row(0);
    for (int j = 0; j < in.stride; j++) {
      double all = in.row(0)[j];
      for (long y = 1; y < in.shape.h; y++) {
        const double next = in.row(y)[j];
        all = mean ? all + next : !(next <= all) ? next : all;
      }
      out[j] = float(mean ? all / double(in.shape.h) : all);
    }
  }

 private:
  const bool mean;
};

// (h, 1, 2 c) of means and variances -> (1, 1, 2 c) of scales and offsets. Rows are equally long, so means of means do.
class ScaleAndOffset : public Primitive {
 public:
  ScaleAndOffset(int groups, double eps, std::shared_ptr<const Tensor> weight, std::shared_ptr<const Tensor> bias)
      : groups(groups), eps(eps), weight(std::move(weight)), bias(std::move(bias)) {}
  Shape shape(const std::vector<Shape>& in) const override {
    const int c = in[0].c / 2;
    if (groups && c % groups)
      throw Error(Error::Kind::graph, "the channels do not divide into the groups", std::to_string(c),
                  "a multiple of " + std::to_string(groups));
    for (const auto& values : {weight, bias})
      if (values && c) expect_channels({1, 1, c}, long(values->values.size()), "the norm");
    return {1, 1, in[0].c};
  }
  Reads reads(int, Axis, long n, long) const override { return {0, 0, n - 1, 1}; }
  void run(const Task& task) const override {
    const Rows& in = *task.in[0];
    const int c = in.shape.c / 2, each = groups ? c / groups : 1;
    float* out = task.out.row(0);
    std::fill(out, out + task.out.stride, 0.0f);
    for (int first = 0; first < c; first += each) group(in, first, each, c, out);
  }

 private:
  void group(const Rows& in, int first, int count, int c, float* out) const {
    const double n = double(in.shape.h) * count;
    double mean = 0, variance = 0;
    for (long y = 0; y < in.shape.h; y++)
      for (int j = first; j < first + count; j++) mean += in.row(y)[j] / n;
    for (long y = 0; y < in.shape.h; y++)
      for (int j = first; j < first + count; j++) {
        const double off = in.row(y)[j] - mean;
        variance += (in.row(y)[c + j] + off * off) / n;
      }
    for (int j = first; j < first + count; j++) {
      const double scale = (weight ? weight->values[j] : 1.0) / std::sqrt(variance + eps);
      out[j] = float(scale);
      out[c + j] = float((bias ? bias->values[j] : 0.0) - mean * scale);
    }
  }
  const int groups;
  const double eps;
  const std::shared_ptr<const Tensor> weight, bias;
};

class ApplyScaleAndOffset : public Primitive {
 public:
  Shape shape(const std::vector<Shape>& in) const override { return in[0]; }
  std::size_t scratch_bytes(const std::vector<Shape>& in, long, long) const override {
    return 2 * sizeof(float) * channel_stride(in[0].c);
  }
  Reads reads(int input, Axis, long, long) const override { return input == 1 ? Reads{0, 0, 0, 1} : Reads{}; }
  void run(const Task& task) const override {
    const int c = task.out.shape.c, stride = task.out.stride;
    auto* scale = reinterpret_cast<float*>(task.scratch);
    auto* offset = scale + stride;
    std::fill(scale, offset + stride, 0.0f);
    std::copy(task.in[1]->row(0), task.in[1]->row(0) + c, scale);
    std::copy(task.in[1]->row(0) + c, task.in[1]->row(0) + 2 * c, offset);
    for (long y = task.y0; y < task.y1; y++)
      row_functions().affine(task.out.row(y) + task.x0 * stride, task.in[0]->row(y) + task.x0 * stride, scale, offset,
                             task.columns(), stride);
  }
};

}  // namespace

int add_global_pool(Builder& b, int from, bool mean) {
  const int rows = b.add(std::make_shared<OverColumns>(mean ? Gathered::mean : Gathered::largest), {from});
  return b.add(std::make_shared<OverRows>(mean), {rows});
}

int add_moments(Builder& b, int from, int groups, double eps, std::shared_ptr<const Tensor> weight,
                std::shared_ptr<const Tensor> bias) {
  const int rows = b.add(std::make_shared<OverColumns>(Gathered::moments), {from});
  return b.add(std::make_shared<ScaleAndOffset>(groups, eps, std::move(weight), std::move(bias)), {rows});
}

int add_scale_and_offset(Builder& b, int map, int scale_and_offset) {
  return b.add(std::make_shared<ApplyScaleAndOffset>(), {map, scale_and_offset});
}

}  // namespace pellucid
