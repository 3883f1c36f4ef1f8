// Backward to weights in bfloat16 on matrix tiles: products over pixels, 32 at a step. One operand is the gradient,
// transposed: a tile row is an output channel. The other is the input with neighbouring pixels interleaved, once from
// an even and once from an odd pixel on, so that every tap finds its pairs on a cache line. A block is 32 outputs by 32
// inputs, four sums that stay in tiles while all pixels of the unit pass by.

namespace training_tiles {

using training::TileUnit;

typedef unsigned short Half __attribute__((vector_size(32)));  // 16 channels of a pixel
typedef unsigned Pair __attribute__((vector_size(64)));        // 16 channels of two pixels, as pairs

inline __attribute__((always_inline)) Half half_at(const unsigned short* p) {
  Half h;
  __builtin_memcpy(&h, p, sizeof h);
  return h;
}

inline __attribute__((always_inline)) Pair pair_of(Half a, Half b) {
  return (Pair)__builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10,
                                       26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// Exchanges bit S of the row's number with that of the lane's; for all four bits that transposes.
template <unsigned S, int... J>
inline __attribute__((always_inline)) void exchange(Pair (&rows)[16], std::integer_sequence<int, J...>) {
#pragma GCC unroll 16
  for (unsigned i = 0; i < 16; i++) {
    if (i & S) continue;
    const Pair a = rows[i], b = rows[i + S];
    rows[i] = __builtin_shufflevector(a, b, (J & S ? 16 + J - int(S) : J)...);
    rows[i + S] = __builtin_shufflevector(a, b, (J & S ? 16 + J : J + int(S))...);
  }
}

inline __attribute__((always_inline)) void transpose(Pair (&rows)[16]) {
  constexpr std::make_integer_sequence<int, 16> lanes;
  exchange<1>(rows, lanes), exchange<2>(rows, lanes), exchange<4>(rows, lanes), exchange<8>(rows, lanes);
}

class Unit {
 public:
  explicit Unit(const TileUnit& unit) : unit(unit), a(unit.scratch), b(a + std::ptrdiff_t(unit.oc) * steps * 32) {}

  void run() {
    for (int o = 0; o < unit.oc; o += 16) transpose_gradient(o);
    for (int i = 0; i < unit.ic; i += 16) pair_input(i);
    for (int o = 0; o < unit.oc; o += 32)
      for (int step = 0; step < steps; step += kSteps)
        unit.oc - o > 16 ? outputs<2>(o / 16, step) : outputs<1>(o / 16, step);
  }

 private:
  static constexpr int kSteps = 12;  // taken at a time: the gradients of 32 outputs stay in the first cache
  const TileUnit& unit;
  Tiles tiles;
  const int steps = unit.steps(), pairs = unit.pairs(), ic_tiles = unit.ic / 16;
  const std::ptrdiff_t a_tile = steps * 512, b_version = pairs * 32, b_tile = 2 * b_version;
  unsigned short* const a;  // [tile of oc][step][16 outputs][32 pixels]
  unsigned short* const b;  // [tile of ic][from an even or odd pixel][pair][16 inputs][2 pixels]

  // Pixels behind the unit's last one are zero.
  void transpose_gradient(int channel) {
    const std::ptrdiff_t pixel = plane_channels(unit.oc);
    const unsigned short* from = unit.gradient + channel / kPlane * unit.gradient_plane + channel % kPlane;
    unsigned short* to = a + channel / 16 * a_tile;
    const auto at = [&](int x) { return x < unit.pixels ? half_at(from + x * pixel) : Half{}; };
    for (int x = 0; x < steps * 32; x += 32, to += 512) {
      Pair rows[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++) rows[i] = pair_of(at(x + 2 * i), at(x + 2 * i + 1));
      transpose(rows);
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++) __builtin_memcpy(to + i * 32, &rows[i], 64);
    }
  }

  // From `reach` pixels before the first to as many behind the last; further ones, which meet gradients of zero, zero.
  void pair_input(int channel) {
    const std::ptrdiff_t pixel = plane_channels(unit.ic);
    const int reach = unit.reach(), there = unit.pixels + 2 * reach;
    const unsigned short* from = unit.x + channel / kPlane * unit.x_plane + channel % kPlane - reach * pixel;
    unsigned short* to = b + channel / 16 * b_tile;
    const auto at = [&](int x) { return x < there ? half_at(from + x * pixel) : Half{}; };
    Half first = at(0);
    for (int t = 0; t < pairs; t++, to += 32) {
      const Half second = at(2 * t + 1), third = at(2 * t + 2);
      const Pair even = pair_of(first, second), odd = pair_of(second, third);
      __builtin_memcpy(to, &even, 64);
      __builtin_memcpy(to + b_version, &odd, 64);
      first = third;
    }
  }

  // Their sums over some steps from `step` on.
  template <int M>
  void outputs(int o, int step) {
    const int count = steps - step < kSteps ? steps - step : kSteps;
    const unsigned short* u = a + o * a_tile + step * 512;
    add_bias<M>(u, o, count);
    for (int i = 0; i < ic_tiles; i += 2)
      for (int ky = 0; ky < unit.k; ky++)
        for (int kx = 0; kx < unit.k; kx++) {
          const int offset = ky * unit.pitch + kx;
          const unsigned short* from = b + i * b_tile + offset % 2 * b_version + (offset / 2 + step * 16) * 32;
          float* sums = unit.sums + (std::ptrdiff_t((ky * unit.k + kx) * (unit.oc / 16) + o) * ic_tiles + i) * 256;
          ic_tiles - i > 1 ? block<M, 2>(u, from, count, sums) : block<M, 1>(u, from, count, sums);
        }
  }

  // M tiles of outputs by N tiles of inputs of one tap.
  template <int M, int N>
  void block(const unsigned short* u, const unsigned short* v, int count, float* sums) {
    float* more = sums + ic_tiles * 256;
    tiles.template load<0>(sums, 64);
    if constexpr (N == 2) tiles.template load<1>(sums + 256, 64);
    if constexpr (M == 2) tiles.template load<2>(more, 64);
    if constexpr (M == 2 && N == 2) tiles.template load<3>(more + 256, 64);
    for (int step = 0; step < count; step++, u += 512, v += 512) {
      tiles.template load<4>(u, 64);
      tiles.template load<6>(v, 64);
      tiles.template dot<0, 4, 6>();
      if constexpr (M == 2) {
        tiles.template load<5>(u + a_tile, 64);
        tiles.template dot<2, 5, 6>();
      }
      if constexpr (N == 2) {
        tiles.template load<7>(v + b_tile, 64);
        tiles.template dot<1, 4, 7>();
      }
      if constexpr (M == 2 && N == 2) tiles.template dot<3, 5, 7>();
    }
    tiles.template store<0>(sums, 64);
    if constexpr (N == 2) tiles.template store<1>(sums + 256, 64);
    if constexpr (M == 2) tiles.template store<2>(more, 64);
    if constexpr (M == 2 && N == 2) tiles.template store<3>(more + 256, 64);
  }

  // Products with ones.
  template <int M>
  void add_bias(const unsigned short* u, int o, int count) {
    alignas(64) unsigned short ones[32];
    for (auto& one : ones) one = 0x3f80;
    float* bias = unit.bias + o * 256;
    tiles.template load<7>(ones, 0);
    tiles.template load<0>(bias, 64);
    if constexpr (M == 2) tiles.template load<1>(bias + 256, 64);
    for (int step = 0; step < count; step++, u += 512) {
      tiles.template load<4>(u, 64);
      tiles.template dot<0, 4, 7>();
      if constexpr (M == 2) {
        tiles.template load<5>(u + a_tile, 64);
        tiles.template dot<1, 5, 7>();
      }
    }
    tiles.template store<0>(bias, 64);
    if constexpr (M == 2) tiles.template store<1>(bias + 256, 64);
  }
};

void weights(const TileUnit& unit) { Unit(unit).run(); }

}  // namespace training_tiles
