// Activations: functions of single numbers, from relu to the exponential, and prelu with its slope per channel.
#include <algorithm>

#include "operations/families.h"

namespace pellucid {
namespace {

// Padding channels must stay zero, also under functions that make something of zero.
void clear_padding(const Task& task) {
  const int c = task.out.shape.c, stride = task.out.stride;
  if (c == stride) return;
  for (long y = task.y0; y < task.y1; y++)
    for (float* pixel = task.out.row(y) + task.x0 * stride; pixel != task.out.row(y) + task.x1 * stride;
         pixel += stride)
      std::fill(pixel + c, pixel + stride, 0.0f);
}

bool keeps_zero(Unary kind, float low, float high) {
  switch (kind) {
    case Unary::sigmoid:
    case Unary::softplus:
    case Unary::exp:
      return false;
    case Unary::clip:
      return low <= 0 && high >= 0;
    default:
      return true;
  }
}

template <Unary kind>
int plain(Builder& b) {
  return b.add(std::make_shared<UnaryPrimitive>(kind), {b.input()});
}

int leaky_relu(Builder& b) {
  return b.add(std::make_shared<UnaryPrimitive>(Unary::leaky_relu, float(b.number("slope"))), {b.input()});
}

int sine(Builder& b) {
  return b.add(std::make_shared<UnaryPrimitive>(Unary::sine, float(b.number("frequency"))), {b.input()});
}

int gelu(Builder& b) {
  const bool exact = b.text("approximate", {"none", "tanh"}) == "none";
  return b.add(std::make_shared<UnaryPrimitive>(exact ? Unary::gelu : Unary::gelu_tanh), {b.input()});
}

int clip(Builder& b) {
  const float low = float(b.number("low")), high = float(b.number("high"));
  if (!(low <= high)) b.refuse("clip needs low <= high", std::to_string(low), "at most " + std::to_string(high));
  return b.add(std::make_shared<UnaryPrimitive>(Unary::clip, low, high), {b.input()});
}

int prelu(Builder& b) {
  const auto slope = b.weight("weight");
  if (slope->shape.size() != 1)
    b.refuse("prelu's weight is not a vector", std::to_string(slope->shape.size()), "1 axis");
  return b.add(std::make_shared<PreluPrimitive>(slope), {b.input()});
}

Declaration simple(const char* name, int (*build)(Builder&), const char* summary) {
  return {{name, 1, 1, {}, {}, summary}, build};
}

}  // namespace

void UnaryPrimitive::run(const Task& task) const {
  const int stride = task.out.stride;
  for (long y = task.y0; y < task.y1; y++)
    row_functions().unary(kind, task.out.row(y) + task.x0 * stride, task.in[0]->row(y) + task.x0 * stride,
                          task.columns() * stride, p, q);
  if (!keeps_zero(kind, p, q)) clear_padding(task);
}

PreluPrimitive::PreluPrimitive(std::shared_ptr<const Tensor> weight) : slope(std::move(weight)) {
  padded.assign(channel_stride(int(slope->values.size())), 0.0f);
  std::copy(slope->values.begin(), slope->values.end(), padded.begin());
}

std::vector<float> PreluPrimitive::slopes(int c) const {
  return slope->values.size() == 1 ? std::vector<float>(c, slope->values[0]) : slope->values;
}

Shape PreluPrimitive::shape(const std::vector<Shape>& in) const {
  if (slope->values.size() != 1) expect_channels(in[0], long(slope->values.size()), "prelu");
  return in[0];
}

void PreluPrimitive::run(const Task& task) const {
  const int stride = task.out.stride;
  for (long y = task.y0; y < task.y1; y++) {
    float* out = task.out.row(y) + task.x0 * stride;
    const float* in = task.in[0]->row(y) + task.x0 * stride;
    if (slope->values.size() == 1)
      row_functions().unary(Unary::leaky_relu, out, in, task.columns() * stride, padded[0], 0);
    else
      row_functions().prelu(out, in, padded.data(), task.columns(), stride);
  }
}

Declarations activation_declarations() {
  return {
      simple("relu", plain<Unary::relu>, "max(x, 0)"),
      {{"leaky_relu", 1, 1, {{"slope", "number", 0.01}}, {}, "x where x >= 0, else slope x"}, leaky_relu},
      {{"prelu", 1, 1, {}, {{"weight", true}}, "x where x >= 0, else weight x, one weight or one per channel"}, prelu},
      simple("sigmoid", plain<Unary::sigmoid>, "1 / (1 + exp(-x))"),
      simple("tanh", plain<Unary::tanh>, "the hyperbolic tangent"),
      simple("selu", plain<Unary::selu>, "the scaled exponential linear unit"),
      {{"sine", 1, 1, {{"frequency", "number", 1.0}}, {}, "sin(frequency x)"}, sine},
      {{"gelu", 1, 1, {{"approximate", "text", "none"}}, {}, "x times the normal distribution at x"}, gelu},
      simple("hardswish", plain<Unary::hardswish>, "x min(max(x + 3, 0), 6) / 6"),
      {{"clip", 1, 1, {{"low", "number", 0.0}, {"high", "number", 1.0}}, {}, "min(max(x, low), high)"}, clip},
      simple("softsign", plain<Unary::softsign>, "x / (1 + |x|)"),
      simple("step", plain<Unary::step>, "1 where x > 0, else 0"),
      simple("softplus", plain<Unary::softplus>, "log(1 + exp(x))"),
      simple("silu", plain<Unary::silu>, "x / (1 + exp(-x))"),
      simple("exp", plain<Unary::exp>, "exp(x)"),
  };
}

}  // namespace pellucid
