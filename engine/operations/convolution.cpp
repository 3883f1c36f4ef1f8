// Convolutions: conv, conv_transpose, linear. All of them become the one convolution primitive, whose kernels live in
// kernels/; a transposed convolution becomes a convolution onto stride_y stride_x times as many channels and a pixel
// shuffle, so that it needs no kernel of its own.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "operations/families.h"

namespace pellucid {
namespace {

using Description = ConvolutionPrimitive::Description;

std::shared_ptr<const Tensor> rounded_to_bf16(const std::shared_ptr<const Tensor>& weight) {
  auto copy = std::make_shared<Tensor>(*weight);
  row_functions().round_to_bf16(copy->values.data(), copy->values.size());
  return copy;
}

void expect_axes(Builder& b, const Tensor& tensor, const std::string& role, std::size_t axes) {
  if (tensor.shape.size() != axes)
    b.refuse("the array " + role + " has the wrong number of axes", std::to_string(tensor.shape.size()),
             std::to_string(axes));
  for (long extent : tensor.shape)
    if (extent < 1) b.refuse("the array " + role + " is empty", std::to_string(extent), "at least 1 along each axis");
}

std::shared_ptr<const Tensor> checked_bias(Builder& b, long oc) {
  auto bias = b.weight("bias");
  if (bias && long(bias->values.size()) != oc)
    b.refuse("the bias has the wrong length", std::to_string(bias->values.size()), std::to_string(oc));
  return bias;
}

Description described(Builder& b, const Tensor& weight) {
  const Pair stride = b.pair("stride", 1), dilation = b.pair("dilation", 1);
  const Sides padding = b.sides("padding", 0);
  for (long extent : {weight.shape[2], weight.shape[3]})
    if (extent > kMostSteps)
      b.refuse("the kernel is too large", std::to_string(extent), "at most " + std::to_string(kMostSteps));
  Description d;
  d.shape.kh = int(weight.shape[2]), d.shape.kw = int(weight.shape[3]);
  d.shape.stride_y = stride.y, d.shape.stride_x = stride.x;
  d.shape.dilation_y = dilation.y, d.shape.dilation_x = dilation.x;
  d.shape.groups = b.integer("groups", 1);
  d.shape.pad_top = padding.top, d.shape.pad_left = padding.left;
  d.pad_bottom = padding.bottom, d.pad_right = padding.right;
  d.precision = b.precision();
  return d;
}

int conv(Builder& b) {
  const auto weight = b.weight("weight");
  expect_axes(b, *weight, "weight", 4);
  Description d = described(b, *weight);
  d.shape.oc = int(weight->shape[0]), d.shape.ic = int(weight->shape[1] * d.shape.groups);
  if (d.shape.oc % d.shape.groups)
    b.refuse("the output channels do not divide into the groups", std::to_string(d.shape.oc),
             std::to_string(d.shape.groups));
  d.weight = weight, d.bias = checked_bias(b, d.shape.oc);
  return b.add(std::make_shared<ConvolutionPrimitive>(d), {b.input()});
}

int linear(Builder& b) {
  const auto weight = b.weight("weight");
  expect_axes(b, *weight, "weight", 2);
  Description d;
  d.shape = {int(weight->shape[1]), int(weight->shape[0]), 1, 1, 1, 1, 1, 1, 1, 0, 0};
  d.weight = weight, d.bias = checked_bias(b, d.shape.oc);
  d.precision = b.precision();
  return b.add(std::make_shared<ConvolutionPrimitive>(d), {b.input()});
}

// ---- transposed

// Along one axis, output i = stride q + phase - pad is the sum over m of input q - m times tap stride m + phase. As a
// convolution: ceil(k / stride) taps, reversed, and one output channel per phase, which the shuffle puts in place.
std::shared_ptr<Tensor> by_phases(const Tensor& weight, const ConvolutionShape& s, int taps_y, int taps_x) {
  const long ic = weight.shape[0], ocg = weight.shape[1], kh = weight.shape[2], kw = weight.shape[3];
  const long icg = ic / s.groups;
  auto out = std::make_shared<Tensor>();
  out->shape = {ocg * s.groups * s.stride_y * s.stride_x, icg, taps_y, taps_x};
  out->values.assign(out->shape[0] * icg * taps_y * taps_x, 0.0f);
  for (long i = 0; i < ic; i++)
    for (long o = 0; o < ocg; o++)
      for (long ky = 0; ky < kh; ky++)
        for (long kx = 0; kx < kw; kx++) {
          const long channel = ((i / icg * ocg + o) * s.stride_y + ky % s.stride_y) * s.stride_x + kx % s.stride_x;
          const long ty = taps_y - 1 - ky / s.stride_y, tx = taps_x - 1 - kx / s.stride_x;
          out->values[((channel * icg + i % icg) * taps_y + ty) * taps_x + tx] =
              weight.values[((i * ocg + o) * kh + ky) * kw + kx];
        }
  return out;
}

std::shared_ptr<Tensor> repeated(const Tensor& bias, int times) {
  auto out = std::make_shared<Tensor>();
  for (float value : bias.values) out->values.insert(out->values.end(), times, value);
  out->shape = {long(out->values.size())};
  return out;
}

// With dilation the phases do not fall apart; taps are then spread with zeros between them first.
std::shared_ptr<const Tensor> dilated(const std::shared_ptr<const Tensor>& weight, Pair by) {
  if (by.y == 1 && by.x == 1) return weight;
  const auto& from = weight->shape;
  auto out = std::make_shared<Tensor>();
  out->shape = {from[0], from[1], (from[2] - 1) * by.y + 1, (from[3] - 1) * by.x + 1};
  out->values.assign(out->shape[0] * out->shape[1] * out->shape[2] * out->shape[3], 0.0f);
  for (long i = 0; i < from[0] * from[1]; i++)
    for (long y = 0; y < from[2]; y++)
      for (long x = 0; x < from[3]; x++)
        out->values[(i * out->shape[2] + y * by.y) * out->shape[3] + x * by.x] =
            weight->values[(i * from[2] + y) * from[3] + x];
  return out;
}

// Zeros between taps and phases that a kernel does not reach are stored, so a stride far beyond the kernel is refused.
void expect_modest_growth(Builder& b, const Tensor& weight, const ConvolutionShape& s) {
  constexpr double kModest = 1 << 24, kMostGrowth = 16;
  const auto spread = [](long k, int dilation, int stride) {
    return double(((k - 1) * dilation + stride) / stride * stride);
  };
  const double own = double(weight.values.size());
  const double all = double(weight.shape[0]) * double(weight.shape[1]) *
                     spread(weight.shape[2], s.dilation_y, s.stride_y) *
                     spread(weight.shape[3], s.dilation_x, s.stride_x);
  if (all > std::max(kModest, kMostGrowth * own))
    b.refuse("stride and dilation spread the weights too far",
             std::to_string(long(all)) + " numbers out of " + std::to_string(long(own)),
             "at most " + std::to_string(long(std::max(kModest, kMostGrowth * own))));
}

int conv_transpose(Builder& b) {
  const auto given = b.weight("weight");
  expect_axes(b, *given, "weight", 4);
  Description d = described(b, *given);
  expect_modest_growth(b, *given, d.shape);
  const auto weight = dilated(given, {d.shape.dilation_y, d.shape.dilation_x});
  const Pair extra = b.pair("output_padding", 0);
  const Sides padding = {d.shape.pad_top, d.shape.pad_left, d.pad_bottom, d.pad_right};
  const Pair stride = {d.shape.stride_y, d.shape.stride_x};
  const int kh = int(weight->shape[2]), kw = int(weight->shape[3]), oc = int(weight->shape[1] * d.shape.groups);
  if (weight->shape[0] % d.shape.groups)
    b.refuse("the input channels do not divide into the groups", std::to_string(weight->shape[0]),
             std::to_string(d.shape.groups));
  checked_channels(weight->shape[1] * d.shape.groups * stride.y * stride.x);
  const int taps_y = (kh + stride.y - 1) / stride.y, taps_x = (kw + stride.x - 1) / stride.x;
  d.weight = by_phases(*weight, d.shape, taps_y, taps_x);
  if (const auto bias = checked_bias(b, oc)) d.bias = repeated(*bias, stride.y * stride.x);
  // Rows of phases: one more than the input for each tap but the first; output_padding may ask for yet more of zeros.
  const int more_y = (std::max(extra.y - padding.bottom, 0) + stride.y - 1) / stride.y;
  const int more_x = (std::max(extra.x - padding.right, 0) + stride.x - 1) / stride.x;
  d.shape = {int(weight->shape[0]),
             oc * stride.y * stride.x,
             taps_y,
             taps_x,
             1,
             1,
             1,
             1,
             d.shape.groups,
             taps_y - 1,
             taps_x - 1};
  d.pad_bottom = taps_y - 1 + more_y, d.pad_right = taps_x - 1 + more_x;
  const int phases = b.add(std::make_shared<ConvolutionPrimitive>(d), {b.input()});
  // Output extent (n - 1) stride - pads + k + output_padding, out of (n + taps - 1 + more) stride rows.
  const int cut_y = (taps_y + more_y) * stride.y - kh - extra.y + padding.bottom;
  const int cut_x = (taps_x + more_x) * stride.x - kw - extra.x + padding.right;
  return b.add(std::make_shared<PixelShuffle>(stride, Sides{padding.top, padding.left, cut_y, cut_x}), {phases});
}

}  // namespace

// ---- the primitive

ConvolutionPrimitive::ConvolutionPrimitive(Description given) : description(std::move(given)) {}

void ConvolutionPrimitive::prepare() {
  const auto& d = description;
  const bool bf16 = d.precision == Precision::bf16;
  const auto weight = bf16 ? rounded_to_bf16(d.weight) : d.weight;
  prepared = make_convolution(d.shape, weight->values.data(), d.bias ? d.bias->values.data() : nullptr, d.activation,
                              d.slope.empty() ? nullptr : d.slope.data(), "", bf16, d.split);
}

int ConvolutionPrimitive::margin() const {
  return std::max(description.shape.pad_left, description.pad_right) + prepared->reach();
}

Shape ConvolutionPrimitive::shape(const std::vector<Shape>& in) const {
  const auto& s = description.shape;
  expect_channels(in[0], s.ic, "conv");
  const long h =
      floor_div(in[0].h + s.pad_top + description.pad_bottom - (s.kh - 1) * s.dilation_y - 1, s.stride_y) + 1;
  const long w =
      floor_div(in[0].w + s.pad_left + description.pad_right - (s.kw - 1) * s.dilation_x - 1, s.stride_x) + 1;
  if (h < 1 || w < 1)
    throw ExtentError(Error::Kind::graph, "the map is smaller than the kernel", text(in[0]),
                      "at least " + std::to_string(s.kh) + " x " + std::to_string(s.kw) + " with its padding");
  const Shape out = {h, w, s.oc};
  if (description.residual && in[1].c && !(in[1] == out))
    throw ExtentError(Error::Kind::graph, "maps of different shapes are added", text(in[1]), text(out));
  return out;
}

Reads ConvolutionPrimitive::reads(int input, Axis axis, long, long) const {
  if (input == 1) return {};
  const auto& s = description.shape;
  if (axis == Axis::y) return {s.stride_y, -s.pad_top, -s.pad_top + (s.kh - 1) * s.dilation_y, 1};
  return {s.stride_x, -s.pad_left, -s.pad_left + (s.kw - 1) * s.dilation_x, 1};
}

std::size_t ConvolutionPrimitive::scratch_bytes(const std::vector<Shape>&, long rows, long columns) const {
  const auto& s = description.shape;
  const std::size_t pointers = 2 * rows + (rows - 1) * s.stride_y + (s.kh - 1) * s.dilation_y + 1;
  return (pointers * sizeof(float*) + 63) / 64 * 64 + prepared->scratch_bytes(int(columns));
}

double ConvolutionPrimitive::multiply_adds(const std::vector<Shape>&) const {
  const auto& s = description.shape;
  return double(s.oc) * (s.ic / s.groups) * s.kh * s.kw;
}

std::size_t ConvolutionPrimitive::weight_bytes() const { return description.weight->values.size() * sizeof(float); }

void ConvolutionPrimitive::run(const Task& task) const {
  const auto& s = description.shape;
  const int rows = int(task.y1 - task.y0);
  const int in_rows = (rows - 1) * s.stride_y + (s.kh - 1) * s.dilation_y + 1;
  auto** out = reinterpret_cast<float**>(task.scratch);
  auto** add = const_cast<const float**>(out + rows);
  auto** in = add + rows;
  for (int j = 0; j < rows; j++) {
    const long y = task.y0 + j;
    const bool stored = y >= 0 && y < task.out.shape.h;
    out[j] = stored ? task.out.row(y) : nullptr;
    if (description.residual) add[j] = stored ? task.in[1]->row(y) : task.in[1]->zeros;
  }
  const long first = task.y0 * s.stride_y - s.pad_top;
  for (int j = 0; j < in_rows; j++) in[j] = task.in[0]->row_or_zeros(first + j);
  ConvolutionCall call{};
  call.in = in, call.in_stride = task.in[0]->stride;
  call.out = out, call.out_stride = task.out.stride;
  call.in_plane = task.in[0]->plane, call.out_plane = task.out.plane;
  call.rows = rows, call.x0 = int(task.x0), call.x1 = int(task.x1), call.width = int(task.out.shape.w);
  call.share = task.share, call.shares = task.shares;
  call.epilogue.bf16 = description.rounded;
  if (description.residual) call.epilogue.add_rows = add, call.epilogue.add_stride = task.in[1]->stride;
  const std::size_t pointers = (2 * rows + in_rows) * sizeof(float*);
  call.scratch = task.scratch + (pointers + 63) / 64 * 64;
  prepared->run(call);
}

Declarations convolution_declarations() {
  const std::vector<WeightInfo> weights = {{"weight", true}, {"bias", false}};
  const std::vector<AttributeInfo> window = {
      {"stride", "pair", 1.0}, {"dilation", "pair", 1.0}, {"groups", "int", 1.0}, {"padding", "ints", 0.0}};
  auto transposed = window;
  transposed.push_back({"output_padding", "pair", 0.0});
  return {
      {{"conv", 1, 1, window, weights, "convolution; weight (oc, ic / groups, kh, kw); zeros around the map"}, conv},
      {{"conv_transpose", 1, 1, transposed, weights, "its transpose; weight (ic, oc / groups, kh, kw)"},
       conv_transpose},
      {{"linear", 1, 1, {}, weights, "every pixel's channels times weight (oc, ic)"}, linear},
  };
}

}  // namespace pellucid
