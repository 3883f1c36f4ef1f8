// Forward and backward to data in bfloat16 on matrix tiles: the products of kernels/tiles.inl.h, and what training
// makes of their sums. Included after that file, with tiles or their emulation.

namespace training_tiles {

using training::TileBand;

constexpr int kGroup = 16;  // channels whose masks are one number
constexpr int kVectors = kGroup / kLanes;

// Where things of a band lie.
class BandPlace {
 public:
  explicit BandPlace(const TileBand& band)
      : pixel(plane_channels(band.call.out_stride)), groups(band.call.out_stride / kGroup), band(band) {}
  std::ptrdiff_t at(int x, int channel) const {
    return channel / kPlane * band.call.out_plane + std::ptrdiff_t(x) * pixel + channel % kPlane;
  }
  unsigned short* to(int x, int channel) const {
    return reinterpret_cast<unsigned short*>(band.call.out[0]) + at(x, channel);
  }
  unsigned short& mask(int x, int channel) const { return band.mask[std::ptrdiff_t(x) * groups + channel / kGroup]; }

  const int pixel, groups;  // numbers from pixel to pixel, of a map and of a mask

 private:
  const TileBand& band;
};

class Forward {
 public:
  explicit Forward(const TileBand& band) : band(band), place(band) {}

  void pixels(const tiles::Sums& sums, tiles::Place at, int pixels, int channel, int vectors) const {
    const Activation kind = band.packed.epilogue.activation;
    const int groups = vectors / kVectors;
    if (kind == Activation::none) return each<Activation::none>(sums, at.x, pixels, channel, groups);
    if (kind == Activation::relu) return each<Activation::relu>(sums, at.x, pixels, channel, groups);
    each<Activation::prelu>(sums, at.x, pixels, channel, groups);
  }

 private:
  const TileBand& band;
  const BandPlace place;

  template <Activation kind>
  void each(const tiles::Sums& sums, int x, int pixels, int channel, int groups) const {
    unsigned short *to = place.to(x, channel), *mask = band.mask ? &place.mask(x, channel) : nullptr;
    const float *from = sums.first, *slope = band.packed.epilogue.slope + channel;
    for (int i = 0; i < pixels; i++, from += sums.stride, to += place.pixel) {
      for (int g = 0; g < groups; g++) {
        unsigned bits = 0;
#pragma GCC unroll 4
        for (int v = 0; v < kGroup; v += kLanes) {
          const V sum = load(from + g * kGroup + v);
          if (kind != Activation::none) bits |= positive_lanes(sum) << v;
          store_bf16(to + g * kGroup + v, tiles::activated<kind>(sum, slope + g * kGroup + v));
        }
        if (kind != Activation::none && mask) mask[g] = bits;
      }
      if (mask) mask += place.groups;
    }
  }
};

class Backward {
 public:
  explicit Backward(const TileBand& band)
      : band(band),
        place(band),
        slope(band.packed.epilogue.activation == Activation::prelu ? band.packed.epilogue.slope : nullptr) {}

  void pixels(const tiles::Sums& sums, tiles::Place at, int pixels, int channel, int vectors) const {
    const int groups = vectors / kVectors;
    if (band.sums) return each<true, true>(sums, at.x, pixels, channel, groups);
    slope ? each<true, false>(sums, at.x, pixels, channel, groups)
          : each<false, false>(sums, at.x, pixels, channel, groups);
  }

 private:
  const TileBand& band;
  const BandPlace place;
  const float* const slope;

  template <bool sloped, bool summed>
  void each(const tiles::Sums& sums, int x, int pixels, int channel, int groups) const {
    unsigned short* to = place.to(x, channel);
    const unsigned short* mask = &place.mask(x, channel);
    const unsigned short* shown = summed ? band.shown + place.at(x, channel) : nullptr;
    const float* from = sums.first;
    for (int i = 0; i < pixels; i++, from += sums.stride, to += place.pixel, mask += place.groups) {
      for (int g = 0; g < groups; g++)
#pragma GCC unroll 4
        for (int v = 0; v < kGroup; v += kLanes) {
          const int c = g * kGroup + v;
          const V gradient = load(from + c);
          const unsigned lanes = unsigned(mask[g]) >> v;
          if (summed) add(lanes, gradient, shown + c, band.sums + channel + c);
          store_bf16(to + c, chosen(lanes, gradient, sloped ? gradient * load(slope + channel + c) : zero()));
        }
      if (summed) shown += place.pixel;
    }
  }

  // Neither factor of a lane that is left out may show, as infinity times zero would.
  static void add(unsigned left_out, V gradient, const unsigned short* shown, float* sums) {
    const V factor = chosen(left_out, zero(), load_bf16(shown));
    store(sums, fma(chosen(left_out, zero(), gradient), factor, load(sums)));
  }
};

template <class Out>
void convolution(const TileBand& band) {
  tiles::Rectangle<Out>(band.packed, band.call, Out(band)).run();
}

void forward(const TileBand& band) { convolution<Forward>(band); }
void backward(const TileBand& band) { convolution<Backward>(band); }

void back_through(const TileBand& band) {
  const Backward out(band);
  const BandPlace place(band);
  for (int x = 0; x < band.call.width; x++)
    for (int channel = 0; channel < band.call.out_stride; channel += kGroup) {
      float gradients[kGroup];
      for (int v = 0; v < kGroup; v += kLanes) store(gradients + v, load_bf16(place.to(x, channel) + v));
      out.pixels({gradients, kGroup}, {0, x}, 1, channel, kVectors);
    }
}

}  // namespace training_tiles
