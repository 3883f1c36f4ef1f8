// The loops of rows.h over the vector operations of isa/vec.h. Included by kernels_<isa>.cpp behind vec.h, inside an
// anonymous namespace: nothing of it may be shared between instruction sets.

inline V at_least(V x, V low) { return select(x < low, low, x); }  // keeps NaN
inline V at_most(V x, V high) { return select(x > high, high, x); }
inline V larger(V x, V y) { return select((x < y) | (y != y), y, x); }  // NaN wins
inline V absolute(V x) { return (V)((VI)x & 0x7fffffff); }

template <class F>
inline void over(float* out, const float* a, std::size_t n, F f) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, f(load(a + i)));
  if (i < n) store_first(out + i, f(load_first(a + i, int(n - i))), int(n - i));
}

template <class F>
inline void over2(float* out, const float* a, const float* b, std::size_t n, F f) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, f(load(a + i), load(b + i)));
  const int left = int(n - i);
  if (left) store_first(out + i, f(load_first(a + i, left), load_first(b + i, left)), left);
}

// ---- mathematical functions: polynomials after Cephes, about 2e-7 from the truth

// Beyond float32 it is infinity, by two factors of which neither is: 2^128, behind 88.3, has no bits of its own. What
// falls below float32's normal numbers is zero, since such numbers would take the processor a hundred times as long.
inline V exponential(V x) {
  const V given = x;
  x = at_most(at_least(x, broadcast(-87.3f)), broadcast(89.0f));
  const V magic = broadcast(12582912.0f);  // adding it rounds to whole numbers
  const V shifted = x * 1.44269504f + magic;
  const V n = shifted - magic;
  const VI bits = (VI)shifted - (VI)magic;
  const V r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  V p = broadcast(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const VI half = bits >> 1;
  const V e = (p * r * r + r + 1.0f) * (V)((half + 127) << 23) * (V)((bits - half + 127) << 23);
  return select(given < broadcast(-87.3f), V{}, e);
}

inline V logistic(V x) { return 1.0f / (1.0f + exponential(-x)); }

inline V tangent(V x) {  // hyperbolic
  const V z = x * x;
  V p = broadcast(-5.70498872745e-3f);
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const V small = p * z * x + x;
  const V t = exponential(-2.0f * absolute(x));
  const V large = (1.0f - t) / (1.0f + t);
  return select(absolute(x) < broadcast(0.625f), small, select(x < 0.0f, -large, large));
}

inline V sine(V x) {
  const V magic = broadcast(12582912.0f);
  const V shifted = x * 0.318309886f + magic;
  const V n = shifted - magic;
  const VI odd = ((VI)shifted & 1) << 31;
  const V r = ((x - n * 3.140625f) - n * 9.67502593994140625e-4f) - n * 1.509957990978376432e-7f;
  const V z = r * r;
  V p = broadcast(-2.50521084e-8f);
  p = p * z + 2.75573192e-6f;
  p = p * z - 1.98412698e-4f;
  p = p * z + 8.33333333e-3f;
  p = p * z - 1.66666667e-1f;
  return (V)((VI)(p * z * r + r) ^ odd);
}

inline V error_function(V x) {  // Abramowitz and Stegun 7.1.26
  const V a = absolute(x);
  const V t = 1.0f / (1.0f + 0.3275911f * a);
  V p = broadcast(1.061405429f);
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const V y = 1.0f - p * t * exponential(-a * a);
  return select(x < 0.0f, -y, y);
}

inline V log_of_one_plus(V t) {  // for 0 < t <= 1
  const V s = t / (2.0f + t);
  const V z = s * s;
  V p = broadcast(1.0f / 13);
  p = p * z + 1.0f / 11;
  p = p * z + 1.0f / 9;
  p = p * z + 1.0f / 7;
  p = p * z + 1.0f / 5;
  p = p * z + 1.0f / 3;
  return 2.0f * (p * z * s + s);
}

// ---- the table's functions

void unary(Unary kind, float* out, const float* in, std::size_t n, float p, float q) {
  const V none = {};
  switch (kind) {
    case Unary::relu:
      return over(out, in, n, [=](V x) { return at_least(x, none); });
    case Unary::leaky_relu:
      return over(out, in, n, [=](V x) { return select(x < none, x * p, x); });
    case Unary::sigmoid:
      return over(out, in, n, [](V x) { return logistic(x); });
    case Unary::tanh:
      return over(out, in, n, [](V x) { return tangent(x); });
    case Unary::selu:
      return over(out, in, n,
                  [=](V x) { return 1.05070099f * select(x > none, x, 1.67326324f * (exponential(x) - 1.0f)); });
    case Unary::sine:
      return over(out, in, n, [=](V x) { return sine(x * p); });
    case Unary::gelu:
      return over(out, in, n, [](V x) { return 0.5f * x * (1.0f + error_function(x * 0.70710678f)); });
    case Unary::gelu_tanh:
      return over(out, in, n,
                  [](V x) { return 0.5f * x * (1.0f + tangent(0.79788456f * (x + 0.044715f * x * x * x))); });
    case Unary::hardswish:
      return over(out, in, n, [=](V x) { return x * at_most(at_least(x + 3.0f, none), broadcast(6.0f)) * (1.0f / 6); });
    case Unary::clip:
      return over(out, in, n, [=](V x) { return at_most(at_least(x, broadcast(p)), broadcast(q)); });
    case Unary::softsign:
      return over(out, in, n, [](V x) { return x / (1.0f + absolute(x)); });
    case Unary::step:
      return over(out, in, n, [=](V x) { return select(x > none, broadcast(1.0f), none); });
    case Unary::softplus:
      return over(out, in, n, [=](V x) { return at_least(x, none) + log_of_one_plus(exponential(-absolute(x))); });
    case Unary::silu:
      return over(out, in, n, [](V x) { return x * logistic(x); });
    case Unary::exp:
      return over(out, in, n, [](V x) { return exponential(x); });
  }
}

void binary(Binary kind, float* out, const float* a, const float* b, std::size_t n) {
  switch (kind) {
    case Binary::add:
      return over2(out, a, b, n, [](V x, V y) { return x + y; });
    case Binary::subtract:
      return over2(out, a, b, n, [](V x, V y) { return x - y; });
    case Binary::multiply:
      return over2(out, a, b, n, [](V x, V y) { return x * y; });
    case Binary::maximum:
      return over2(out, a, b, n, [](V x, V y) { return larger(x, y); });
  }
}

// Pixels narrower than a vector are taken several at a time against copies of the vector side by side.
template <class F>
inline void per_channel(float* out, const float* in, const float* v, const float* u, std::size_t pixels, int stride,
                        F f) {
  if (stride < kLanes) {
    float vs[kLanes], us[kLanes];
    for (int i = 0; i < kLanes; i++) vs[i] = v[i % stride], us[i] = u[i % stride];
    const V vv = load(vs), uu = load(us);
    return over(out, in, pixels * stride, [=](V x) { return f(x, vv, uu); });
  }
  for (std::size_t i = 0; i < pixels; i++, out += stride, in += stride)
    for (int j = 0; j < stride; j += kLanes) store(out + j, f(load(in + j), load(v + j), load(u + j)));
}

void binary_vector(Binary kind, bool swapped, float* out, const float* a, const float* v, std::size_t pixels,
                   int stride) {
  switch (kind) {
    case Binary::add:
      return per_channel(out, a, v, v, pixels, stride, [](V x, V y, V) { return x + y; });
    case Binary::subtract:
      if (swapped) return per_channel(out, a, v, v, pixels, stride, [](V x, V y, V) { return y - x; });
      return per_channel(out, a, v, v, pixels, stride, [](V x, V y, V) { return x - y; });
    case Binary::multiply:
      return per_channel(out, a, v, v, pixels, stride, [](V x, V y, V) { return x * y; });
    case Binary::maximum:
      return per_channel(out, a, v, v, pixels, stride, [](V x, V y, V) { return larger(x, y); });
  }
}

void affine(float* out, const float* in, const float* scale, const float* offset, std::size_t pixels, int stride) {
  per_channel(out, in, scale, offset, pixels, stride, [](V x, V s, V o) { return x * s + o; });
}

void prelu(float* out, const float* in, const float* slope, std::size_t pixels, int stride) {
  per_channel(out, in, slope, slope, pixels, stride, [](V x, V s, V) { return select(x < 0.0f, x * s, x); });
}

void scale(float* out, const float* in, float factor, std::size_t n) {
  over(out, in, n, [=](V x) { return x * factor; });
}

void add_scaled(float* out, const float* in, float factor, std::size_t n) {
  over2(out, out, in, n, [=](V x, V y) { return x + y * factor; });
}

typedef float V4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int VI4 __attribute__((vector_size(16)));

// Narrow pixels are read four floats at a time, of which the next pixel's are cleared, while there are as many.
void unpack(float* out, const float* in, std::size_t pixels, int c, int stride) {
  if (c == stride) {
    __builtin_memcpy(out, in, pixels * c * sizeof(float));
    return;
  }
  std::size_t i = 0;
  if (stride == 4) {
    const VI4 ours = {-1, c > 1 ? -1 : 0, c > 2 ? -1 : 0, 0};
    for (; (pixels - i) * c >= 4; i++, out += 4, in += c)
      *reinterpret_cast<V4*>(out) = (V4)((VI4) * reinterpret_cast<const V4*>(in) & ours);
  }
  for (; i < pixels; i++, out += stride, in += c) {
    for (int j = 0; j < c; j++) out[j] = in[j];
    for (int j = c; j < stride; j++) out[j] = 0;
  }
}

inline VI not_finite(V x) { return ((VI)x & 0x7f800000) == 0x7f800000; }

bool finite(const float* in, std::size_t n) {
  VI bad = {};
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) bad |= not_finite(load(in + i));
  int seen = 0;
  for (int j = 0; j < kLanes; j++) seen |= bad[j];
  for (; i < n; i++) {
    int bits;
    __builtin_memcpy(&bits, in + i, sizeof bits);
    seen |= (bits & 0x7f800000) == 0x7f800000;
  }
  return seen == 0;
}

// ---- to the caller

constexpr int kLine = 16;                // floats in a line of the cache
constexpr std::size_t kPiece = 64 * 16;  // floats that are put in order in the first cache before they leave

inline void copy_some(float* out, const float* in, std::size_t n, VI& bad) {  // not whole lines
  for (std::size_t i = 0; i < n; i += kLanes) {
    const int some = n - i < kLanes ? int(n - i) : kLanes;
    const V v = load_first(in + i, some);
    bad |= not_finite(v);
    store_first(out + i, v, some);
  }
}

inline void copy_looking(float* out, const float* in, std::size_t n, VI& bad) {
  const std::size_t before = (64 - reinterpret_cast<std::size_t>(out) % 64) % 64 / sizeof(float);
  std::size_t i = before < n ? before : n;
  copy_some(out, in, i, bad);
  for (; i + kLine <= n; i += kLine)
#pragma GCC unroll 4
    for (int j = 0; j < kLine; j += kLanes) {
      const V v = load(in + i + j);
      bad |= not_finite(v);
      store(out + i + j, v);
    }
  copy_some(out + i, in + i, n - i, bad);
}

inline bool none(VI bad) {
  int seen = 0;
  for (int j = 0; j < kLanes; j++) seen |= bad[j];
  return seen == 0;
}

// Pixels of c floats, piece by piece: fill(to, i, n) makes n of them from pixel i on, and may write a line too much.
template <class Fill>
inline bool put(float* out, std::size_t pixels, int c, Fill fill) {
  alignas(64) float piece[kPiece + kLine];
  const std::size_t fitting = kPiece / c, most = fitting > 16 ? fitting / 16 * 16 : fitting;  // whole lines
  VI bad = {};
  for (std::size_t i = 0; i < pixels; i += most) {
    const std::size_t n = pixels - i < most ? pixels - i : most;
    fill(piece, i, n);
    copy_looking(out + i * c, piece, n * c, bad);
  }
  return none(bad);
}

// Vectors anywhere in memory; as template arguments the types themselves would forget that.
struct Four {
  static constexpr int lanes = 4;
  static void move(float* to, const float* from) { *reinterpret_cast<V4*>(to) = *reinterpret_cast<const V4*>(from); }
};
struct Whole {
  static constexpr int lanes = kLanes;
  static void move(float* to, const float* from) { store(to, load(from)); }
};

// The first c floats of each pixel by N vectors, the last of which may run over into what is written later.
template <class Vector, int N>
inline void narrowed(float* to, const float* in, std::size_t pixels, int c, int stride) {
  for (std::size_t i = 0; i < pixels; i++, in += stride, to += c)
#pragma GCC unroll 4
    for (int n = 0; n < N; n++) Vector::move(to + n * Vector::lanes, in + n * Vector::lanes);
}

template <class Vector>
inline void narrowed(float* to, const float* in, std::size_t pixels, int c, int stride) {
  constexpr int lanes = Vector::lanes;
  if (c <= lanes) return narrowed<Vector, 1>(to, in, pixels, c, stride);
  if (c <= 2 * lanes) return narrowed<Vector, 2>(to, in, pixels, c, stride);
  if (c <= 3 * lanes) return narrowed<Vector, 3>(to, in, pixels, c, stride);
  for (std::size_t i = 0; i < pixels; i++, in += stride, to += c)
    for (int j = 0; j < c; j += lanes) Vector::move(to + j, in + j);
}

bool pack(float* out, const float* in, std::size_t pixels, int c, int stride) {
  VI bad = {};
  if (c == stride) {
    copy_looking(out, in, pixels * c, bad);
    return none(bad);
  }
  if (c > 4 * kLine) {
    for (std::size_t i = 0; i < pixels; i++) copy_looking(out + i * c, in + i * stride, c, bad);
    return none(bad);
  }
  return put(out, pixels, c, [=](float* to, std::size_t first, std::size_t n) {
    const std::size_t whole = first + n < pixels ? n : n - 1;  // vectors read beyond a pixel, but not beyond the last
    const float* from = in + first * stride;
    if (stride < kLine)
      narrowed<Four>(to, from, whole, c, stride);
    else
      narrowed<Whole>(to, from, whole, c, stride);
    for (std::size_t i = whole; i < n; i++)
      for (int j = 0; j < c; j++) to[i * c + j] = from[i * stride + j];
  });
}

void place(float* out, const float* in, std::size_t pixels, int c, int step, int width, int stride) {
  for (std::size_t i = 0; i < pixels; i++, in += step, out += stride)
    for (int j = 0; j < width; j += kLanes) {
      const int some = c - j < kLanes ? (c > j ? c - j : 0) : kLanes;
      const V v = some == kLanes ? load(in + j) : load_first(in + j, some);
      if (width - j >= kLanes)
        store(out + j, v);
      else
        store_first(out + j, v, width - j);
    }
}

void round_to_bf16(float* data, std::size_t n) {  // to nearest, ties to even
  over(data, data, n, [](V x) {
    const VI bits = (VI)x;
    const VI rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & (int)0xffff0000;
    return select(x == x, (V)rounded, x);
  });
}

template <class T>
inline void gather_as(float* out, const float* in, const int* offset, const float* weight, int taps, std::size_t pixels,
                      int stride) {
  constexpr int lanes = sizeof(T) / sizeof(float);
  for (std::size_t i = 0; i < pixels; i++, out += stride, offset += taps, weight += taps)
    for (int j = 0; j < stride; j += lanes) {
      T sum = *reinterpret_cast<const T*>(in + offset[0] + j) * weight[0];
      for (int t = 1; t < taps; t++) sum += *reinterpret_cast<const T*>(in + offset[t] + j) * weight[t];
      *reinterpret_cast<T*>(out + j) = sum;
    }
}

void gather(float* out, const float* in, const int* offset, const float* weight, int taps, std::size_t pixels,
            int stride) {
  if (stride % kLanes)
    gather_as<V4>(out, in, offset, weight, taps, pixels, stride);
  else
    gather_as<VU>(out, in, offset, weight, taps, pixels, stride);
}

template <class F>
inline void put_together(float* out, const float* in, const int* first, const int* taps, int step, std::size_t pixels,
                         int stride, F f) {
  for (std::size_t i = 0; i < pixels; i++, out += stride)
    for (int j = 0; j < stride; j += kLanes) {
      const int n = stride - j < kLanes ? stride - j : kLanes;
      const float* from = in + first[i] + j;
      V all = n == kLanes ? load(from) : load_first(from, n);
      for (int t = 1; t < taps[i]; t++) {
        from += step;
        all = f(all, n == kLanes ? load(from) : load_first(from, n));
      }
      if (n == kLanes)
        store(out + j, all);
      else
        store_first(out + j, all, n);
    }
}

void gather_all(Binary kind, float* out, const float* in, const int* first, const int* taps, int step,
                std::size_t pixels, int stride) {
  if (kind == Binary::maximum)
    put_together(out, in, first, taps, step, pixels, stride, [](V x, V y) { return larger(x, y); });
  else
    put_together(out, in, first, taps, step, pixels, stride, [](V x, V y) { return x + y; });
}

void normalise_pixels(float* out, const float* in, const float* weight, const float* bias, const float* mask, int c,
                      float eps, std::size_t pixels, int stride) {
  for (std::size_t i = 0; i < pixels; i++, out += stride, in += stride) {
    V total = zero(), squares = zero();
    for (int j = 0; j < stride; j += kLanes) total += load_first(in + j, stride - j < kLanes ? stride - j : kLanes);
    const float mean = sum(total) / float(c);
    for (int j = 0; j < stride; j += kLanes) {
      const int n = stride - j < kLanes ? stride - j : kLanes;
      const V off = (load_first(in + j, n) - mean) * load_first(mask + j, n);
      squares = fma(off, off, squares);
    }
    const float factor = 1.0f / __builtin_sqrtf(sum(squares) / float(c) + eps);
    for (int j = 0; j < stride; j += kLanes) {
      const int n = stride - j < kLanes ? stride - j : kLanes;
      const V y = (load_first(in + j, n) - mean) * factor * load_first(weight + j, n) + load_first(bias + j, n);
      store_first(out + j, y, n);
    }
  }
}

// Pixels that fit into two vectors are picked apart by one permutation each.
void pick_apart(float* to, const float* in, const int* index, int count, std::size_t pixels, int step) {
  std::size_t i = 0;
  if (kLanes == 16 && count <= kLanes && step <= 2 * kLanes && step % kLanes == 0) {
    int places[kLanes] = {};
    for (int k = 0; k < count; k++) places[k] = index[k];
    VI choice;
    __builtin_memcpy(&choice, places, sizeof places);
    const int second = step - kLanes;
    for (; i < pixels; i++, in += step, to += count) store(to, __builtin_shuffle(load(in), load(in + second), choice));
  }
  for (; i < pixels; i++, in += step, to += count)
    for (int k = 0; k < count; k++) to[k] = in[index[k]];
}

bool pick(float* out, const float* in, const int* index, int count, std::size_t pixels, int step) {
  if (std::size_t(count) <= kPiece)
    return put(out, pixels, count, [=](float* to, std::size_t first, std::size_t n) {
      pick_apart(to, in + first * step, index, count, n, step);
    });
  for (std::size_t i = 0; i < pixels; i++, in += step, out += count)
    for (int k = 0; k < count; k++) out[k] = in[index[k]];
  return finite(out - pixels * count, pixels * count);
}

constexpr RowFunctions kRowFunctions = {
    unary, binary, binary_vector, affine,        prelu,  scale,      add_scaled,       unpack,
    pack,  finite, place,         round_to_bf16, gather, gather_all, normalise_pixels, pick};
