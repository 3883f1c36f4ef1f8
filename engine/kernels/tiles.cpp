// Packs weights for tiles.inl.h, as bfloat16. Preferred only where the tiles are real.
#include <bit>

#include "kernels/kernel.h"

namespace pellucid {
namespace {

std::uint16_t to_bf16(float x) {  // to nearest, ties to even; the weights are finite
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

class MatrixTiles : public Kernel {
 public:
  explicit MatrixTiles(const Given& given)
      : Kernel("tiles", given, divide_up(given.shape.oc, 32) * 32), weight(pack(given)), packed(describe(given)) {}
  void run(const ConvolutionCall& call) const override { table.tiles(packed, call); }
  std::size_t scratch_bytes(int columns) const override {
    const auto& s = packed.shape;
    const std::size_t numbers =
        std::size_t(tile_rows(s)) * packed.planes * packed.channels * tile_pixels(s, packed.taps_per_step, columns);
    return 2 * 32 * 32 * sizeof(float) + numbers * sizeof(std::uint16_t);
  }
  static bool takes(const ConvolutionShape& s) {
    return s.groups == 1 && (s.dilation_x == 1 || s.kw == 1 || s.ic > 16) && isa_for(s) == isa_in_force();
  }

 private:
  static int channels(const ConvolutionShape& s) { return std::min(channel_stride(s.ic), 32); }
  PackedTiles describe(const Given& given) const {
    const auto& s = given.shape;
    const int c = channels(s), planes = divide_up(s.ic, c), taps = 32 / c;
    return {s, epilogue, weight.data(), c, planes, taps, s.kh * divide_up(s.kw, taps) * planes};
  }
  std::vector<std::uint16_t> pack(const Given& given) const;
  const std::vector<std::uint16_t> weight;
  const PackedTiles packed;
};

std::vector<std::uint16_t> MatrixTiles::pack(const Given& given) const {
  const auto& s = given.shape;
  const int c = channels(s), planes = divide_up(s.ic, c), taps = 32 / c;
  std::vector<std::uint16_t> out;
  for (int block = 0; block < s.oc; block += 32)
    for (int ky = 0; ky < s.kh; ky++)
      for (int kx = 0; kx < s.kw; kx += taps)
        for (int plane = 0; plane < planes; plane++)
          for (int i = 0; i < 1024; i++) {  // [2 tiles][16 pairs][16 outputs][2]
            const int k = i / 32 % 16 * 2 + i % 2, oc = block + i / 512 * 16 + i / 2 % 16;
            const int x = kx + k / c, ic = plane * c + k % c;
            out.push_back(oc < s.oc && x < s.kw && ic < s.ic ? to_bf16(given.at(oc, ic, ky, x)) : 0);
          }
  return out;
}

bool with_real_tiles(const ConvolutionShape&) { return isa_in_force() == Isa::amx; }

}  // namespace

Offer tiles_kernel() { return {MatrixTiles::takes, with_real_tiles, make<MatrixTiles>}; }

}  // namespace pellucid
