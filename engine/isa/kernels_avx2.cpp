// AVX2 with FMA: sixteen vectors of eight floats.
#include <immintrin.h>

#include <utility>

#include "isa/kernels.h"
#include "kernels/packed.h"
#include "kernels/winograd.h"
#include "operations/rows.h"

namespace pellucid {
namespace {

constexpr int kLanes = 8;
constexpr int kRegisters = 16;
constexpr int kMostVectors = 3;
constexpr int kBlockPixels[] = {0, 10, 6, 4};

typedef float V __attribute__((vector_size(32)));
typedef int VI __attribute__((vector_size(32)));
typedef float VU __attribute__((vector_size(32), aligned(4), may_alias));

inline __m256i first(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline V load_first(const float* p, int n) { return _mm256_maskload_ps(p, first(n)); }
inline void store_first(float* p, V v, int n) { _mm256_maskstore_ps(p, first(n), v); }
inline V at_least(V x, V least) { return _mm256_max_ps(least, x); }

#include "kernels/all.inl.h"

}  // namespace

const KernelTable& kernels_avx2() { return kTable; }

}  // namespace pellucid
