// Forward and backward to data in bfloat16 on matrix tiles: the products of kernels/tiles.inl.h, and what training
// makes of their sums. Included after that file, with tiles or their emulation.

namespace training_tiles {

using training::TileBand;

constexpr int kGroup = 16;  // channels whose masks are one number
constexpr int kVectors = kGroup / kLanes;

// Where things of a band lie.
class Place {
 public:
  explicit Place(const TileBand& band)
      : band(band), pixel(plane_channels(band.call.out_stride)), groups(band.call.out_stride / kGroup) {}
  std::ptrdiff_t at(int x, int channel) const {
    return channel / kPlane * band.call.out_plane + std::ptrdiff_t(x) * pixel + channel % kPlane;
  }
  unsigned short* to(int x, int channel) const {
    return reinterpret_cast<unsigned short*>(band.call.out[0]) + at(x, channel);
  }
  unsigned short& mask(int x, int channel) const { return band.mask[std::ptrdiff_t(x) * groups + channel / kGroup]; }

 private:
  const TileBand& band;
  const int pixel, groups;
};

class Forward {
 public:
  explicit Forward(const TileBand& band) : band(band), place(band) {}

  void pixel(const float* sums, int, int x, int channel, int vectors) const {
    for (int end = channel + vectors * kLanes; channel < end; channel += kGroup, sums += kGroup)
      group(sums, x, channel);
  }

 private:
  const TileBand& band;
  const Place place;

  void group(const float* sums, int x, int channel) const {
    unsigned bits = 0;
    unsigned short* to = place.to(x, channel);
    for (int v = 0; v < kVectors; v++) {
      const V sum = load(sums + v * kLanes);
      bits |= positive_lanes(sum) << v * kLanes;
      store_bf16(to + v * kLanes, activated(sum, channel + v * kLanes));
    }
    if (band.mask) place.mask(x, channel) = bits;
  }

  V activated(V sum, int channel) const {
    const PackedEpilogue& e = band.packed.epilogue;
    if (e.activation == Activation::relu) return positive(sum);
    return e.activation == Activation::prelu ? parametric(sum, load(e.slope + channel)) : sum;
  }
};

class Backward {
 public:
  explicit Backward(const TileBand& band)
      : band(band),
        place(band),
        slope(band.packed.epilogue.activation == Activation::prelu ? band.packed.epilogue.slope : nullptr) {}

  void pixel(const float* sums, int, int x, int channel, int vectors) const {
    for (int end = channel + vectors * kLanes; channel < end; channel += kGroup, sums += kGroup)
      group(sums, x, channel);
  }

 private:
  const TileBand& band;
  const Place place;
  const float* const slope;

  void group(const float* gradients, int x, int channel) const {
    const unsigned bits = place.mask(x, channel);
    unsigned short* to = place.to(x, channel);
    for (int v = 0; v < kVectors; v++) {
      const V gradient = load(gradients + v * kLanes);
      const int c = channel + v * kLanes;
      const unsigned lanes = bits >> v * kLanes;
      if (band.sums) add(chosen(lanes, zero(), gradient), x, c);
      store_bf16(to + v * kLanes, chosen(lanes, gradient, slope ? gradient * load(slope + c) : zero()));
    }
  }

  void add(V gradient, int x, int channel) const {
    float* sums = band.sums + channel;
    store(sums, fma(gradient, load_bf16(band.shown + place.at(x, channel)), load(sums)));
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
  const Place place(band);
  for (int x = 0; x < band.call.width; x++)
    for (int channel = 0; channel < band.call.out_stride; channel += kGroup) {
      float gradients[kGroup];
      for (int v = 0; v < kGroup; v += kLanes) store(gradients + v, load_bf16(place.to(x, channel) + v));
      out.pixel(gradients, 0, x, channel, kVectors);
    }
}

}  // namespace training_tiles
