// Convolution as its definition says, for any kernel, stride, dilation and groups. Vectors run over output channels; a
// block of P pixels by N vectors of sums stays in registers while all taps and input channels pass by. Every sum is
// taken in the same order whatever block it falls into: bias, then ky, kx, ic.
//
// kBlockPixels[N] is how many pixels fit the registers beside N vectors of weights.

namespace direct {

struct Work {
  const PackedDirect& packed;
  const ConvolutionCall& call;
  Finish finish;
};

// Pixels [x, x + P) of one row, the N vectors of channels whose packed place is `index`.
template <int P, int N>
void block(const Work& work, int row, int x, int group, int index, int channel, const float* weight) {
  const ConvolutionShape& s = work.packed.shape;
  const int ic = s.ic / s.groups, stride = work.call.in_stride;
  const std::ptrdiff_t first = (std::ptrdiff_t(x) * s.stride_x - s.pad_left) * stride + std::ptrdiff_t(group) * ic;
  V sums[P][N];
#pragma GCC unroll 32
  for (int p = 0; p < P; p++)
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) sums[p][n] = load(work.packed.epilogue.bias + index + n * kLanes);
  for (int ky = 0; ky < s.kh; ky++) {
    const float* in = work.call.in[row * s.stride_y + ky * s.dilation_y] + first;
    for (int kx = 0; kx < s.kw; kx++, in += std::ptrdiff_t(s.dilation_x) * stride, weight += N * kLanes * ic)
      multiply<P, N>(sums, in, std::ptrdiff_t(s.stride_x) * stride, weight, ic);
  }
  work.finish.template block<P, N>(sums, row, x, index, channel);
}

using Block = void (*)(const Work&, int, int, int, int, int, const float*);

template <int N, int... P>
inline Block block_of(int pixels, std::integer_sequence<int, P...>) {
  static constexpr Block all[] = {block<P + 1, N>...};
  return all[pixels - 1];
}

template <int N>
void row_of_blocks(const Work& work, int row, int x0, int x1, int group, int index, int channel, const float* weight) {
  constexpr int most = kBlockPixels[N];
  int blocks = (x1 - x0 + most - 1) / most;
  for (int x = x0; x < x1; blocks--) {
    const int pixels = (x1 - x + blocks - 1) / blocks;  // equal shares
    block_of<N>(pixels, std::make_integer_sequence<int, most>())(work, row, x, group, index, channel, weight);
    x += pixels;
  }
}

void run(const PackedDirect& packed, const ConvolutionCall& call) {
  const Work work{packed, call, {packed.epilogue, call}};
  const ConvolutionShape& s = packed.shape;
  const int x0 = call.x0 < 0 ? 0 : call.x0, x1 = call.x1 < call.width ? call.x1 : call.width;
  const int taps = s.kh * s.kw * (s.ic / s.groups);
  const float* weight = packed.weight;
  const BlocksOfShare share(s.groups * blocks_of(packed.group_vectors, kMostVectors), call);
  int block = 0;
  for (int g = 0; g < s.groups; g++)
    for (int v = 0, n; v < packed.group_vectors; v += n) {
      n = split_vectors(packed.group_vectors - v, kMostVectors);
      const int index = (g * packed.group_vectors + v) * kLanes, channel = g * (s.oc / s.groups) + v * kLanes;
      for (int row = 0; row < call.rows && share.has(block); row++) {
        if (!call.out[row]) continue;
        if (n == 1) row_of_blocks<1>(work, row, x0, x1, g, index, channel, weight);
        if (n == 2) row_of_blocks<2>(work, row, x0, x1, g, index, channel, weight);
        if constexpr (kMostVectors >= 3)
          if (n == 3) row_of_blocks<3>(work, row, x0, x1, g, index, channel, weight);
      }
      weight += std::ptrdiff_t(taps) * n * kLanes, block++;
    }
  const int end = (s.groups - 1) * (s.oc / s.groups) + packed.group_vectors * kLanes;
  for (int row = 0; row < call.rows && share.has(block - 1) && end < call.out_stride; row++)
    if (call.out[row]) work.finish.pad(row, x0, x1, end);
}

}  // namespace direct
