// Adam, number by number, as plain loops: the compiler makes vectors of them, and memory is what limits.

namespace training_functions {

template <bool kAveraged>
void adam_loop(const training::AdamTensor& t, const training::AdamFactors& f) {
  float* __restrict weight = t.weight, * __restrict m = t.m, * __restrict v = t.v, * __restrict average = t.average;
  const float* __restrict gradient = t.gradient;
  for (long i = 0; i < t.count; i++) {
    const float g = f.gradient * gradient[i];
    const float first = m[i] + f.rest1 * (g - m[i]), second = f.beta2 * v[i] + f.rest2 * g * g;
    const float w = f.keep * weight[i] - f.rate * first / (f.root * __builtin_sqrtf(second) + f.epsilon);
    m[i] = first;
    v[i] = second;
    weight[i] = w;
    if constexpr (kAveraged) average[i] += f.toward * (w - average[i]);
  }
}

void adam(const training::AdamTensor& t, const training::AdamFactors& f) {
  t.average ? adam_loop<true>(t, f) : adam_loop<false>(t, f);
}

double squares(const float* data, long count) {
  constexpr int kSums = 16;
  double sums[kSums] = {};
  long i = 0;
  for (; i + kSums <= count; i += kSums)
    for (int k = 0; k < kSums; k++) sums[k] += double(data[i + k]) * data[i + k];
  for (int k = 0; i + k < count; k++) sums[k] += double(data[i + k]) * data[i + k];
  for (int k = 1; k < kSums; k++) sums[0] += sums[k];
  return sums[0];
}

}  // namespace training_functions
