// The vector operations that kernels are written in: the compiler's vector extensions, as wide as kLanes says. Included
// by kernels_<isa>.cpp inside an anonymous namespace, after kLanes and the operations that need intrinsics:
//   V load_first(const float* p, int n)           the first n floats, zeros behind them; 0 <= n <= kLanes
//   void store_first(float* p, V v, int n)        the first n floats
//   V at_least(V x, V least)                      the greater of both; NaN in x stays
// The first two touch no memory behind the n floats.

inline V load(const float* p) { return *reinterpret_cast<const VU*>(p); }
inline void store(float* p, V v) { *reinterpret_cast<VU*>(p) = v; }
inline V zero() { return V{}; }
inline V broadcast(float x) { return x - V{}; }
inline V fma(V a, V b, V c) { return a * b + c; }  // contracted where the processor can
inline V fnma(V a, V b, V c) { return c - a * b; }
inline V select(VI mask, V a, V b) { return mask ? a : b; }
inline V positive(V x) { return at_least(x, zero()); }
inline V parametric(V x, V slope) { return select(x < 0.0f, x * slope, x); }

// To the nearest bfloat16, ties to even; NaN stays NaN.
inline V round_to_bf16(V x) {
  const VI bits = (VI)x;
  const VI rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & (int)0xffff0000;
  return select(x == x, (V)rounded, x);
}

// The same, as kLanes numbers of 16 bits.
typedef unsigned short VS __attribute__((vector_size(kLanes * 2), aligned(2), may_alias));
typedef unsigned VW __attribute__((vector_size(kLanes * 4)));
#ifndef PELLUCID_STORE_BF16  // kernels_amx.cpp has instructions for it
inline void store_bf16(unsigned short* p, V v) {
  *reinterpret_cast<VS*>(p) = __builtin_convertvector((VW)round_to_bf16(v) >> 16, VS);
}
inline void store_bf16(unsigned short* p, V a, V b) { store_bf16(p, a), store_bf16(p + kLanes, b); }
#endif
inline V load_bf16(const unsigned short* p) {
  return (V)(__builtin_convertvector(*reinterpret_cast<const VS*>(p), VW) << 16);
}

// A bit for each lane: which are positive; and of two vectors what the bits choose.
#ifndef PELLUCID_BITS_OF_LANES  // kernels_amx.cpp has instructions for it
inline unsigned positive_lanes(V v) {
  unsigned bits = 0;
  for (int i = 0; i < kLanes; i++) bits |= unsigned(v[i] > 0) << i;
  return bits;
}
inline V chosen(unsigned bits, V set, V unset) {
  for (int i = 0; i < kLanes; i++) set[i] = bits >> i & 1 ? set[i] : unset[i];
  return set;
}
#endif

// Sums of the lanes of four vectors each.
typedef float V4 __attribute__((vector_size(16)));
typedef float V4U __attribute__((vector_size(16), aligned(4), may_alias));
inline V4 folded(V v) {
  float lanes[kLanes];
  store(lanes, v);
  V4 total = *reinterpret_cast<const V4U*>(lanes);
#pragma GCC unroll 4
  for (int i = 4; i < kLanes; i += 4) total += *reinterpret_cast<const V4U*>(lanes + i);
  return total;
}
inline V4 sums_of_lanes(V a, V b, V c, V d) {
  const V4 a4 = folded(a), b4 = folded(b), c4 = folded(c), d4 = folded(d);
  const V4 ab = __builtin_shufflevector(a4, b4, 0, 4, 1, 5) + __builtin_shufflevector(a4, b4, 2, 6, 3, 7);
  const V4 cd = __builtin_shufflevector(c4, d4, 0, 4, 1, 5) + __builtin_shufflevector(c4, d4, 2, 6, 3, 7);
  return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}
inline float sum(V v) {
  const V4 s = folded(v);
  return (s[0] + s[2]) + (s[1] + s[3]);
}
