// Back through ReLU, leaky ReLU and PReLU.

namespace training_functions {

using training::BackThrough;

// One vector of one pixel's channels, or its first n.
template <bool kSlope, bool kSums>
inline V vector_back_through(V map, V gradient, V slope, V* sums) {
  if constexpr (kSums) *sums += select(map > 0.0f, zero(), gradient * map);  // a map of NaN shows
  return select(map > 0.0f, gradient, kSlope ? gradient * slope : zero());
}

template <bool kSlope, bool kSums>
void pixels_back_through(const BackThrough& call) {
  for (long p = 0; p < call.pixels; p++) {
    const float* map = call.map + p * call.channels;
    float* gradient = call.gradient + p * call.channels;
    int c = 0;
    for (; c + kLanes <= call.channels; c += kLanes) {
      V sums = kSums ? load(call.sums + c) : zero();
      const V slope = kSlope ? load(call.slope + c) : zero();
      store(gradient + c, vector_back_through<kSlope, kSums>(load(map + c), load(gradient + c), slope, &sums));
      if constexpr (kSums) store(call.sums + c, sums);
    }
    const int n = call.channels - c;
    if (n == 0) continue;
    V sums = kSums ? load_first(call.sums + c, n) : zero();
    const V slope = kSlope ? load_first(call.slope + c, n) : zero();
    const V result =
        vector_back_through<kSlope, kSums>(load_first(map + c, n), load_first(gradient + c, n), slope, &sums);
    store_first(gradient + c, result, n);
    if constexpr (kSums) store_first(call.sums + c, sums, n);
  }
}

void back_through(const BackThrough& call) {
  if (call.sums)
    pixels_back_through<true, true>(call);
  else if (call.slope)
    pixels_back_through<true, false>(call);
  else  // the same for all channels: a row is one pixel
    pixels_back_through<false, false>({call.map, call.gradient, 1, int(call.pixels * call.channels), nullptr, nullptr});
}

}  // namespace training_functions
