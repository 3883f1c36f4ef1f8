// The contract between the executor, which says which rectangle of which rows, and the convolution kernels, which
// compute it. A kernel sees row pointers and nothing else: rings, rows of zeros above the picture and whole maps look
// alike. It knows no graph, no plan and no threads, and allocates nothing.
//
// Which pixels a kernel reads: row r from pixel -(pad_left + reach()) up to, but not with, w + pad_right + reach(),
// where w is the input's width and pad_right follows from the output's. So margins are max(pad_left, pad_right) +
// reach() wide. A tap reads no channel but its group's, though up to the next vector boundary within in_stride.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace pellucid {

enum class Activation { none, relu, prelu };  // leaky ReLU is prelu with equal slopes; others are nodes of their own

struct ConvolutionShape {
  int ic, oc, kh, kw;  // ic and oc over all groups
  int stride_y, stride_x, dilation_y, dilation_x, groups;
  int pad_top, pad_left;  // zeros; the executor supplies rows, the margins of a row supply columns
};

// What happens to a sum before it is stored: + bias, activation, + other rows (a residual), rounding, in this order.
// Bias, activation and slopes are given when the kernel is made.
struct Epilogue {
  const float* const* add_rows = nullptr;  // one pointer per output row, at pixel x = 0; null: nothing is added
  int add_stride = 0;
  bool bf16 = false;  // what is stored is rounded to bfloat16, to nearest, ties to even
};

// One rectangle of work: `rows` output rows and the columns [x0, x1).
// Tap (ky, kx) of output (j, x) reads in[j * stride_y + ky * dilation_y] at pixel x * stride_x - pad_left + kx *
// dilation_x. Columns outside the picture lie in the margins of a row and are zero. x0 and rows follow the kernel's
// tile grid and may begin left of the picture or above it: columns outside [0, width) are not stored, and a null out[j]
// is a row that is not stored. Channels from oc up to the output stride are stored as zeros (out_stride >= oc, see
// layout/tensor_layout.h). Kernels that take bfloat16 maps find in_plane or out_plane set for them; pixels right of
// what an output reads are then read too, and must be there, whatever they hold.
struct ConvolutionCall {
  const float* const* in;
  int in_stride;
  float* const* out;
  int out_stride;
  int rows, x0, x1, width;
  Epilogue epilogue;
  void* scratch;                               // of scratch_bytes(), 64-byte aligned, one per thread
  std::ptrdiff_t in_plane = 0, out_plane = 0;  // as those of Rows: 0 for float32
  int share = 0, shares = 1;                   // which of how many equal shares of the output channels
};

class ConvolutionKernel {
 public:
  virtual ~ConvolutionKernel() = default;
  virtual void run(const ConvolutionCall& call) const = 0;
  virtual std::size_t scratch_bytes(int columns) const = 0;  // for rectangles at most this wide, of any height
  virtual int tile() const { return 1; }                     // output rows and columns come in multiples of this
  virtual int columns() const { return 1; }                  // output columns that are computed at a time
  virtual int reach() const { return 0; }                    // pixels read beyond the padding, left and right
  virtual int shares() const { return 1; }                   // most shares of the output channels: their blocks
  virtual bool reads_bf16() const { return false; }          // maps of bfloat16 as well as float32
  virtual bool writes_bf16() const { return false; }
  virtual std::string name() const = 0;  // "winograd4x4-avx512", for plans and records
};

// Weights (oc, ic / groups, kh, kw), bias and slopes of oc values or null. The first kernel of a readable ordered list
// that takes the shape on the instruction set in force; plainest last, so there always is one.
// `which` names a kernel, without its instruction set, instead of choosing; null when it does not take the shape.
// With `bf16` (weights rounded by the caller) inputs may be rounded to bfloat16 too, and Winograd is left out. With
// `split` an input of few channels keeps twice as many bits; it is float32 then.
std::unique_ptr<ConvolutionKernel> make_convolution(const ConvolutionShape& shape, const float* weight,
                                                    const float* bias, Activation activation, const float* slope,
                                                    const std::string& which = "", bool bf16 = false,
                                                    bool split = false);

}  // namespace pellucid
