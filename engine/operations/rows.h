// The inner loops of all operations that are not convolutions, over runs of floats: n is a multiple of 4, and pixels
// are `stride` floats apart. One table of functions per instruction set, all from rows.inl.h; they know no graph.
// Every loop treats its last floats by the instructions of its main part, so that bits do not depend on where a strip
// begins or ends.
#pragma once

#include <cstddef>

namespace pellucid {

enum class Unary {
  relu,
  leaky_relu,
  sigmoid,
  tanh,
  selu,
  sine,
  gelu,
  gelu_tanh,
  hardswish,
  clip,
  softsign,
  step,
  softplus,
  silu,
  exp
};
enum class Binary { add, subtract, multiply, maximum };

struct RowFunctions {
  void (*unary)(Unary kind, float* out, const float* in, std::size_t n, float p, float q);
  void (*binary)(Binary kind, float* out, const float* a, const float* b, std::size_t n);
  // One vector of `stride` floats against every pixel; `swapped` computes vector (op) pixel.
  void (*binary_vector)(Binary kind, bool swapped, float* out, const float* a, const float* v, std::size_t pixels,
                        int stride);
  void (*affine)(float* out, const float* in, const float* scale, const float* offset, std::size_t pixels, int stride);
  void (*prelu)(float* out, const float* in, const float* slope, std::size_t pixels, int stride);
  void (*scale)(float* out, const float* in, float factor, std::size_t n);
  void (*add_scaled)(float* out, const float* in, float factor, std::size_t n);  // out += factor in
  // Between the caller's pixels of c floats and ours. What goes to the caller is looked at on its way: false when it
  // met a NaN or an infinity.
  void (*unpack)(float* out, const float* in, std::size_t pixels, int c, int stride);
  bool (*pack)(float* out, const float* in, std::size_t pixels, int c, int stride);
  bool (*finite)(const float* in, std::size_t n);
  // The first c floats of each pixel, zeros behind them up to `width`; pixels are `step` and `stride` floats apart.
  void (*place)(float* out, const float* in, std::size_t pixels, int c, int step, int width, int stride);
  void (*round_to_bf16)(float* data, std::size_t n);
  // out pixel i = sum over t of weight[i taps + t] times the pixel at in + offset[i taps + t].
  void (*gather)(float* out, const float* in, const int* offset, const float* weight, int taps, std::size_t pixels,
                 int stride);
  // out pixel i = the first[i]-th float of `in` on, taps[i] pixels `step` floats apart, put together.
  void (*gather_all)(Binary kind, float* out, const float* in, const int* first, const int* taps, int step,
                     std::size_t pixels, int stride);
  // (x - mean) / sqrt(variance + eps) weight + bias over the c channels of each pixel; mask is 1 there and 0 behind.
  void (*normalise_pixels)(float* out, const float* in, const float* weight, const float* bias, const float* mask,
                           int c, float eps, std::size_t pixels, int stride);
  // The `count` floats at in + index[0], in + index[1] ... of each pixel, one pixel after the other; else as pack.
  bool (*pick)(float* out, const float* in, const int* index, int count, std::size_t pixels, int step);
};

// For the instruction set in force.
const RowFunctions& row_functions();

}  // namespace pellucid
