// Convolution in bfloat16 with float32 sums, on matrix tiles (see isa/tiles_amx.h): weights arrive rounded, inputs are
// rounded here. Row by row the input is copied to bfloat16 in planes of up to 32 channels; from there tiles are loaded
// as they lie, 16 pixels by 32 numbers, whatever the stride. Where a pixel has fewer than 32 channels, one tile row
// takes the next pixels along, that is, several taps in one step.
//
// A block is 32 pixels by 32 outputs (16 where no more are left): four sums, two tiles of input, two of weights. The
// sums of a finished block wait in memory and are brought out a few pixels at a time between the next block's products,
// where the vector units have nothing else to do.

namespace tiles {

constexpr int kPixels = 32, kOutputs = 32, kDepth = 32;

struct Pending {
  const float* sums = nullptr;  // [kPixels][kOutputs]
  int row = 0, x = 0, end = 0;  // pixels [x, end) are still to be brought out
  int first = 0;                // the pixel of sums[0]
  int output = 0, vectors = 0;
};

class Rectangle {
 public:
  Rectangle(const PackedTiles& packed, const ConvolutionCall& call)
      : packed(packed), call(call), s(packed.shape), finish{packed.epilogue, call} {
    x0 = call.x0 < 0 ? 0 : call.x0, x1 = call.x1 < call.width ? call.x1 : call.width;
    pixels = tile_pixels(s, packed.taps_per_step, x1 - x0);
    row_size = std::ptrdiff_t(packed.planes) * pixels * packed.channels;
    sums[0] = static_cast<float*>(call.scratch), sums[1] = sums[0] + kPixels * kOutputs;
    rows = reinterpret_cast<unsigned short*>(sums[1] + kPixels * kOutputs);
  }

  void run() {
    for (int j = 0; j < call.rows && x0 < x1; j++) {
      if (!call.out[j]) continue;
      prepare(j);
      const unsigned short* weight = packed.weight;
      for (int output = 0; output < s.oc; output += kOutputs) {
        const bool both = s.oc - output > kOutputs / 2;
        for (int x = x0; x < x1; x += kPixels) both ? block<2>(j, x, output, weight) : block<1>(j, x, output, weight);
        weight += std::ptrdiff_t(packed.steps) * kDepth * kOutputs;
      }
    }
    bring_out(kPixels);
    const int end = (s.oc + kLanes - 1) / kLanes * kLanes;
    for (int j = 0; j < call.rows && end < call.out_stride; j++)
      if (call.out[j]) finish.pad(j, x0, x1, end);
  }

 private:
  const PackedTiles& packed;
  const ConvolutionCall& call;
  const ConvolutionShape& s;
  const Finish finish;
  Tiles tiles;
  int x0, x1, pixels, last_row = -1, turn = 0;
  std::ptrdiff_t row_size;
  float* sums[2];
  unsigned short* rows;  // a ring: [row % reach_y()][plane][pixel][channel]
  Pending pending;

  int reach_y() const { return tile_rows(s); }
  unsigned short* row(int r) const { return rows + r % reach_y() * row_size; }

  // The input rows of output row j that are not there yet.
  void prepare(int j) {
    const int first = j * s.stride_y, end = first + reach_y();
    for (int r = last_row + 1 > first ? last_row + 1 : first; r < end; r++) copy(r);
    last_row = end - 1;
  }

  // Pixels that only unused columns read are zero, so that nothing infinite meets a weight of zero.
  void copy(int r) {
    const int wanted = (x1 - x0 - 1) * s.stride_x + (s.kw - 1) * s.dilation_x + 1, c = packed.channels;
    const float* in = call.in[r] + std::ptrdiff_t(x0 * s.stride_x - s.pad_left) * call.in_stride;
    for (int plane = 0; plane < packed.planes; plane++) {
      unsigned short* to = row(r) + std::ptrdiff_t(plane) * pixels * c;
      const int left = call.in_stride - plane * kDepth, there = left < c ? left : c;
      if (there == call.in_stride) {
        narrow(in, to, wanted * c);
      } else {
        for (int x = 0; x < wanted; x++) {
          narrow(in + std::ptrdiff_t(x) * call.in_stride + plane * kDepth, to + x * c, there);
          for (int i = there; i < c; i++) to[x * c + i] = 0;
        }
      }
      __builtin_memset(to + std::ptrdiff_t(wanted) * c, 0, sizeof(*to) * (pixels - wanted) * c);
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

  // 32 pixels from x on, N tiles of 16 outputs.
  template <int N>
  void block(int j, int x, int output, const unsigned short* weight) {
    const float* bias = packed.epilogue.bias + output;
    tiles.template load<0>(bias, 0), tiles.template load<2>(bias, 0);
    if constexpr (N == 2) tiles.template load<1>(bias + 16, 0), tiles.template load<3>(bias + 16, 0);
    const std::ptrdiff_t pixel = s.stride_x * packed.channels, stride = pixel * sizeof(*weight);
    const int share = (kPixels + packed.steps - 1) / packed.steps;
    for (int ky = 0; ky < s.kh; ky++) {
      const unsigned short* in = row(j * s.stride_y + ky * s.dilation_y) + (x - x0) * pixel;
      for (int kx = 0; kx < s.kw; kx += packed.taps_per_step)
        for (int plane = 0; plane < packed.planes; plane++, weight += kDepth * kOutputs) {
          const unsigned short* a = in + (std::ptrdiff_t(plane) * pixels + kx * s.dilation_x) * packed.channels;
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
    bring_out(kPixels);
    float* to = sums[turn ^= 1];
    constexpr std::ptrdiff_t line = kOutputs * sizeof(float);
    tiles.template store<0>(to, line), tiles.template store<2>(to + 16 * kOutputs, line);
    if constexpr (N == 2)
      tiles.template store<1>(to + 16, line), tiles.template store<3>(to + 16 + 16 * kOutputs, line);
    const int left = s.oc - output < N * 16 ? s.oc - output : N * 16;
    pending = {to, j, x, x + kPixels < x1 ? x + kPixels : x1, x, output, (left + kLanes - 1) / kLanes};
  }

  void bring_out(int most) {
    for (; most > 0 && pending.x < pending.end; most--, pending.x++) {
      const float* from = pending.sums + (pending.x - pending.first) * kOutputs;
      for (int n = 0; n < pending.vectors; n++) {
        const V sum[1][1] = {{load(from + n * kLanes)}};
        const int at = pending.output + n * kLanes;
        finish.template block<1, 1>(sum, pending.row, pending.x, at, at);
      }
    }
  }
};

void run(const PackedTiles& packed, const ConvolutionCall& call) { Rectangle(packed, call).run(); }

}  // namespace tiles
