// Depthwise convolution: every channel has a kernel of its own. Vectors run over channels; a few neighbouring pixels
// share the loads of weights and, in rows of taps that lie side by side, of the input.

namespace depthwise {

constexpr int kPixels = 6;

// K taps of one row: output p meets input p * S + kx.
template <int P, int K, int S>
inline void add_row(V (&sums)[P], const float* in, std::ptrdiff_t pixel, const float* weight, std::ptrdiff_t tap) {
  V x[(P - 1) * S + K];
#pragma GCC unroll 32
  for (int i = 0; i < (P - 1) * S + K; i++) x[i] = load(in + i * pixel);
#pragma GCC unroll 8
  for (int kx = 0; kx < K; kx++) {
    const V w = load(weight + kx * tap);
#pragma GCC unroll 8
    for (int p = 0; p < P; p++) sums[p] = fma(x[p * S + kx], w, sums[p]);
  }
}

// Any taps, `dilation` floats apart, of pixels `pixel` floats apart.
template <int P>
inline void add_row(V (&sums)[P], const float* in, std::ptrdiff_t pixel, std::ptrdiff_t dilation, const float* weight,
                    std::ptrdiff_t tap, int taps) {
  for (int kx = 0; kx < taps; kx++) {
    const V w = load(weight + kx * tap);
#pragma GCC unroll 8
    for (int p = 0; p < P; p++) sums[p] = fma(load(in + p * pixel + kx * dilation), w, sums[p]);
  }
}

template <int P>
void block(const PackedDepthwise& packed, const Finish& finish, int row, int x) {
  const ConvolutionShape& s = packed.shape;
  const std::ptrdiff_t stride = finish.call.in_stride, tap = packed.vectors * kLanes;
  const std::ptrdiff_t left = (std::ptrdiff_t(x) * s.stride_x - s.pad_left) * stride;
  for (int channel = 0; channel < tap; channel += kLanes) {
    V sums[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; p++) sums[p] = load(packed.epilogue.bias + channel);
    const float* weight = packed.weight + channel;
    for (int ky = 0; ky < s.kh; ky++, weight += s.kw * tap) {
      const float* in = finish.call.in[row * s.stride_y + ky * s.dilation_y] + left + channel;
      if (s.kw == 3 && s.dilation_x == 1 && s.stride_x == 1)
        add_row<P, 3, 1>(sums, in, stride, weight, tap);
      else if (s.kw == 3 && s.dilation_x == 1 && s.stride_x == 2)
        add_row<P, 3, 2>(sums, in, stride, weight, tap);
      else if (s.kw == 5 && s.dilation_x == 1 && s.stride_x == 1)
        add_row<P, 5, 1>(sums, in, stride, weight, tap);
      else
        add_row<P>(sums, in, s.stride_x * stride, s.dilation_x * stride, weight, tap, s.kw);
    }
    finish.template block<P, 1>(reinterpret_cast<V(&)[P][1]>(sums), row, x, channel, channel);
  }
}

void run(const PackedDepthwise& packed, const ConvolutionCall& call) {
  const Finish finish{packed.epilogue, call};
  const int x0 = call.x0 < 0 ? 0 : call.x0, x1 = call.x1 < call.width ? call.x1 : call.width;
  for (int row = 0; row < call.rows; row++) {
    if (!call.out[row]) continue;
    int x = x0;
    for (; x + kPixels <= x1; x += kPixels) block<kPixels>(packed, finish, row, x);
    for (; x < x1; x++) block<1>(packed, finish, row, x);
    finish.pad(row, x0, x1, packed.vectors * kLanes);
  }
}

}  // namespace depthwise
