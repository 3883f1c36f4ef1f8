// Convolution in bfloat16 with float32 sums, on matrix tiles (see isa/tiles_amx.h): weights arrive rounded. Tiles are
// loaded as the input lies, 16 pixels by 32 numbers, whatever the stride: from a bfloat16 map at once, from a float32
// map by way of a copy of the rows that are read. A tile row takes 32 numbers that lie side by side, be they channels
// of one tap or of several (see PackedTiles).
//
// A block is 32 pixels by 32 outputs (16 where no more are left): four sums, two tiles of input, two of weights. The
// sums of a finished block wait in memory and are brought out a few pixels at a time between the next block's products,
// where the vector units have nothing else to do. For a bfloat16 map 32 outputs are done for all rows before the next
// ones, so that their weights stay in the first cache.

namespace tiles {

constexpr int kPixels = 32, kOutputs = 32, kDepth = 32;

struct Pending {
  int row = 0, x = 0, end = 0;  // pixels [x, end) are still to be brought out
  int first = 0;                // the pixel of sums[0]
  int output = 0, vectors = 0;
};

// What a pixel's sums become is `Out`'s to say: out.pixel(sums, row, x, channel, vectors), each pixel once.
template <class Out>
class Rectangle {
 public:
  Rectangle(const PackedTiles& packed, const ConvolutionCall& call, const Out& out)
      : packed(packed), call(call), s(packed.shape), out(out) {
    x0 = call.x0 < 0 ? 0 : call.x0, x1 = call.x1 < call.width ? call.x1 : call.width;
    sums = static_cast<float*>(call.scratch);
    copies = reinterpret_cast<unsigned short*>(sums + kPixels * kOutputs);
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
    bring_out(kPixels);
  }

 private:
  const PackedTiles& packed;
  const ConvolutionCall& call;
  const ConvolutionShape& s;
  const Out& out;
  Tiles tiles;
  int x0, x1, origin, last_row = -1;  // origin: the pixel that a row of the input begins with
  std::ptrdiff_t plane_size;
  float* sums;             // [kPixels][kOutputs]
  unsigned short* copies;  // a ring: [row % tile_rows()][plane][32 numbers before the first pixel, then all]
  Pending pending;

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
    for (int i = 0; i < pixels * C; i += kLanes) {
      const V x = pixels * C - i < kLanes ? load_first(in + i, pixels * C - i) : load(in + i), high = round_to_bf16(x);
      unsigned short parts[2][kLanes];
      store_bf16(parts[0], high), store_bf16(parts[1], x - high);
      for (int k = 0; k < kLanes && i + k < pixels * C; k += some)
        for (int part = 0; part < 2; part++)
          __builtin_memcpy(to + (i + k) / C * 2 * C + part * C + (i + k) % C, parts[part] + k, some * sizeof(*to));
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
    const int share = (kPixels + steps - 1) / steps;
    const bool both = s.oc - output > kOutputs / 2;
    for (int x = x0; x < x1; x += kPixels)
      both ? block<2>(j, x, output, weight, share) : block<1>(j, x, output, weight, share);
  }

  // 32 pixels from x on, N tiles of 16 outputs; `share` pixels of the last block are brought out at every step.
  template <int N>
  void block(int j, int x, int output, const unsigned short* weight, int share) {
    const float* bias = packed.epilogue.bias + output;
    tiles.template load<0>(bias, 0), tiles.template load<2>(bias, 0);
    if constexpr (N == 2) tiles.template load<1>(bias + 16, 0), tiles.template load<3>(bias + 16, 0);
    const std::ptrdiff_t pixel = s.stride_x * packed.channels, stride = pixel * sizeof(*weight);
    const std::ptrdiff_t first = x * pixel - std::ptrdiff_t(s.pad_left + origin) * packed.channels - packed.lead;
    for (int ky = 0; ky < s.kh; ky++) {
      const unsigned short* in = row(j * s.stride_y + ky * s.dilation_y) + first;
      for (int plane = 0; plane < packed.planes; plane++, in += plane_size)
        for (int run = 0; run < packed.runs; run++) {
          const unsigned short* a = in + run * s.dilation_x * packed.channels;
          for (int step = 0; step < packed.steps; step++, a += kDepth, weight += kDepth * kOutputs) {
            tiles.template load<4>(a, stride);
            tiles.template load<6>(weight, 64);
            tiles.template dot<0, 4, 6>();
            tiles.template load<5>(a + 16 * pixel, stride);
            tiles.template dot<2, 5, 6>();
            if constexpr (N == 2) {
              tiles.template load<7>(weight + 512, 64);
              tiles.template dot<1, 4, 7>();
              tiles.template dot<3, 5, 7>();
            }
            bring_out(share);
          }
        }
    }
    bring_out(kPixels);
    constexpr std::ptrdiff_t line = kOutputs * sizeof(float);
    tiles.template store<0>(sums, line), tiles.template store<2>(sums + 16 * kOutputs, line);
    if constexpr (N == 2)
      tiles.template store<1>(sums + 16, line), tiles.template store<3>(sums + 16 + 16 * kOutputs, line);
    const int left = call.out_stride - output < N * 16 ? call.out_stride - output : N * 16;
    pending = {j, x, x + kPixels < x1 ? x + kPixels : x1, x, output, (left + kLanes - 1) / kLanes};
  }

  void bring_out(int most) {
    const int end = pending.x + most < pending.end ? pending.x + most : pending.end;
    for (; pending.x < end; pending.x++)
      out.pixel(sums + (pending.x - pending.first) * kOutputs, pending.row, pending.x, pending.output, pending.vectors);
  }
};

// What follows a sum when a model runs: activation, residual, rounding, to float32 or bfloat16.
struct ToMap {
  const ConvolutionCall& call;
  const Finish finish;
  const int channels = plane_channels(call.out_stride);

  void pixel(const float* sums, int row, int x, int channel, int vectors) const {
    for (int n = 0; n < vectors; n++) one(load(sums + n * kLanes), row, x, channel + n * kLanes);
  }

  void one(V sum, int row, int x, int channel) const {
    if (!call.out_plane) return finish.one(sum, row, x, channel, channel);
    unsigned short* to = reinterpret_cast<unsigned short*>(call.out[row]) + channel / kPlane * call.out_plane +
                         std::ptrdiff_t(x) * channels + channel % kPlane;
    store_bf16(to, finish.finished(sum, row, x, channel, channel));
  }
};

void run(const PackedTiles& packed, const ConvolutionCall& call) {
  Rectangle<ToMap>(packed, call, {call, {packed.epilogue, call}}).run();
}

}  // namespace tiles
