// AVX-512 with matrix tiles (AMX) for bfloat16: AVX-512's table with one entry replaced.
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
#include "isa/vec.h"
#include "kernels/finish.inl.h"
#include "kernels/tiles.inl.h"
// clang-format on

}  // namespace

const KernelTable& kernels_amx() {
  static const KernelTable table = [] {
    KernelTable t = kernels_avx512();
    t.tiles = tiles::run;
    return t;
  }();
  return table;
}

}  // namespace pellucid
