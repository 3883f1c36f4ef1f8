// Winograd's convolution for stride 1: F(M x M, R x R) with M + R = 7, so 3x3 kernels give tiles of 4x4 outputs and 5x5
// kernels tiles of 2x2, both from 6x6 inputs with 36 multiplications (instead of 144 and 100). The points are 0, +-a,
// +-b and infinity with a = 1/sqrt 2 and b = sqrt 2: a quarter of the error of the customary 1 and 2, for two more
// multiplications in a transform of twelve.
//
// A pass takes some tiles: their inputs are transformed into `u`, then for each block of output channels 36 small
// products [tiles, ic] * [ic, block] go to `m` and from there through the inverse transform to the picture. `u` and `m`
// stay in the second cache, and the weights pass once per call and pass.

namespace winograd {

using pellucid::winograd::kA, pellucid::winograd::kB;
using pellucid::winograd::kSide, pellucid::winograd::kFrequencies;
constexpr int kUnrolled = kRegisters >= 32 ? kSide : 1;  // 36 values in 16 registers: plain loops are 8 % faster there

// Six values to six frequencies: B^T d.
inline __attribute__((always_inline)) void to_frequencies(const V (&d)[kSide], V (&u)[kSide]) {
  const V even_a = d[4] - 2.0f * d[2], odd_a = d[3] - 2.0f * d[1];
  const V even_b = d[4] - 0.5f * d[2], odd_b = d[3] - 0.5f * d[1];
  u[0] = (d[0] + d[4]) - 2.5f * d[2];
  u[1] = even_a + kA * odd_a;
  u[2] = even_a - kA * odd_a;
  u[3] = even_b + kB * odd_b;
  u[4] = even_b - kB * odd_b;
  u[5] = (d[1] + d[5]) - 2.5f * d[3];
}

// Six frequencies to M values: A^T m.
template <int M>
inline __attribute__((always_inline)) void from_frequencies(const V (&m)[kSide], V (&y)[M]) {
  const V even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
  y[0] = (m[0] + even_a) + even_b;
  if constexpr (M == 2) {
    y[1] = m[5] + kA * odd_a + kB * odd_b;
  } else {
    y[1] = kA * (odd_a + 2.0f * odd_b);
    y[2] = 0.5f * (even_a + 4.0f * even_b);
    y[3] = m[5] + (0.5f * kA) * (odd_a + 8.0f * odd_b);
  }
}

template <int M>
struct Pass {
  const PackedWinograd& packed;
  const ConvolutionCall& call;
  const Finish finish;
  float *u, *m;      // [frequency][tile][channel], [frequency][tile][channel of a block]
  int first, tiles;  // of the call's tiles, counted row by row

  int u_stride() const { return frequency_stride(packed.tiles * packed.ic_vectors * kLanes); }
  int m_stride(int vectors) const { return frequency_stride(packed.tiles * vectors * kLanes); }
  int across() const { return (call.x1 - call.x0) / M; }
  int tile_row(int t) const { return (first + t) / across() * M; }
  int tile_x(int t) const { return call.x0 + (first + t) % across() * M; }

  void transform_input() const;
  void transform_tile(const float* const* in, int left, float* to) const;
  template <int N>
  void output_block(int v, const float* weight) const;
  template <int N>
  void transform_output(int t, int v) const;
};

template <int M>
void Pass<M>::transform_input() const {
  for (int t = 0; t < tiles; t++) {
    const std::ptrdiff_t left = std::ptrdiff_t(tile_x(t) - packed.shape.pad_left) * call.in_stride;
    const float* in[kSide];
    for (int i = 0; i < kSide; i++) in[i] = call.in[tile_row(t) + i] + left;
    float* to = u + std::ptrdiff_t(t) * packed.ic_vectors * kLanes;
    for (int v = 0; v < packed.ic_vectors; v++) transform_tile(in, v * kLanes, to + v * kLanes);
  }
}

template <int M>
inline void Pass<M>::transform_tile(const float* const* in, int channel, float* to) const {
  const int stride = call.in_stride, step = u_stride();
  V half[kSide][kSide];  // [column][frequency in y]
#pragma GCC unroll kUnrolled
  for (int j = 0; j < kSide; j++) {
    V d[kSide];
#pragma GCC unroll 6
    for (int i = 0; i < kSide; i++) d[i] = load(in[i] + j * stride + channel);
    to_frequencies(d, half[j]);
  }
#pragma GCC unroll kUnrolled
  for (int i = 0; i < kSide; i++) {
    V d[kSide], f[kSide];
#pragma GCC unroll 6
    for (int j = 0; j < kSide; j++) d[j] = half[j][i];
    to_frequencies(d, f);
#pragma GCC unroll 6
    for (int j = 0; j < kSide; j++) store(to + (i * kSide + j) * step, f[j]);
  }
}

// P tiles of one frequency times N vectors of output channels.
template <int P, int N>
void product(const float* u, std::ptrdiff_t tile, const float* weight, int ic, float* m) {
  V sums[P][N] = {};
  multiply<P, N>(sums, u, tile, weight, ic);
#pragma GCC unroll 32
  for (int p = 0; p < P; p++)
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) store(m + (p * N + n) * kLanes, sums[p][n]);
}

using Product = void (*)(const float*, std::ptrdiff_t, const float*, int, float*);

template <int N, int... P>
constexpr Product product_of(int tiles, std::integer_sequence<int, P...>) {
  constexpr Product all[] = {product<P + 1, N>...};
  return all[tiles - 1];
}

template <int M>
template <int N>
void Pass<M>::output_block(int v, const float* weight) const {
  constexpr int most = kBlockPixels[N];
  const std::ptrdiff_t tile = packed.ic_vectors * kLanes;
  for (int f = 0; f < kFrequencies; f++, weight += std::ptrdiff_t(packed.shape.ic) * N * kLanes) {
    const float* from = u + std::ptrdiff_t(f) * u_stride();
    float* to = m + std::ptrdiff_t(f) * m_stride(N);
    int blocks = (tiles + most - 1) / most;
    for (int t = 0; t < tiles; blocks--) {
      const int n = (tiles - t + blocks - 1) / blocks;  // equal shares
      product_of<N>(n, std::make_integer_sequence<int, most>())(from + t * tile, tile, weight, packed.shape.ic,
                                                                to + t * N * kLanes);
      t += n;
    }
  }
  for (int t = 0; t < tiles; t++) transform_output<N>(t, v);
}

template <int M>
template <int N>
void Pass<M>::transform_output(int t, int v) const {
  const int step = m_stride(N), row = tile_row(t), x = tile_x(t);
  for (int n = 0; n < N; n++) {
    const float* from = m + (t * N + n) * kLanes;
    const int index = (v + n) * kLanes;
    V half[kSide][M];  // [column][y]
#pragma GCC unroll kUnrolled
    for (int j = 0; j < kSide; j++) {
      V f[kSide];
#pragma GCC unroll 6
      for (int i = 0; i < kSide; i++) f[i] = load(from + (i * kSide + j) * step);
      from_frequencies<M>(f, half[j]);
    }
    const V bias = load(packed.epilogue.bias + index);
#pragma GCC unroll kUnrolled
    for (int i = 0; i < M; i++) {
      V f[kSide], y[M];
#pragma GCC unroll 6
      for (int j = 0; j < kSide; j++) f[j] = half[j][i];
      from_frequencies<M>(f, y);
      if (!call.out[row + i]) continue;
#pragma GCC unroll 4
      for (int j = 0; j < M; j++) y[j] += bias;
      if (x >= 0 && x + M <= call.width) {
        finish.template block<M, 1>(reinterpret_cast<V(&)[M][1]>(y), row + i, x, index, index);
      } else {
        for (int j = 0; j < M; j++)
          if (x + j >= 0 && x + j < call.width) finish.one(y[j], row + i, x + j, index, index);
      }
    }
  }
}

template <int M>
void run(const PackedWinograd& packed, const ConvolutionCall& call) {
  const Finish finish{packed.epilogue, call};
  float* scratch = static_cast<float*>(call.scratch);
  Pass<M> pass{packed, call, finish, scratch, nullptr, 0, 0};
  pass.m = scratch + std::ptrdiff_t(kFrequencies) * pass.u_stride();
  const int all = call.rows / M * pass.across();
  int passes = (all + packed.tiles - 1) / packed.tiles;
  for (int done = 0; done < all; done += pass.tiles, passes--) {
    pass.first = done;
    pass.tiles = (all - done + passes - 1) / passes;  // equal shares
    pass.transform_input();
    const float* weight = packed.weight;
    for (int v = 0, n; v < packed.oc_vectors; v += n) {
      n = split_vectors(packed.oc_vectors - v, kMostVectors);
      if (n == 1) pass.template output_block<1>(v, weight);
      if (n == 2) pass.template output_block<2>(v, weight);
      if constexpr (kMostVectors >= 3)
        if (n == 3) pass.template output_block<3>(v, weight);
      weight += std::ptrdiff_t(kFrequencies) * packed.shape.ic * n * kLanes;
    }
  }
  const int x0 = call.x0 < 0 ? 0 : call.x0, x1 = call.x1 < call.width ? call.x1 : call.width;
  for (int row = 0; row < call.rows && packed.oc_vectors * kLanes < call.out_stride; row++)
    if (call.out[row]) finish.pad(row, x0, x1, packed.oc_vectors * kLanes);
}

}  // namespace winograd
