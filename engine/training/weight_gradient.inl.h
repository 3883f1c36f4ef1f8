// The gradient of weights is a sum of outer products over pixels: input channels times output channels. For 3x3 kernels
// of stride 1 the sum is taken in Winograd's space, over tiles of 4x4 gradients and 6x6 inputs, a quarter of the work:
//   G^T [ (B^T d B) * (A dY A^T) ] G     with the matrices of winograd.inl.h, transposed
// A block of P input channels by N vectors of output channels stays in registers while all pixels or tiles pass by.

namespace training_functions {

using training::OuterProducts, training::TileRow;

using winograd::kSide, winograd::kA, winograd::kB, winograd::kPairs, winograd::kFrequencyOf;
constexpr int kOutputs = 4;

// Four gradients to two of six frequencies: the transpose of winograd::from_frequencies.
inline __attribute__((always_inline)) void pair_of(int pair, const V (&y)[kOutputs], V& f, V& g) {
  if (pair == 2) {
    f = y[0];
    g = y[3];
  } else {
    const float near = pair == 0 ? 0.5f : 2.0f, point = pair == 0 ? kA : kB;
    const V even = y[0] + near * y[2], odd = point * (y[1] + near * y[3]);
    f = even + odd;
    g = even - odd;
  }
}
inline __attribute__((always_inline)) void pair_of(int pair, const V (&d)[kSide], V& f, V& g) {
  winograd::pair_of_frequencies(pair, d, f, g);
}

// S x S pixels, kLanes channels of each, to the twelve frequencies of one pair in y.
template <int S, int Pair, bool kSums>
inline __attribute__((always_inline)) void transform(const TileRow& row, std::ptrdiff_t from, float* to, int channel) {
  V half[2][S], sum = zero();  // [frequency in y][x]
#pragma GCC unroll winograd::kUnrolled
  for (int j = 0; j < S; j++) {
    V d[S];
#pragma GCC unroll 6
    for (int i = 0; i < S; i++) d[i] = load(row.rows[i] + from + j * row.stride);
    pair_of(Pair, d, half[0][j], half[1][j]);
    if constexpr (kSums) sum += (d[0] + d[1]) + (d[2] + d[3]);
  }
  if constexpr (kSums) store(row.sums + channel, load(row.sums + channel) + sum);
#pragma GCC unroll winograd::kUnrolled
  for (int i = 0; i < 2; i++)
#pragma GCC unroll 3
    for (int p = 0; p < kPairs; p++) {
      V f, g;
      pair_of(p, half[i], f, g);
      store(to + (i * kSide + kFrequencyOf[p][0]) * row.frequency, f);
      store(to + (i * kSide + kFrequencyOf[p][1]) * row.frequency, g);
    }
}

template <int S, int Pair, bool kSums>
void tiles_of_pair(const TileRow& row) {
  for (int t = 0; t < row.tiles; t++)
    for (int c = 0; c < row.channels; c += kLanes)
      transform<S, Pair, kSums>(row, std::ptrdiff_t(t) * kOutputs * row.stride + c,
                                row.to + std::ptrdiff_t(t) * row.channels + c, c);
}

template <int S>
void tile_row(const TileRow& row) {
  if constexpr (S == kOutputs)
    if (row.sums) return tiles_of_pair<S, 0, true>(row);
  if (row.pair == 0) return tiles_of_pair<S, 0, false>(row);
  row.pair == 1 ? tiles_of_pair<S, 1, false>(row) : tiles_of_pair<S, 2, false>(row);
}

template <int P, int N>
void block(const OuterProducts& call, int i, int o) {
  float* sums = call.sums + i * call.sums_step + o;
  const float *u = call.u + i, *v = call.v + o;
  V s[P][N];
#pragma GCC unroll 32
  for (int p = 0; p < P; p++)
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) s[p][n] = call.first ? zero() : load(sums + p * call.sums_step + n * kLanes);
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

// With many registers four vectors of outputs at a time: the inputs pass once for 64 channels, and a third of the loads
// is saved. 9 % less time than two vectors at a time.
constexpr int kWide = kRegisters >= 32 ? 4 : 0;

using Block = void (*)(const OuterProducts&, int, int);

template <int N, int... P>
constexpr Block block_of(int channels, std::integer_sequence<int, P...>) {
  constexpr Block all[] = {block<P + 1, N>...};
  return all[channels - 1];
}

template <int N>
void blocks(const OuterProducts& call, int o) {
  constexpr int most = N == kWide ? 6 : kBlockPixels[N];
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
    n = kWide && vectors - v >= kWide ? kWide : split_vectors(vectors - v, kMostVectors);
    if constexpr (kWide > 0)
      if (n == kWide) blocks<kWide>(call, v * kLanes);
    if (n == 1) blocks<1>(call, v * kLanes);
    if (n == 2) blocks<2>(call, v * kLanes);
    if constexpr (kMostVectors >= 3)
      if (n == 3) blocks<3>(call, v * kLanes);
  }
}

}  // namespace training_functions
