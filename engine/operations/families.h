// The declarations, family by family; table.cpp puts them into the one table. Also the classes that graph passes must
// recognise: fusion asks an activation what it is, a convolution to take it in, and a shuffle in which order it would
// like its channels.
#pragma once

#include "kernels/convolution.h"
#include "operations/operation.h"
#include "operations/rows.h"

namespace pellucid {

using Declarations = std::vector<Declaration>;
Declarations convolution_declarations();    // conv, conv_transpose, linear
Declarations activation_declarations();     // relu ... exp
Declarations arithmetic_declarations();     // add, subtract, multiply, affine, batch_norm
Declarations channel_declarations();        // concat, slice_channels, softmax, pooling over channels ...
Declarations arrangement_declarations();    // pixel shuffles, pad, crop, flatten
Declarations pooling_declarations();        // windows, adaptive, global, with positions
Declarations normalisation_declarations();  // layer, instance, group, local response
Declarations resize_declarations();         // nearest, bilinear, bicubic
Declarations kernel_declarations();         // apply_kernels

// Refuses inputs whose channel counts are known and wrong.
void expect_channels(const Shape& in, long wanted, const char* operation);

// Pixel by pixel: a function of one number, with the parameters p and q.
class UnaryPrimitive : public Primitive {
 public:
  UnaryPrimitive(Unary kind, float p = 0, float q = 0) : kind(kind), p(p), q(q) {}
  Shape shape(const std::vector<Shape>& in) const override { return in[0]; }
  void run(const Task& task) const override;
  const Unary kind;
  const float p, q;
};

class PreluPrimitive : public Primitive {
 public:
  explicit PreluPrimitive(std::shared_ptr<const Tensor> slope);
  Shape shape(const std::vector<Shape>& in) const override;
  void run(const Task& task) const override;
  std::vector<float> slopes(int c) const;  // one value is spread over all channels
  const std::shared_ptr<const Tensor> slope;

 private:
  std::vector<float> padded;  // channel_stride(c) values
};

class BinaryPrimitive : public Primitive {
 public:
  explicit BinaryPrimitive(Binary kind) : kind(kind) {}
  Shape shape(const std::vector<Shape>& in) const override;
  void run(const Task& task) const override;
  std::size_t scratch_bytes(const std::vector<Shape>& in, long rows, long columns) const override;
  const Binary kind;

 private:
  void spread_vector(const Task& task, const Rows& map, const Rows& vector) const;
};

// Channel (o f.y + ky) f.x + kx of pixel (y, x) becomes channel o of pixel (y f.y + ky, x f.x + kx); `cut` is then cut
// off. In order: the channels come as they are to lie in memory, [ky][kx][o], so that a pixel's part of an output row
// is moved in one piece.
class PixelShuffle : public Primitive {
 public:
  PixelShuffle(Pair factor, Sides cut, bool in_order = false) : f(factor), cut(cut), in_order(in_order) {}
  Shape shape(const std::vector<Shape>& in) const override;
  Reads reads(int input, Axis axis, long n_in, long n_out) const override;
  std::size_t scratch_bytes(const std::vector<Shape>& in, long rows, long columns) const override;
  bool plain_output() const override { return true; }
  void run(const Task& task) const override { run_to_caller(task); }
  bool run_to_caller(const Task& task) const override;
  std::vector<int> order(int channels) const;  // which channel comes where when they come in order
  const Pair f;
  const Sides cut;
  const bool in_order;

 private:
  bool row(const Task& task, long y, long x0, long x1) const;
};

// A convolution with what was fused into it. The kernel is made once, when fusion is over.
class ConvolutionPrimitive : public Primitive {
 public:
  struct Description {
    ConvolutionShape shape{};
    int pad_bottom = 0, pad_right = 0;
    std::shared_ptr<const Tensor> weight, bias;  // (oc, ic / groups, kh, kw), (oc)
    Activation activation = Activation::none;
    std::vector<float> slope;  // oc values
    bool residual = false;     // a second input is added after the activation
    Precision precision = Precision::fp32;
    bool rounded = false;  // bf16: what is stored is read by convolutions only
    bool split = false;    // bf16: what is read is a picture or a sum of maps, and deserves its bits
  };
  explicit ConvolutionPrimitive(Description description);
  Shape shape(const std::vector<Shape>& in) const override;
  void run(const Task& task) const override;
  Reads reads(int input, Axis axis, long n_in, long n_out) const override;
  std::string kernel() const override { return prepared->name(); }
  int tile() const override { return prepared->tile(); }
  int shares() const override { return prepared->shares(); }
  int columns() const override { return prepared->columns(); }
  int margin() const override;
  std::size_t scratch_bytes(const std::vector<Shape>& in, long rows, long columns) const override;
  double multiply_adds(const std::vector<Shape>& in) const override;
  std::size_t weight_bytes() const override;
  bool bf16_output() const override { return narrow; }
  void prepare();  // makes the kernel
  bool reads_bf16() const { return prepared->reads_bf16(); }
  bool writes_bf16() const { return prepared->writes_bf16(); }
  void store_bf16() { narrow = true; }
  const Description description;

 private:
  std::unique_ptr<ConvolutionKernel> prepared;
  bool narrow = false;
};

}  // namespace pellucid
