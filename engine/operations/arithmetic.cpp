// Arithmetic between maps, and between a map and constants: add, subtract, multiply, affine, batch_norm.
#include <algorithm>
#include <cmath>

#include "operations/families.h"

namespace pellucid {
namespace {

// A vector (1, 1, c) is spread over a map, and so is a map of one channel over all channels.
bool is_vector(const Shape& shape) { return shape.h == 1 && shape.w == 1; }

// One number per pixel against all channels of the other map.
void spread_channels(Binary kind, bool swapped, const Task& task, const Rows& wide, const Rows& narrow) {
  const int c = task.out.shape.c, stride = task.out.stride;
  for (long y = task.y0; y < task.y1; y++) {
    float* out = task.out.row(y) + task.x0 * stride;
    const float* a = wide.row(y) + task.x0 * stride;
    const float* b = narrow.row(y) + task.x0 * narrow.stride;
    for (long x = task.x0; x < task.x1; x++, out += stride, a += stride, b += narrow.stride) {
      float same[16];
      for (int from = 0; from < stride; from += 16) {
        const int count = std::min(16, stride - from);
        std::fill(same, same + 16, *b);
        row_functions().binary(kind, out + from, swapped ? same : a + from, swapped ? a + from : same, count);
      }
      std::fill(out + c, out + stride, 0.0f);
    }
  }
}

class AffinePrimitive : public Primitive {
 public:
  AffinePrimitive(std::vector<float> scale, std::vector<float> offset)
      : scale(std::move(scale)), offset(std::move(offset)) {}
  Shape shape(const std::vector<Shape>& in) const override {
    if (scale.size() > 1) expect_channels(in[0], long(scale.size()), "affine");
    return in[0];
  }
  void run(const Task& task) const override {
    const int c = task.out.shape.c, stride = task.out.stride;
    auto* s = reinterpret_cast<float*>(task.scratch);
    auto* o = s + stride;
    for (int j = 0; j < stride; j++) {
      s[j] = j < c ? scale[scale.size() == 1 ? 0 : j] : 0.0f;
      o[j] = j < c ? offset[scale.size() == 1 ? 0 : j] : 0.0f;
    }
    for (long y = task.y0; y < task.y1; y++)
      row_functions().affine(task.out.row(y) + task.x0 * stride, task.in[0]->row(y) + task.x0 * stride, s, o,
                             task.columns(), stride);
  }
  std::size_t scratch_bytes(const std::vector<Shape>& in, long, long) const override {
    return 2 * sizeof(float) * channel_stride(in[0].c);
  }

 private:
  std::vector<float> scale, offset;  // one value for all channels, or one for each
};

template <Binary kind>
int binary(Builder& b) {
  return b.add(std::make_shared<BinaryPrimitive>(kind), {b.input(0), b.input(1)});
}

std::vector<float> values_of(Builder& b, const std::string& name, float fallback) {
  if (const auto weight = b.weight(name)) return weight->values;
  const auto given = b.numbers(name);
  if (given.empty()) return {fallback};
  return {given.begin(), given.end()};
}

int affine(Builder& b) {
  auto scale = values_of(b, "scale", 1), offset = values_of(b, "offset", 0);
  const auto n = std::max(scale.size(), offset.size());
  if (scale.size() == 1) scale.resize(n, scale[0]);
  if (offset.size() == 1) offset.resize(n, offset[0]);
  if (scale.size() != offset.size())
    b.refuse("affine's scale and offset differ in length", std::to_string(scale.size()), std::to_string(offset.size()));
  return b.add(std::make_shared<AffinePrimitive>(std::move(scale), std::move(offset)), {b.input()});
}

int batch_norm(Builder& b) {
  const auto mean = b.weight("mean"), variance = b.weight("variance"), weight = b.weight("weight"),
             bias = b.weight("bias");
  const auto n = mean->values.size();
  for (const auto& other : {variance, weight, bias})
    if (other && other->values.size() != n)
      b.refuse("batch_norm's arrays differ in length", std::to_string(other->values.size()), std::to_string(n));
  std::vector<float> scale(n), offset(n);
  for (std::size_t i = 0; i < n; i++) {
    const double s = (weight ? weight->values[i] : 1.0) / std::sqrt(double(variance->values[i]) + b.number("eps"));
    scale[i] = float(s);
    offset[i] = float((bias ? bias->values[i] : 0.0) - s * mean->values[i]);
  }
  return b.add(std::make_shared<AffinePrimitive>(std::move(scale), std::move(offset)), {b.input()});
}

}  // namespace

Shape BinaryPrimitive::shape(const std::vector<Shape>& in) const {
  const Shape &a = in[0], &b = in[1];
  const bool channels = a.c == b.c || a.c == 1 || b.c == 1 || a.c == 0 || b.c == 0;
  if (!channels) throw Error(Error::Kind::graph, "maps with different channels meet", text(b), text(a));
  const Shape& map = is_vector(a) && !is_vector(b) ? b : a;
  if (!is_vector(a) && !is_vector(b) && (a.h != b.h || a.w != b.w))
    throw ExtentError(Error::Kind::graph, "maps of different sizes meet", text(b), text(a) + " or (1, 1, c)");
  return {map.h, map.w, a.c && b.c ? std::max(a.c, b.c) : 0};
}

void BinaryPrimitive::run(const Task& task) const {
  const Rows &a = *task.in[0], &b = *task.in[1];
  const int stride = task.out.stride;
  if (a.shape.c != b.shape.c && !is_vector(a.shape) && !is_vector(b.shape))
    return spread_channels(kind, a.shape.c < b.shape.c, task, a.shape.c < b.shape.c ? b : a,
                           a.shape.c < b.shape.c ? a : b);
  const bool va = is_vector(a.shape), vb = is_vector(b.shape);
  const bool b_is_map = va != vb ? va : a.shape.c < b.shape.c;
  if (va == vb && a.shape.c == b.shape.c) {
    for (long y = task.y0; y < task.y1; y++)
      row_functions().binary(kind, task.out.row(y) + task.x0 * stride, a.row(y) + task.x0 * stride,
                             b.row(y) + task.x0 * stride, task.columns() * stride);
    return;
  }
  spread_vector(task, b_is_map ? b : a, b_is_map ? a : b);
}

// The vector may have one channel, and so may the map: both are widened to the channels of the output.
void BinaryPrimitive::spread_vector(const Task& task, const Rows& map, const Rows& vector) const {
  const int c = task.out.shape.c, stride = task.out.stride;
  auto* v = reinterpret_cast<float*>(task.scratch);
  auto* pixel = v + stride;
  for (int j = 0; j < stride; j++) v[j] = j < c ? vector.row(0)[vector.shape.c == 1 ? 0 : j] : 0.0f;
  const bool swapped = &vector == task.in[0];
  for (long y = task.y0; y < task.y1; y++) {
    float* out = task.out.row(y) + task.x0 * stride;
    const float* in = map.row(y) + task.x0 * map.stride;
    if (map.shape.c == c) {
      row_functions().binary_vector(kind, swapped, out, in, v, task.columns(), stride);
      continue;
    }
    for (long x = task.x0; x < task.x1; x++, out += stride, in += map.stride) {
      for (int j = 0; j < stride; j++) pixel[j] = j < c ? *in : 0.0f;
      row_functions().binary_vector(kind, swapped, out, pixel, v, 1, stride);
    }
  }
}

std::size_t BinaryPrimitive::scratch_bytes(const std::vector<Shape>& in, long, long) const {
  return 2 * sizeof(float) * channel_stride(std::max(in[0].c, in[1].c));
}

Declarations arithmetic_declarations() {
  const char* spread = "; a (1, 1, c) or a one-channel map is spread over the other";
  return {
      {{"add", 2, 2, {}, {}, std::string("a + b") + spread}, binary<Binary::add>},
      {{"subtract", 2, 2, {}, {}, std::string("a - b") + spread}, binary<Binary::subtract>},
      {{"multiply", 2, 2, {}, {}, std::string("a b") + spread}, binary<Binary::multiply>},
      {{"affine",
        1,
        1,
        {{"scale", "numbers", 1.0}, {"offset", "numbers", 0.0}},
        {{"scale", false}, {"offset", false}},
        "scale x + offset, constants or one per channel"},
       affine},
      {{"batch_norm",
        1,
        1,
        {{"eps", "number", 1e-5}},
        {{"mean", true}, {"variance", true}, {"weight", false}, {"bias", false}},
        "(x - mean) / sqrt(variance + eps) weight + bias, with stored statistics"},
       batch_norm},
  };
}

}  // namespace pellucid
