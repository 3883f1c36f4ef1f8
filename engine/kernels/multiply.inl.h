// The innermost loop of all convolutions: P pixels (or tiles) times N vectors of output channels, over `ic` channels
// that lie side by side. The P * N sums stay in registers; each number of the input is broadcast once.

template <int P, int N>
inline __attribute__((always_inline)) void multiply(V (&sums)[P][N], const float* in, std::ptrdiff_t pixel,
                                                    const float* weight, int ic) {
  for (int i = 0; i < ic; i++, weight += N * kLanes) {
    V w[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; n++) w[n] = load(weight + n * kLanes);
#pragma GCC unroll 32
    for (int p = 0; p < P; p++) {
      const V x = broadcast(in[p * pixel + i]);
#pragma GCC unroll 8
      for (int n = 0; n < N; n++) sums[p][n] = fma(x, w[n], sums[p][n]);
    }
  }
}
