// The vector operations that kernels are written in: the compiler's vector extensions, as wide as kLanes says. Included
// by kernels_<isa>.cpp inside an anonymous namespace, after kLanes and the two operations that need intrinsics:
//   V load_first(const float* p, int n)           the first n floats, zeros behind them; 0 <= n <= kLanes
//   void store_first(float* p, V v, int n)        the first n floats
// Neither touches memory behind the n floats.

inline V load(const float* p) { return *reinterpret_cast<const VU*>(p); }
inline void store(float* p, V v) { *reinterpret_cast<VU*>(p) = v; }
inline V zero() { return V{}; }
inline V broadcast(float x) { return x - V{}; }
inline V fma(V a, V b, V c) { return a * b + c; }   // contracted where the processor can
inline V fnma(V a, V b, V c) { return c - a * b; }
inline V select(VI mask, V a, V b) { return mask ? a : b; }
inline V positive(V x) { return select(x < 0.0f, zero(), x); }  // keeps NaN
inline V parametric(V x, V slope) { return select(x < 0.0f, x * slope, x); }

// To the nearest bfloat16, ties to even; NaN stays NaN.
inline V round_to_bf16(V x) {
  const VI bits = (VI)x;
  const VI rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & (int)0xffff0000;
  return select(x == x, (V)rounded, x);
}

// Written so that neither side is loaded twice: groups of lanes are folded until one is left.
inline float sum(V v) {
  float s[kLanes];
  store(s, v);
  for (int half = kLanes / 2; half; half /= 2)
    for (int i = 0; i < half; i++) s[i] += s[i + half];
  return s[0];
}
