// AArch64: thirty-two vectors of four floats. Tested under emulation only.
#include <utility>

#include "isa/kernels.h"
#include "kernels/packed.h"
#include "kernels/winograd.h"
#include "operations/rows.h"

namespace pellucid {
namespace {

constexpr int kLanes = 4;
constexpr int kRegisters = 32;
constexpr int kMostVectors = 3;
constexpr int kBlockPixels[] = {0, 20, 10, 7};

typedef float V __attribute__((vector_size(16)));
typedef int VI __attribute__((vector_size(16)));
typedef float VU __attribute__((vector_size(16), aligned(4), may_alias));

inline V load_first(const float* p, int n) {
  V v = {};
  for (int i = 0; i < n; i++) v[i] = p[i];
  return v;
}
inline void store_first(float* p, V v, int n) {
  for (int i = 0; i < n; i++) p[i] = v[i];
}
inline V at_least(V x, V least) { return least > x ? least : x; }

#include "kernels/all.inl.h"

}  // namespace

const KernelTable& kernels_neon() { return kTable; }

}  // namespace pellucid
