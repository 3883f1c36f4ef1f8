// Losses of the difference between numbers, and their slopes. Each number is read once and its gradient written once:
// memory is what limits.

namespace training_functions {

using training::LossKind, training::LossLine;

inline V load_number(const float* p) { return load(p); }
inline V load_number(const unsigned short* p) { return load_bf16(p); }
inline void store_number(float* p, V v) { store(p, v); }
inline void store_number(unsigned short* p, V v) { store_bf16(p, v); }

inline V root(V x) {
  float lanes[kLanes];
  store(lanes, x);
  for (int i = 0; i < kLanes; i++) lanes[i] = __builtin_sqrtf(lanes[i]);
  return load(lanes);
}

// The loss of differences; they become its slopes. A difference of zero has the slope zero.
template <LossKind kind>
inline __attribute__((always_inline)) V loss_of(V& difference, float epsilon) {
  const V d = difference;
  if constexpr (kind == LossKind::squared) {
    difference = 2.0f * d;
    return d * d;
  } else if constexpr (kind == LossKind::absolute) {
    const V one = broadcast(1.0f);
    difference = select(d > 0.0f, one, select(d < 0.0f, -one, zero()));
    return select(d < 0.0f, -d, d);
  } else {
    const V smooth = root(d * d + epsilon * epsilon);
    difference = d / smooth;
    return smooth;
  }
}

// Sums of a few hundred numbers in float32, all further ones in double.
template <LossKind kind, class T>
double loss_of_line(const LossLine& call) {
  constexpr int kRun = 32;
  const T* output = static_cast<const T*>(call.output);
  T* gradient = static_cast<T*>(call.gradient);
  double sums[kLanes] = {};
  long i = 0;
  while (i + kLanes <= call.count) {
    V run = zero();
    for (int k = 0; k < kRun && i + kLanes <= call.count; k++, i += kLanes) {
      V d = load_number(output + i) - load(call.target + i);
      run += loss_of<kind>(d, call.epsilon);
      if (gradient) store_number(gradient + i, d * call.factor);
    }
    for (int lane = 0; lane < kLanes; lane++) sums[lane] += run[lane];
  }
  if (const int n = int(call.count - i); n > 0) {
    T numbers[kLanes] = {};
    for (int lane = 0; lane < n; lane++) numbers[lane] = output[i + lane];
    V d = load_number(numbers) - load_first(call.target + i, n);
    const V losses = loss_of<kind>(d, call.epsilon);
    store_number(numbers, d * call.factor);
    for (int lane = 0; lane < n; lane++) {
      sums[lane] += losses[lane];
      if (gradient) gradient[i + lane] = numbers[lane];
    }
  }
  for (int lane = 1; lane < kLanes; lane++) sums[0] += sums[lane];
  return sums[0];
}

template <LossKind kind>
double loss_of_kind(const LossLine& call) {
  return call.bf16 ? loss_of_line<kind, unsigned short>(call) : loss_of_line<kind, float>(call);
}

double loss(const LossLine& call) {
  if (call.kind == LossKind::squared) return loss_of_kind<LossKind::squared>(call);
  if (call.kind == LossKind::absolute) return loss_of_kind<LossKind::absolute>(call);
  return loss_of_kind<LossKind::charbonnier>(call);
}

// Rows of float32 to bfloat16, the numbers of a pixel padded with zeros.
void to_bf16(const training::ToBf16& call) {
  const float* from = call.from;
  unsigned short* to = call.to;
  for (long p = 0; p < call.pixels; p++, from += call.from_step, to += call.to_step) {
    int c = 0;
    for (; c + kLanes <= call.there; c += kLanes) store_bf16(to + c, load(from + c));
    if (c == call.to_step) continue;
    unsigned short rest[kLanes];
    store_bf16(rest, load_first(from + c, call.there - c));
    for (int i = 0; c + i < call.to_step; i++) to[c + i] = i < kLanes ? rest[i] : 0;
  }
}

}  // namespace training_functions
