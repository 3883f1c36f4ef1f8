// The gradient of weights is a sum of outer products over pixels: input channels times output channels. For 3x3 kernels
// of stride 1 the sum is taken in Winograd's space, over tiles of 4x4 gradients and 6x6 inputs, a quarter of the work:
//   G^T [ (B^T d B) * (A dY A^T) ] G     with the matrices of winograd.inl.h, transposed
// A block of P input channels by N vectors of output channels stays in registers while all pixels or tiles pass by.

namespace training_functions {

using training::OuterProducts, training::TileRow;

using winograd::kSide, winograd::kA, winograd::kB;
constexpr int kOutputs = 4;

// Four gradients to six frequencies: the transpose of winograd::from_frequencies.
inline __attribute__((always_inline)) void spread(const V (&y)[kOutputs], V (&f)[kSide]) {
  const V even_a = y[0] + 0.5f * y[2], odd_a = kA * (y[1] + 0.5f * y[3]);
  const V even_b = y[0] + 2.0f * y[2], odd_b = kB * (y[1] + 2.0f * y[3]);
  f[0] = y[0];
  f[1] = even_a + odd_a;
  f[2] = even_a - odd_a;
  f[3] = even_b + odd_b;
  f[4] = even_b - odd_b;
  f[5] = y[3];
}

inline __attribute__((always_inline)) void to_space(const V (&d)[kSide], V (&f)[kSide]) {
  winograd::to_frequencies(d, f);
}
inline __attribute__((always_inline)) void to_space(const V (&d)[kOutputs], V (&f)[kSide]) { spread(d, f); }

// S x S pixels, kLanes channels of each, to 36 frequencies.
template <int S>
inline void transform(const float* const* rows, std::ptrdiff_t offset, int stride, float* to,
                      std::ptrdiff_t frequency) {
  V half[kSide][S];  // [frequency in y][x]
#pragma GCC unroll winograd::kUnrolled
  for (int j = 0; j < S; j++) {
    V d[S], f[kSide];
#pragma GCC unroll 6
    for (int i = 0; i < S; i++) d[i] = load(rows[i] + offset + j * stride);
    to_space(d, f);
#pragma GCC unroll 6
    for (int i = 0; i < kSide; i++) half[i][j] = f[i];
  }
#pragma GCC unroll winograd::kUnrolled
  for (int i = 0; i < kSide; i++) {
    V f[kSide];
    to_space(half[i], f);
#pragma GCC unroll 6
    for (int j = 0; j < kSide; j++) store(to + (i * kSide + j) * frequency, f[j]);
  }
}

template <int S>
void tile_row(const TileRow& row) {
  for (int t = 0; t < row.tiles; t++)
    for (int c = 0; c < row.stride; c += kLanes)
      transform<S>(row.rows, std::ptrdiff_t(t) * kOutputs * row.stride + c, row.stride,
                   row.to + std::ptrdiff_t(t) * row.stride + c, row.frequency);
}

template <int P, int N>
void block(const OuterProducts& call, int i, int o) {
  float* sums = call.sums + i * call.sums_step + o;
  const float *u = call.u + i, *v = call.v + o;
  V s[P][N];
#pragma GCC unroll 32
  for (int p = 0; p < P; p++)
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) s[p][n] = load(sums + p * call.sums_step + n * kLanes);
  for (int t = 0; t < call.count; t++, u += call.u_step, v += call.v_step) {
    V w[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) w[n] = load(v + n * kLanes);
#pragma GCC unroll 32
    for (int p = 0; p < P; p++) {
      const V x = broadcast(u[p]);
#pragma GCC unroll 8
      for (int n = 0; n < N; n++) s[p][n] = fma(x, w[n], s[p][n]);
    }
  }
#pragma GCC unroll 32
  for (int p = 0; p < P; p++)
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) store(sums + p * call.sums_step + n * kLanes, s[p][n]);
}

using Block = void (*)(const OuterProducts&, int, int);

template <int N, int... P>
constexpr Block block_of(int channels, std::integer_sequence<int, P...>) {
  constexpr Block all[] = {block<P + 1, N>...};
  return all[channels - 1];
}

template <int N>
void blocks(const OuterProducts& call, int o) {
  constexpr int most = kBlockPixels[N];
  int left = (call.ic + most - 1) / most;
  for (int i = 0; i < call.ic; left--) {
    const int channels = (call.ic - i + left - 1) / left;  // equal shares
    block_of<N>(channels, std::make_integer_sequence<int, most>())(call, i, o);
    i += channels;
  }
}

void outer_products(const OuterProducts& call) {
  const int vectors = (call.oc + kLanes - 1) / kLanes;
  for (int v = 0, n; v < vectors; v += n) {
    n = split_vectors(vectors - v, kMostVectors);
    if (n == 1) blocks<1>(call, v * kLanes);
    if (n == 2) blocks<2>(call, v * kLanes);
    if constexpr (kMostVectors >= 3)
      if (n == 3) blocks<3>(call, v * kLanes);
  }
}

}  // namespace training_functions
