// How sums become stored values: activation, residual, rounding, and stores that mind the pixel's end. Written for
// ascending channels: a full store may run over a group's end into channels that are written later.

struct Finish {
  const PackedEpilogue& packed;
  const ConvolutionCall& call;

  float* place(int row, int x, int channel) const {
    return call.out[row] + std::ptrdiff_t(x) * call.out_stride + channel;
  }

  // Whether N vectors from a channel on are added and stored whole.
  bool whole(int channel, int vectors) const {
    const int end = channel + vectors * kLanes;
    return end <= call.out_stride && (!call.epilogue.add_rows || end <= call.epilogue.add_stride);
  }

  // What one sum becomes. `index` is its place in the packed slopes, `channel` its place in the pixel.
  V finished(V sum, int row, int x, int index, int channel) const {
    const Epilogue& e = call.epilogue;
    if (packed.activation == Activation::relu) sum = positive(sum);
    if (packed.activation == Activation::prelu) sum = parametric(sum, load(packed.slope + index));
    if (e.add_rows) {
      const float* add = e.add_rows[row] + std::ptrdiff_t(x) * e.add_stride + channel;
      const int left = e.add_stride - channel;
      sum += left >= kLanes ? load(add) : load_first(add, left);
    }
    return sum;
  }

  // One vector of any kind.
  void one(V sum, int row, int x, int index, int channel) const {
    sum = finished(sum, row, x, index, channel);
    if (call.epilogue.bf16) sum = round_to_bf16(sum);
    float* out = place(row, x, channel);
    const int left = call.out_stride - channel;
    if (left >= kLanes)
      store(out, sum);
    else
      store_first(out, sum, left);
  }

  // The N vectors of P neighbouring pixels. At the end of narrow pixels they leave the registers by way of memory.
  template <int P, int N>
  void block(const V (&sums)[P][N], int row, int x, int index, int channel) const {
    V v[P][N];
    const V least = broadcast(packed.activation == Activation::relu ? 0.0f : -__builtin_inff());
    for_all<P, N>([&](int p, int n) { v[p][n] = sums[p][n]; });
    if (!whole(channel, N)) {
      float copy[P * N * kLanes];  // a copy, or the compiler would keep `sums` in memory from the beginning
      for_all<P, N>([&](int p, int n) { store(copy + (p * N + n) * kLanes, v[p][n]); });
      return block_of_any_kind(copy, P, N, row, x, index, channel);
    }
    if (packed.activation == Activation::prelu) {
      const float* slope = packed.slope + index;
      for_all<P, N>([&](int p, int n) { v[p][n] = parametric(v[p][n], load(slope + n * kLanes)); });
    } else {
      for_all<P, N>([&](int p, int n) { v[p][n] = at_least(v[p][n], least); });
    }
    if (const Epilogue& e = call.epilogue; e.add_rows) {
      const std::ptrdiff_t stride = e.add_stride;
      const float* add = e.add_rows[row] + x * stride + channel;
      for_all<P, N>([&](int p, int n) { v[p][n] += load(add + p * stride + n * kLanes); });
    }
    if (call.epilogue.bf16) for_all<P, N>([&](int p, int n) { v[p][n] = round_to_bf16(v[p][n]); });
    float* out = place(row, x, channel);
    const std::ptrdiff_t stride = call.out_stride;  // read once: for all the compiler knows, stores may change it
    for_all<P, N>([&](int p, int n) { store(out + p * stride + n * kLanes, v[p][n]); });
  }

  template <int P, int N, class F>
  static inline __attribute__((always_inline)) void for_all(F f) {
#pragma GCC unroll 32
    for (int p = 0; p < P; p++)
#pragma GCC unroll 8
      for (int n = 0; n < N; n++) f(p, n);
  }

  __attribute__((noinline)) void block_of_any_kind(const float* sums, int pixels, int vectors, int row, int x,
                                                   int index, int channel) const {
    for (int p = 0; p < pixels; p++)
      for (int n = 0; n < vectors; n++)
        one(load(sums + (p * vectors + n) * kLanes), row, x + p, index + n * kLanes, channel + n * kLanes);
  }

  // Zeros from a channel on to the pixel's end, for layouts that pad further than a vector.
  void pad(int row, int x0, int x1, int channel) const {
    for (int x = x0; x < x1; x++)
      for (int c = channel; c < call.out_stride; c++) *place(row, x, c) = 0;
  }
};
