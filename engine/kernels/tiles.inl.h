// Convolution in bfloat16 with float32 sums, on matrix tiles (see isa/tiles_amx.h): weights arrive rounded. Tiles are
// loaded as the input lies, 16 pixels by 32 numbers, whatever the stride: from a bfloat16 map at once, from a float32
// map by way of a copy of the rows that are read. A tile row takes 32 numbers that lie side by side, be they channels
// of one tap or of several (see PackedTiles).
//
// A block is four sums: 32 pixels by 32 outputs, or 64 by 16 where no more outputs are left. They leave the tiles by
// way of memory; a processor begins the next block's products while the last one's sums are brought out. For a bfloat16
// map 32 outputs are done for all rows before the next ones, so that their weights stay in the first cache.

namespace tiles {

constexpr int kOutputs = 32, kDepth = 32;

// What sums become is `Out`'s to say: out.pixels(sums, at, pixels, channel, vectors), each pixel once.
struct Sums {
  const float* first;
  int stride;  // floats from a pixel's sums to the next one's
};
struct Place {
  int row, x;
};

template <class Out>
class Rectangle {
 public:
  Rectangle(const PackedTiles& packed, const ConvolutionCall& call, const Out& out)
      : packed(packed), call(call), s(packed.shape), out(out) {
    x0 = call.x0 < 0 ? 0 : call.x0, x1 = call.x1 < call.width ? call.x1 : call.width;
    sums = static_cast<float*>(call.scratch);
    copies = reinterpret_cast<unsigned short*>(sums + kTileSums);
    plane_size = call.in_plane ? call.in_plane : tile_plane(packed, x1 - x0);
    origin = call.in_plane ? 0 : x0 * s.stride_x - s.pad_left;
  }

  void run() {
    if (x0 >= x1) return;
    if (call.in_plane) {
      for (int output = 0; output < s.oc; output += kOutputs)
        for (int j = 0; j < call.rows; j++)
          if (call.out[j]) line(j, output);
    } else {
      for (int j = 0; j < call.rows; j++) {
        if (!call.out[j]) continue;
        prepare(j);
        for (int output = 0; output < s.oc; output += kOutputs) line(j, output);
      }
    }
  }

 private:
  const PackedTiles& packed;
  const ConvolutionCall& call;
  const ConvolutionShape& s;
  const Out& out;
  Tiles tiles;
  int x0, x1, origin, last_row = -1;  // origin: the pixel that a row of the input begins with
  std::ptrdiff_t plane_size;
  float* sums;             // of a block
  unsigned short* copies;  // a ring: [row % tile_rows()][plane][32 numbers before the first pixel, then all]

  unsigned short* copy(int r) const { return copies + r % tile_rows(s) * (packed.planes * plane_size); }
  const unsigned short* row(int r) const {
    return call.in_plane ? reinterpret_cast<const unsigned short*>(call.in[r]) : copy(r) + kDepth;
  }

  // The input rows of output row j that are not there yet.
  void prepare(int j) {
    const int first = j * s.stride_y, end = first + tile_rows(s);
    for (int r = last_row + 1 > first ? last_row + 1 : first; r < end; r++) make_copy(r);
    last_row = end - 1;
  }

  // What is not read by any output, or meets weights of zero only, is zero, so that nothing infinite does.
  void make_copy(int r) {
    const int pixels = (x1 - x0 - 1) * s.stride_x + (s.kw - 1) * s.dilation_x + 1, c = packed.channels;
    const float* in = call.in[r] + std::ptrdiff_t(origin) * call.in_stride;
    for (int plane = 0; plane < packed.planes; plane++) {
      unsigned short* to = copy(r) + plane * plane_size;
      __builtin_memset(to, 0, sizeof(*to) * kDepth);
      to += kDepth;
      if (packed.parts == 2)
        split(in, to, pixels);
      else if (c == call.in_stride)
        narrow(in, to, pixels * c);
      else
        for (int x = 0; x < pixels; x++) narrow(in + std::ptrdiff_t(x) * call.in_stride + plane * c, to + x * c, c);
      __builtin_memset(to + pixels * c, 0, sizeof(*to) * (plane_size - kDepth - pixels * c));
    }
  }

  void split(const float* in, unsigned short* to, int pixels) const {
    if (call.in_stride == 4) return split<4>(in, to, pixels);
    call.in_stride == 8 ? split<8>(in, to, pixels) : split<16>(in, to, pixels);
  }

  // Pixels of C numbers to pixels of C rounded ones and C of what rounding left.
  template <int C>
  static void split(const float* in, unsigned short* to, int pixels) {
    constexpr int some = C < kLanes ? C : kLanes;
    const int numbers = pixels * C;
    for (int i = 0; i < numbers; i += kLanes) {
      const V x = numbers - i < kLanes ? load_first(in + i, numbers - i) : load(in + i), high = round_to_bf16(x);
      unsigned short parts[2][kLanes];
      store_bf16(parts[0], high), store_bf16(parts[1], x - high);
      unsigned short* first = to + i / C * 2 * C + i % C;  // whole vectors: pixels behind the last one are not read yet
#pragma GCC unroll 16
      for (int k = 0; k < kLanes; k += some)
        for (int part = 0; part < 2; part++)
          __builtin_memcpy(first + k * 2 + part * C, parts[part] + k, some * sizeof(*to));
    }
  }

  static void narrow(const float* from, unsigned short* to, int n) {
    int i = 0;
    for (; i + kLanes <= n; i += kLanes) store_bf16(to + i, load(from + i));
    if (i == n) return;
    unsigned short last[kLanes];
    store_bf16(last, load_first(from + i, n - i));
    __builtin_memcpy(to + i, last, sizeof(*to) * (n - i));
  }

  void line(int j, int output) {
    const int steps = s.kh * packed.planes * packed.runs * packed.steps;
    const unsigned short* weight = packed.weight + std::ptrdiff_t(output) * steps * kDepth;
    const bool one_tile = s.oc - output <= kOutputs / 2;
    for (int x = x0; x < x1;)
      if (!one_tile)
        block<2, 2>(j, x, output, weight), x += 32;
      else if (x1 - x <= 32)
        block<2, 1>(j, x, output, weight), x += 32;
      else
        block<4, 1>(j, x, output, weight), x += 64;
  }

  // M tiles of 16 pixels from x on by N tiles of 16 outputs. The tile of sums of pixels m and outputs n is m N + n.
  template <int M, int N>
  void block(int j, int x, int output, const unsigned short* weight) {
    const float* bias = packed.epilogue.bias + output;
    tiles.template load<0>(bias, 0), tiles.template load<1>(bias + (N - 1) * 16, 0);
    if constexpr (M * N == 4) tiles.template load<2>(bias, 0), tiles.template load<3>(bias + (N - 1) * 16, 0);
    const std::ptrdiff_t pixel = s.stride_x * packed.channels, next_run = s.dilation_x * packed.channels;
    const std::ptrdiff_t first = x * pixel - std::ptrdiff_t(s.pad_left + origin) * packed.channels - packed.lead;
    const int kh = s.kh, planes = packed.planes, runs = packed.runs, steps = packed.steps;
    for (int ky = 0; ky < kh; ky++) {
      const unsigned short* in = row(j * s.stride_y + ky * s.dilation_y) + first;
      for (int plane = 0; plane < planes; plane++, in += plane_size)
        for (int run = 0; run < runs; run++) {
          const unsigned short* a = in + run * next_run;
          for (int step = 0; step < steps; step++, a += kDepth, weight += kDepth * kOutputs)
            products<M, N>(a, pixel, weight);
        }
    }
    constexpr int stride = N * 16;
    constexpr std::ptrdiff_t bytes = stride * sizeof(float);
    tiles.template store<0>(sums, bytes), tiles.template store<N>(sums + 16 * stride, bytes);
    if constexpr (N == 2)
      tiles.template store<1>(sums + 16, bytes), tiles.template store<3>(sums + 16 * stride + 16, bytes);
    if constexpr (M == 4)
      tiles.template store<2>(sums + 32 * stride, bytes), tiles.template store<3>(sums + 48 * stride, bytes);
    const int left = call.out_stride - output < N * 16 ? call.out_stride - output : N * 16;
    const int pixels = x1 - x < M * 16 ? x1 - x : M * 16;
    out.pixels({sums, stride}, {j, x}, pixels, output, (left + kLanes - 1) / kLanes);
  }

  // All sums of a block of one step.
  template <int M, int N>
  inline __attribute__((always_inline)) void products(const unsigned short* a, std::ptrdiff_t pixel,
                                                      const unsigned short* weight) {
    const std::ptrdiff_t stride = pixel * sizeof(*a);
    tiles.template load<4>(a, stride);
    tiles.template load<6>(weight, 64);
    tiles.template dot<0, 4, 6>();
    tiles.template load<5>(a + 16 * pixel, stride);
    tiles.template dot<N, 5, 6>();
    if constexpr (N == 2) {
      tiles.template load<7>(weight + 512, 64);
      tiles.template dot<1, 4, 7>();
      tiles.template dot<3, 5, 7>();
    }
    if constexpr (M == 4) {
      tiles.template load<4>(a + 32 * pixel, stride);
      tiles.template dot<2, 4, 6>();
      tiles.template load<5>(a + 48 * pixel, stride);
      tiles.template dot<3, 5, 6>();
    }
  }
};

template <Activation kind>
V activated(V sum, const float* slope) {
  if (kind == Activation::relu) return positive(sum);
  return kind == Activation::prelu ? parametric(sum, load(slope)) : sum;
}

// What follows a sum when a model runs: activation, residual, rounding, to float32 or bfloat16.
struct ToMap {
  const ConvolutionCall& call;
  const Finish finish;
  const int channels = plane_channels(call.out_stride);

  void pixels(const Sums& sums, Place at, int pixels, int channel, int vectors) const {
    if (call.epilogue.add_rows || call.epilogue.bf16) return of_any_kind(sums, at, pixels, channel, vectors);
    const Activation kind = finish.packed.activation;
    if (kind == Activation::none) return each<Activation::none>(sums, at, pixels, channel, vectors);
    if (kind == Activation::relu) return each<Activation::relu>(sums, at, pixels, channel, vectors);
    each<Activation::prelu>(sums, at, pixels, channel, vectors);
  }

  template <Activation kind>
  void each(const Sums& sums, Place at, int pixels, int channel, int vectors) const {
    call.out_plane ? to_bf16<kind>(sums, at, pixels, channel, vectors)
                   : to_float32<kind>(sums, at, pixels, channel, vectors);
  }

  template <Activation kind>
  void to_bf16(const Sums& sums, Place at, int pixels, int channel, int vectors) const {
    unsigned short* to = place(at, channel);
    const float *from = sums.first, *slope = finish.packed.slope + channel;
    const int pixel = this->channels;
    if (vectors * kLanes == 32)
      for (int i = 0; i < pixels; i++, from += sums.stride, to += pixel)
#pragma GCC unroll 8
        for (int n = 0; n < 32; n += 2 * kLanes)
          store_bf16(to + n, activated<kind>(load(from + n), slope + n),
                     activated<kind>(load(from + n + kLanes), slope + n + kLanes));
    else
      for (int i = 0; i < pixels; i++, from += sums.stride, to += pixel)
        for (int n = 0; n < vectors * kLanes; n += kLanes)
          store_bf16(to + n, activated<kind>(load(from + n), slope + n));
  }

  template <Activation kind>
  void to_float32(const Sums& sums, Place at, int pixels, int channel, int vectors) const {
    const int pixel = call.out_stride, last = (vectors - 1) * kLanes;
    const int left = pixel - channel - last < kLanes ? pixel - channel - last : kLanes;  // of the last vector
    float* to = call.out[at.row] + std::ptrdiff_t(at.x) * pixel + channel;
    const float *from = sums.first, *slope = finish.packed.slope + channel;
    for (int i = 0; i < pixels; i++, from += sums.stride, to += pixel) {
      for (int n = 0; n < last; n += kLanes) store(to + n, activated<kind>(load(from + n), slope + n));
      store_first(to + last, activated<kind>(load(from + last), slope + last), left);
    }
  }

  unsigned short* place(Place at, int channel) const {
    return reinterpret_cast<unsigned short*>(call.out[at.row]) + channel / kPlane * call.out_plane +
           std::ptrdiff_t(at.x) * channels + channel % kPlane;
  }

  __attribute__((noinline)) void of_any_kind(const Sums& sums, Place at, int pixels, int channel, int vectors) const {
    for (int i = 0; i < pixels; i++, at.x++)
      for (int n = 0; n < vectors; n++) one(load(sums.first + i * sums.stride + n * kLanes), at, channel + n * kLanes);
  }

  void one(V sum, Place at, int channel) const {
    if (!call.out_plane) return finish.one(sum, at.row, at.x, channel, channel);
    store_bf16(place(at, channel), finish.finished(sum, at.row, at.x, channel, channel));
  }
};

void run(const PackedTiles& packed, const ConvolutionCall& call) {
  Rectangle<ToMap>(packed, call, {call, {packed.epilogue, call}}).run();
}

}  // namespace tiles
