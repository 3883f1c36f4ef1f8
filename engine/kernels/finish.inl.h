// How a vector of sums becomes stored values: activation, residual, rounding, and a store that minds the pixel's end.
// Written for ascending channels: a full store may run over the group's end into channels that are written later.

struct Finish {
  const PackedEpilogue& packed;
  const ConvolutionCall& call;

  // Where the vectors of one pixel go. `channel` is the first one's place within the pixel.
  struct Place {
    float* out;
    const float* add;  // null: nothing is added
    int out_left, add_left;  // floats from here to the pixel's end
  };
  Place place(int row, int x, int channel) const {
    const Epilogue& e = call.epilogue;
    return {call.out[row] + std::ptrdiff_t(x) * call.out_stride + channel,
            e.add_rows ? e.add_rows[row] + std::ptrdiff_t(x) * e.add_stride + channel : nullptr,
            call.out_stride - channel, e.add_stride - channel};
  }

  // `index` is the vector's place in the packed bias; `n` its number behind the place.
  void operator()(V sum, int index, const Place& to, int n) const {
    if (packed.activation == Activation::relu) sum = positive(sum);
    if (packed.activation == Activation::prelu) sum = parametric(sum, load(packed.slope + index));
    const int at = n * kLanes;
    if (to.add) sum += at + kLanes <= to.add_left ? load(to.add + at) : load_first(to.add + at, to.add_left - at);
    if (call.epilogue.bf16) sum = round_to_bf16(sum);
    if (at + kLanes <= to.out_left) store(to.out + at, sum);
    else store_first(to.out + at, sum, to.out_left - at);
  }

  // Zeros from a channel on to the pixel's end, for layouts that pad further than a vector.
  void pad(int row, int x0, int x1, int channel) const {
    for (int x = x0; x < x1; x++)
      for (int c = channel; c < call.out_stride; c++) call.out[row][std::ptrdiff_t(x) * call.out_stride + c] = 0;
  }
};
