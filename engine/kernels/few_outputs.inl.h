// Convolution to one to four channels, as at the end of most networks. Vectors over output channels would be nearly
// empty there, so vectors run over input channels and every sum is folded at the end.

namespace few_outputs {

// P * O sums in registers, as kBlockPixels says; with four outputs as many sums as with three.
constexpr int pixels_beside(int outputs) { return outputs < 4 ? kBlockPixels[outputs] : kBlockPixels[3] * 3 / 4; }

template <int P, int O>
void block(const PackedFewOutputs& packed, const Finish& finish, int row, int x) {
  const ConvolutionShape& s = packed.shape;
  const std::ptrdiff_t stride = finish.call.in_stride, pixel = s.stride_x * stride, ic = packed.ic_vectors * kLanes;
  const std::ptrdiff_t left = (std::ptrdiff_t(x) * s.stride_x - s.pad_left) * stride;
  V sums[P][O] = {};
  const float* weight = packed.weight;
  for (int ky = 0; ky < s.kh; ky++) {
    const float* in = finish.call.in[row * s.stride_y + ky * s.dilation_y] + left;
    for (int kx = 0; kx < s.kw; kx++, in += s.dilation_x * stride)
      for (int i = 0; i < ic; i += kLanes, weight += O * kLanes) {
        V w[O];
#pragma GCC unroll 4
        for (int o = 0; o < O; o++) w[o] = load(weight + o * kLanes);
#pragma GCC unroll 32
        for (int p = 0; p < P; p++) {
          const V d = load(in + p * pixel + i);
#pragma GCC unroll 4
          for (int o = 0; o < O; o++) sums[p][o] = fma(d, w[o], sums[p][o]);
        }
      }
  }
  float totals[(P * O + 3) / 4 * 4];  // [pixel][output]
#pragma GCC unroll 8
  for (int i = 0; i < P * O; i += 4) {
    const auto at = [&](int k) { return k < P * O ? sums[k / O][k % O] : zero(); };
    const V4 four = sums_of_lanes(at(i), at(i + 1), at(i + 2), at(i + 3));
    __builtin_memcpy(totals + i, &four, sizeof four);
  }
  const V bias = load(packed.epilogue.bias);
  for (int p = 0; p < P; p++) finish.one(load_first(totals + p * O, O) + bias, row, x + p, 0, 0);
}

template <int O>
void rows(const PackedFewOutputs& packed, const ConvolutionCall& call) {
  const Finish finish{packed.epilogue, call};
  const int x0 = call.x0 < 0 ? 0 : call.x0, x1 = call.x1 < call.width ? call.x1 : call.width;
  for (int row = 0; row < call.rows; row++) {
    if (!call.out[row]) continue;
    constexpr int kPixels = pixels_beside(O);
    int x = x0;
    for (; x + kPixels <= x1; x += kPixels) block<kPixels, O>(packed, finish, row, x);
    for (; x < x1; x++) block<1, O>(packed, finish, row, x);
    finish.pad(row, x0, x1, kLanes);
  }
}

void run(const PackedFewOutputs& packed, const ConvolutionCall& call) {
  switch (packed.shape.oc) {
    case 1:
      return rows<1>(packed, call);
    case 2:
      return rows<2>(packed, call);
    case 3:
      return rows<3>(packed, call);
    default:
      return rows<4>(packed, call);
  }
}

}  // namespace few_outputs
