// Normalisation: over the channels of a pixel (layer), over the map (instance, group, layer), over neighbouring
// channels (local response). batch_norm, whose statistics are stored, is arithmetic.
#include <algorithm>
#include <cmath>

#include "operations/families.h"
#include "operations/whole_map.h"

namespace pellucid {
namespace {

class NormalisePixels : public Primitive {
 public:
  NormalisePixels(std::shared_ptr<const Tensor> weight, std::shared_ptr<const Tensor> bias, float eps)
      : weight(std::move(weight)), bias(std::move(bias)), eps(eps) {}
  Shape shape(const std::vector<Shape>& in) const override {
    for (const auto& values : {weight, bias})
      if (values) expect_channels(in[0], long(values->values.size()), "layer_norm");
    return in[0];
  }
  std::size_t scratch_bytes(const std::vector<Shape>& in, long, long) const override {
    return 3 * sizeof(float) * channel_stride(in[0].c);
  }
  void run(const Task& task) const override {
    const int c = task.out.shape.c, stride = task.out.stride;
    auto* w = reinterpret_cast<float*>(task.scratch);
    auto *b = w + stride, *mask = b + stride;
    for (int j = 0; j < stride; j++) {
      w[j] = j < c ? (weight ? weight->values[j] : 1.0f) : 0.0f;
      b[j] = j < c && bias ? bias->values[j] : 0.0f;
      mask[j] = j < c ? 1.0f : 0.0f;
    }
    for (long y = task.y0; y < task.y1; y++)
      row_functions().normalise_pixels(task.out.row(y) + task.x0 * stride, task.in[0]->row(y) + task.x0 * stride, w, b,
                                       mask, c, eps, task.columns(), stride);
  }

 private:
  const std::shared_ptr<const Tensor> weight, bias;
  const float eps;
};

// weight and bias (c, h, w), one of each per number of a map of fixed size.
class ElementwiseAffine : public Primitive {
 public:
  ElementwiseAffine(std::shared_ptr<const Tensor> weight, std::shared_ptr<const Tensor> bias)
      : weight(std::move(weight)), bias(std::move(bias)) {}
  Shape shape(const std::vector<Shape>& in) const override {
    const auto& s = weight->shape;
    if (in[0].c && in[0].c != s[0]) expect_channels(in[0], s[0], "layer_norm");
    if (in[0].h != s[1] || in[0].w != s[2])
      throw ExtentError(Error::Kind::graph, "the map differs from the norm's weights", text(in[0]),
                        text({s[1], s[2], int(s[0])}));
    return in[0];
  }
  void run(const Task& task) const override {
    const int c = task.out.shape.c, stride = task.out.stride;
    const long h = task.out.shape.h, w = task.out.shape.w;
    for (long y = task.y0; y < task.y1; y++)
      for (long x = task.x0; x < task.x1; x++) {
        const float* in = task.in[0]->row(y) + x * stride;
        float* out = task.out.row(y) + x * stride;
        for (int j = 0; j < c; j++) {
          const long at = (j * h + y) * w + x;
          out[j] = in[j] * weight->values[at] + (bias ? bias->values[at] : 0.0f);
        }
        std::fill(out + c, out + stride, 0.0f);
      }
  }

 private:
  const std::shared_ptr<const Tensor> weight, bias;
};

// x / (k + alpha times the mean square of `size` channels around it) ^ beta; channels that do not exist count as zero.
class LocalResponse : public Primitive {
 public:
  LocalResponse(int size, float alpha, float beta, float k) : size(size), alpha(alpha), beta(beta), k(k) {}
  Shape shape(const std::vector<Shape>& in) const override { return in[0]; }
  void run(const Task& task) const override {
    const int c = task.out.shape.c, stride = task.out.stride;
    for (long y = task.y0; y < task.y1; y++)
      for (long x = task.x0; x < task.x1; x++) {
        float* out = task.out.row(y) + x * stride;
        pixel(task.in[0]->row(y) + x * stride, out, c);
        std::fill(out + c, out + stride, 0.0f);
      }
  }

 private:
  void pixel(const float* in, float* out, int c) const {
    for (int j = 0; j < c; j++) {
      float squares = 0;
      for (int i = std::max(0, j - size / 2); i <= std::min(c - 1, j + (size - 1) / 2); i++) squares += in[i] * in[i];
      const float base = k + alpha * squares / float(size);
      out[j] = in[j] / (beta == 0.75f ? std::sqrt(base) * std::sqrt(std::sqrt(base)) : std::pow(base, beta));
    }
  }
  const int size;
  const float alpha, beta, k;
};

int layer_norm(Builder& b) {
  const auto weight = b.weight("weight"), bias = b.weight("bias");
  const double eps = b.number("eps");
  if (b.text("over", {"channels", "all"}) == "channels")
    return b.add(std::make_shared<NormalisePixels>(weight, bias, float(eps)), {b.input()});
  const bool elementwise = weight && weight->shape.size() == 3;
  if (bias && (!weight || weight->shape != bias->shape))
    b.refuse("weight and bias differ in shape", std::to_string(bias->shape.size()) + " axes", "the weight's");
  const int moments = elementwise ? add_moments(b, b.input(), 1, eps, nullptr, nullptr)
                                  : add_moments(b, b.input(), 1, eps, weight, bias);
  const int plain = add_scale_and_offset(b, b.input(), moments);
  return elementwise ? b.add(std::make_shared<ElementwiseAffine>(weight, bias), {plain}) : plain;
}

int instance_norm(Builder& b) {
  return add_scale_and_offset(b, b.input(),
                              add_moments(b, b.input(), 0, b.number("eps"), b.weight("weight"), b.weight("bias")));
}

int group_norm(Builder& b) {
  const int groups = b.integer("groups", 1);
  return add_scale_and_offset(b, b.input(),
                              add_moments(b, b.input(), groups, b.number("eps"), b.weight("weight"), b.weight("bias")));
}

int local_response_norm(Builder& b) {
  return b.add(std::make_shared<LocalResponse>(b.integer("size", 1), float(b.number("alpha")), float(b.number("beta")),
                                               float(b.number("k"))),
               {b.input()});
}

}  // namespace

Declarations normalisation_declarations() {
  const std::vector<WeightInfo> weights = {{"weight", false}, {"bias", false}};
  const AttributeInfo eps = {"eps", "number", 1e-5};
  return {
      {{"layer_norm",
        1,
        1,
        {eps, {"over", "text", "channels"}},
        weights,
        "mean 0 and variance 1 over the channels of each pixel, or over all of the map (weights c or (c, h, w))"},
       layer_norm},
      {{"instance_norm", 1, 1, {eps}, weights, "mean 0 and variance 1 over the map, channel by channel"},
       instance_norm},
      {{"group_norm", 1, 1, {{"groups", "int", {}}, eps}, weights, "the same over groups of channels"}, group_norm},
      {{"local_response_norm",
        1,
        1,
        {{"size", "int", {}}, {"alpha", "number", 1e-4}, {"beta", "number", 0.75}, {"k", "number", 1.0}},
        {},
        "x / (k + alpha times the mean square of size neighbouring channels) ^ beta"},
       local_response_norm},
  };
}

}  // namespace pellucid
