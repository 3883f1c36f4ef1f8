// AVX-512: thirty-two vectors of sixteen floats.
#include <immintrin.h>

#include <utility>

#include "isa/kernels.h"
#include "kernels/packed.h"
#include "kernels/winograd.h"
#include "operations/rows.h"

namespace pellucid {
namespace {

constexpr int kLanes = 16;
constexpr int kRegisters = 32;
constexpr int kMostVectors = 3;
constexpr int kBlockPixels[] = {0, 12, 12, 8};

typedef float V __attribute__((vector_size(64)));
typedef int VI __attribute__((vector_size(64)));
typedef float VU __attribute__((vector_size(64), aligned(4), may_alias));

inline V load_first(const float* p, int n) { return _mm512_maskz_loadu_ps(__mmask16((1 << n) - 1), p); }
inline void store_first(float* p, V v, int n) { _mm512_mask_storeu_ps(p, __mmask16((1 << n) - 1), v); }
inline V at_least(V x, V least) { return _mm512_maskz_max_ps(__mmask16(-1), least, x); }

#include "kernels/all.inl.h"

}  // namespace

const KernelTable& kernels_avx512() { return kTable; }

}  // namespace pellucid
