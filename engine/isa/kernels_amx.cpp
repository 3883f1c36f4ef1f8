// AVX-512 with matrix tiles (AMX) for bfloat16: AVX-512's table with those entries replaced that use them.
#include <immintrin.h>

#include <utility>

#include "isa/kernels.h"
#include "kernels/packed.h"
#include "kernels/winograd.h"

namespace pellucid {
namespace {

constexpr int kLanes = 16;

typedef float V __attribute__((vector_size(64)));
typedef int VI __attribute__((vector_size(64)));
typedef float VU __attribute__((vector_size(64), aligned(4), may_alias));

inline V load_first(const float* p, int n) { return _mm512_maskz_loadu_ps(__mmask16((1 << n) - 1), p); }
inline void store_first(float* p, V v, int n) { _mm512_mask_storeu_ps(p, __mmask16((1 << n) - 1), v); }
inline V at_least(V x, V least) { return _mm512_maskz_max_ps(__mmask16(-1), least, x); }

// clang-format off
#include "isa/tiles_amx.h"
#define PELLUCID_STORE_BF16
inline void store_bf16(unsigned short* p, V v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), __m256i(_mm512_cvtneps_pbh(v)));
}
inline void store_bf16(unsigned short* p, V a, V b) {
  _mm512_storeu_si512(p, __m512i(_mm512_cvtne2ps_pbh(b, a)));
}
#define PELLUCID_BITS_OF_LANES
inline unsigned positive_lanes(V v) { return _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GT_OQ); }
inline V chosen(unsigned bits, V set, V unset) { return _mm512_mask_blend_ps(__mmask16(bits), unset, set); }
#include "isa/vec.h"
#include "kernels/finish.inl.h"
#include "kernels/tiles.inl.h"
#include "training/tile_convolution.inl.h"
#include "training/tile_weights.inl.h"
// clang-format on

}  // namespace

const KernelTable& kernels_amx() {
  static const training::Functions functions = [] {
    training::Functions f = *kernels_avx512().training;
    f.tile_forward = training_tiles::forward;
    f.tile_backward = training_tiles::backward;
    f.tile_back_through = training_tiles::back_through;
    f.tile_weights = training_tiles::weights;
    return f;
  }();
  static const KernelTable table = [] {
    KernelTable t = kernels_avx512();
    t.tiles = tiles::run;
    t.training = &functions;
    return t;
  }();
  return table;
}

}  // namespace pellucid
