// Packs weights for tiles.inl.h, as bfloat16. Preferred only where the tiles are real, or tests ask for their
// emulation.
#include "kernels/tiles.h"

#include <bit>

namespace pellucid {
namespace {

std::uint16_t to_bf16(float x) {  // to nearest, ties to even; the weights are finite
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

class MatrixTiles : public Kernel {
 public:
  explicit MatrixTiles(const Given& given)
      : Kernel("tiles", given, divide_up(given.shape.oc, 32) * 32),
        weight(packed_for_tiles(given)),
        packed(tiles_of(given.shape, split_for_tiles(given), epilogue, weight.data())) {}
  void run(const ConvolutionCall& call) const override { table.tiles(packed, call); }
  std::size_t scratch_bytes(int columns) const override { return tiles_scratch_bytes(packed, columns); }
  bool reads_bf16() const override { return packed.parts == 1; }
  bool writes_bf16() const override { return true; }
  int columns() const override { return 32; }
  int reach() const override {  // of bfloat16 maps: a run's lead, and pixels of outputs that a block has in excess
    return std::max(divide_up(packed.lead, packed.channels), 32 * packed.shape.stride_x);
  }
  static bool takes(const ConvolutionShape& s) { return s.groups == 1 && isa_for(s) == isa_in_force(); }
  static bool prefers(const ConvolutionShape&) { return with_tiles(); }

 private:
  const Aligned<std::uint16_t> weight;
  const PackedTiles packed;
};

}  // namespace

bool split_for_tiles(const Given& given) { return given.split && channel_stride(given.shape.ic) <= kMostSplit; }

Aligned<std::uint16_t> packed_for_tiles(const Given& given) {
  const auto& s = given.shape;
  const PackedTiles p = tiles_of(s, split_for_tiles(given), {}, nullptr);
  Aligned<std::uint16_t> out(std::size_t(divide_up(s.oc, 32)) * s.kh * p.planes * p.runs * p.steps * 1024);
  std::uint16_t* to = out.data();
  for (int block = 0; block < s.oc; block += 32)
    for (int ky = 0; ky < s.kh; ky++)
      for (int plane = 0; plane < p.planes; plane++)
        for (int run = 0; run < p.runs; run++)
          for (int i = 0; i < p.steps * 1024; i++) {  // [step][2 tiles][16 pairs][16 outputs][2]
            const int number = i / 1024 * 32 + i / 32 % 16 * 2 + i % 2 - p.lead,
                      oc = block + i / 512 % 2 * 16 + i / 2 % 16;
            const int kx = run + number / p.channels, ic = plane * p.channels + number % (p.channels / p.parts);
            *to++ = number >= 0 && oc < s.oc && ic < s.ic ? to_bf16(given.at(oc, ic, ky, kx)) : 0;
          }
  return out;
}

std::size_t tiles_scratch_bytes(const PackedTiles& packed, int columns) {
  const std::size_t numbers = std::size_t(tile_rows(packed.shape)) * packed.planes * tile_plane(packed, columns);
  return kTileSums * sizeof(float) + numbers * sizeof(std::uint16_t);
}

Offer tiles_kernel() { return {MatrixTiles::takes, MatrixTiles::prefers, make<MatrixTiles>}; }

}  // namespace pellucid
