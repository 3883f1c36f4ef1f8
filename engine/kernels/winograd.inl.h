// Winograd's convolution for stride 1: F(M x M, R x R) with M + R = 7, so 3x3 kernels give tiles of 4x4 outputs and 5x5
// kernels tiles of 2x2, both from 6x6 inputs with 36 multiplications (instead of 144 and 100). The points are 0, +-a,
// +-b and infinity with a = 1/sqrt 2 and b = sqrt 2: a quarter of the error of the customary 1 and 2, for two more
// multiplications in a transform of twelve.
//
// A pass takes some tiles: their inputs are transformed into `u`, then for each block of output channels 36 small
// products [tiles, ic] * [ic, block] go to `m` and from there through the inverse transform to the picture. `u` and `m`
// stay in the near caches, and the weights pass once per call and pass. In both a tile's frequencies lie side by side:
// transforms address them by constants, 5 to 8 % faster than frequency after frequency with all tiles in each.

namespace winograd {

using pellucid::winograd::kA, pellucid::winograd::kB;
using pellucid::winograd::kChannels, pellucid::winograd::lines_of_channels;
using pellucid::winograd::kMostTiles, pellucid::winograd::kPairs, pellucid::winograd::kFrequencyOf;
using pellucid::winograd::kSide, pellucid::winograd::kFrequencies;
constexpr std::ptrdiff_t kTile = kFrequencies * kChannels, kSums = kFrequencies * kLanes;  // a tile in u, in m
constexpr int kUnrolled = kRegisters >= 32 ? kSide : 1;  // 36 values in 16 registers: plain loops are 8 % faster there

// Two of the six frequencies of B^T d: 1 and 2 (pair 0), 3 and 4 (1), 0 and 5 (2). The odd half is multiplied first,
// so that a sum and a difference are left: processors add beside their multipliers.
inline __attribute__((always_inline)) void pair_of_frequencies(int pair, const V (&d)[kSide], V& u, V& v) {
  if (pair == 2) {
    u = (d[0] + d[4]) - 2.5f * d[2];
    v = (d[1] + d[5]) - 2.5f * d[3];
  } else {
    const V even = pair == 0 ? d[4] - 2.0f * d[2] : d[4] - 0.5f * d[2];
    const V odd = pair == 0 ? kA * d[3] - kB * d[1] : kB * d[3] - kA * d[1];
    u = even + odd;
    v = even - odd;
  }
}

inline __attribute__((always_inline)) void to_frequencies(const V (&d)[kSide], V (&u)[kSide]) {
#pragma GCC unroll 3
  for (int p = 0; p < kPairs; p++) pair_of_frequencies(p, d, u[kFrequencyOf[p][0]], u[kFrequencyOf[p][1]]);
}

// The even or the odd ones of the M values of A^T m, each still to be multiplied by kScale of its index.
constexpr float kScale[] = {1.0f, kA, 0.5f, 0.5f * kA};
template <int M, int Odd>
inline __attribute__((always_inline)) void half_of_values(const V (&m)[kSide], V (&y)[M / 2]) {
  if constexpr (Odd) {
    const V a = m[1] - m[2], b = m[3] - m[4];
    if constexpr (M == 2) {
      y[0] = (a + 2.0f * b) + kB * m[5];
    } else {
      y[0] = a + 2.0f * b;
      y[1] = (a + 8.0f * b) + (2 * kB) * m[5];
    }
  } else {
    const V a = m[1] + m[2], b = m[3] + m[4];
    y[0] = (m[0] + a) + b;
    if constexpr (M == 4) y[1] = a + 4.0f * b;
  }
}

struct Place {
  int row, x;
  void advance(const ConvolutionCall& call, int by) {
    x += by;
    if (x == call.x1) x = call.x0, row += by;
  }
};

template <int M>
struct Pass {
  const PackedWinograd& packed;
  const ConvolutionCall& call;
  const Finish finish;
  float *u, *m;      // [line of channels][tile][frequency][channel], [tile][frequency][channel of a block]
  int first, tiles;  // of the call's tiles, counted row by row

  std::ptrdiff_t line() const { return packed.tiles * kTile; }  // of u
  int across() const { return (call.x1 - call.x0) / M; }
  Place place_of_first() const { return {first / across() * M, call.x0 + first % across() * M}; }

  void transform_input() const;
  void transform_tile(const float* const* in, int channel, float* to) const;
  template <int First, int Last>
  void rows_of_frequencies(const float* const* in, int channel, float* to) const;
  template <int N>
  void output_block(int v, const float* weight) const;
  template <int N>
  void transform_output(int t, int v, Place place) const;
  template <int N, int Odd>
  void every_other_row(const float* from, int row, int x, int index) const;
};

template <int M>
void Pass<M>::transform_input() const {
  Place place = place_of_first();
  for (int t = 0; t < tiles; t++, place.advance(call, M)) {
    const std::ptrdiff_t left = std::ptrdiff_t(place.x - packed.shape.pad_left) * call.in_stride;
    const float* in[kSide];
    for (int i = 0; i < kSide; i++) in[i] = call.in[place.row + i] + left;
    for (int c = 0; c < packed.ic_vectors * kLanes; c += kLanes)
      transform_tile(in, c, u + c / kChannels * line() + t * kTile + c % kChannels);
  }
}

// With many registers two rows of frequencies at a time, so that what lies between both directions stays in them.
template <int M>
void Pass<M>::transform_tile(const float* const* in, int channel, float* to) const {
  if constexpr (kRegisters < 32) return rows_of_frequencies<0, kPairs>(in, channel, to);
  rows_of_frequencies<0, 1>(in, channel, to);
  rows_of_frequencies<1, 2>(in, channel, to);
  rows_of_frequencies<2, 3>(in, channel, to);
}

template <int M>
template <int First, int Last>
inline __attribute__((always_inline)) void Pass<M>::rows_of_frequencies(const float* const* in, int channel,
                                                                        float* to) const {
  const std::ptrdiff_t stride = call.in_stride;
  V half[2 * (Last - First)][kSide];  // [frequency in y][column]
#pragma GCC unroll kUnrolled
  for (int j = 0; j < kSide; j++) {
    V d[kSide];
#pragma GCC unroll 6
    for (int i = 0; i < kSide; i++) d[i] = load(in[i] + j * stride + channel);
#pragma GCC unroll 3
    for (int p = First; p < Last; p++)
      pair_of_frequencies(p, d, half[2 * (p - First)][j], half[2 * (p - First) + 1][j]);
  }
#pragma GCC unroll kUnrolled
  for (int i = 0; i < 2 * (Last - First); i++) {
    V f[kSide];
    to_frequencies(half[i], f);
    float* row = to + kFrequencyOf[First + i / 2][i % 2] * kSide * kChannels;
#pragma GCC unroll 6
    for (int j = 0; j < kSide; j++) store(row + j * kChannels, f[j]);
  }
}

// P tiles of one frequency times N vectors of output channels.
template <int P, int N>
void product(const float* u, std::ptrdiff_t line, const float* weight, int ic, float* m) {
  V sums[P][N] = {};
  for (; ic > 0; ic -= kChannels, u += line, weight += kChannels * N * kLanes)
    multiply<P, N>(sums, u, kTile, weight, ic < kChannels ? ic : kChannels);
#pragma GCC unroll 32
  for (int p = 0; p < P; p++)
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) store(m + p * N * kSums + n * kLanes, sums[p][n]);
}

using Product = void (*)(const float*, std::ptrdiff_t, const float*, int, float*);

template <int N, int... P>
inline Product product_of(int tiles, std::integer_sequence<int, P...>) {
  static constexpr Product all[] = {product<P + 1, N>...};
  return all[tiles - 1];
}

// A pass's tiles in equal shares. They are the same for all frequencies, so what it takes to find them (a division, a
// look into a table) is done once: done for every product it was 3 to 6 % of the time.
struct Share {
  Product product;
  int first;
};
template <int N>
int find_shares(int tiles, Share* shares) {
  constexpr int most = kBlockPixels[N];
  const int count = (tiles + most - 1) / most;
  for (int i = 0, t = 0; i < count; i++) {
    const int n = (tiles - t + count - i - 1) / (count - i);
    shares[i] = {product_of<N>(n, std::make_integer_sequence<int, most>()), t};
    t += n;
  }
  return count;
}

template <int M>
template <int N>
void Pass<M>::output_block(int v, const float* weight) const {
  Share shares[kMostTiles];
  const int count = find_shares<N>(tiles, shares), ic = packed.shape.ic;
  const std::ptrdiff_t next_line = line();
  for (int f = 0; f < kFrequencies; f++, weight += std::ptrdiff_t(ic) * N * kLanes) {
    const float* from = u + f * kChannels;
    float* to = m + f * N * kLanes;
    for (int i = 0; i < count; i++) {
      const std::ptrdiff_t t = shares[i].first;
      shares[i].product(from + t * kTile, next_line, weight, ic, to + t * N * kSums);
    }
  }
  Place place = place_of_first();
  for (int t = 0; t < tiles; t++, place.advance(call, M)) transform_output<N>(t, v, place);
}

template <int M>
template <int N>
void Pass<M>::transform_output(int t, int v, Place place) const {
  for (int n = 0; n < N; n++) {
    const float* from = m + t * N * kSums + n * kLanes;
    every_other_row<N, 0>(from, place.row, place.x, (v + n) * kLanes);
    every_other_row<N, 1>(from, place.row, place.x, (v + n) * kLanes);
  }
}

// The even or the odd rows of a tile: they share no sums, and one half fits the registers.
template <int M>
template <int N, int Odd>
inline __attribute__((always_inline)) void Pass<M>::every_other_row(const float* from, int row, int x,
                                                                    int index) const {
  V columns[M / 2][kSide];
#pragma GCC unroll kUnrolled
  for (int j = 0; j < kSide; j++) {
    V f[kSide], y[M / 2];
#pragma GCC unroll 6
    for (int i = 0; i < kSide; i++) f[i] = load(from + (i * kSide + j) * N * kLanes);
    half_of_values<M, Odd>(f, y);
#pragma GCC unroll 2
    for (int i = 0; i < M / 2; i++) columns[i][j] = y[i];
  }
  const V bias = load(packed.epilogue.bias + index);
  const bool inside = x >= 0 && x + M <= call.width;
#pragma GCC unroll 2
  for (int i = 0; i < M / 2; i++) {
    const int k = 2 * i + Odd;
    if (!call.out[row + k]) continue;
    V even[M / 2], odd[M / 2], y[M];
    half_of_values<M, 0>(columns[i], even);
    half_of_values<M, 1>(columns[i], odd);
#pragma GCC unroll 4
    for (int j = 0; j < M; j++) y[j] = (j % 2 ? odd[j / 2] : even[j / 2]) * (kScale[k] * kScale[j]) + bias;
    if (inside) {
      finish.template block<M, 1>(reinterpret_cast<V(&)[M][1]>(y), row + k, x, index, index);
    } else {
      for (int j = 0; j < M; j++)
        if (x + j >= 0 && x + j < call.width) finish.one(y[j], row + k, x + j, index, index);
    }
  }
}

template <int M>
void run(const PackedWinograd& packed, const ConvolutionCall& call) {
  const Finish finish{packed.epilogue, call};
  float* scratch = static_cast<float*>(call.scratch);
  Pass<M> pass{packed, call, finish, scratch, nullptr, 0, 0};
  pass.m = scratch + lines_of_channels(packed.ic_vectors * kLanes) * pass.line();
  const int all = call.rows / M * pass.across();
  int passes = (all + packed.tiles - 1) / packed.tiles;
  const int blocks = blocks_of(packed.oc_vectors, kMostVectors);
  const BlocksOfShare share(blocks, call);
  for (int done = 0; done < all; done += pass.tiles, passes--) {
    pass.first = done;
    pass.tiles = (all - done + passes - 1) / passes;  // equal shares
    pass.transform_input();
    const float* weight = packed.weight;
    for (int v = 0, n, block = 0; v < packed.oc_vectors; v += n, block++) {
      n = split_vectors(packed.oc_vectors - v, kMostVectors);
      const float* own = weight;
      weight += std::ptrdiff_t(kFrequencies) * packed.shape.ic * n * kLanes;
      if (!share.has(block)) continue;
      if (n == 1) pass.template output_block<1>(v, own);
      if (n == 2) pass.template output_block<2>(v, own);
      if constexpr (kMostVectors >= 3)
        if (n == 3) pass.template output_block<3>(v, own);
    }
  }
  const int x0 = call.x0 < 0 ? 0 : call.x0, x1 = call.x1 < call.width ? call.x1 : call.width;
  for (int row = 0; row < call.rows && share.has(blocks - 1) && packed.oc_vectors * kLanes < call.out_stride; row++)
    if (call.out[row]) finish.pad(row, x0, x1, packed.oc_vectors * kLanes);
}

}  // namespace winograd
