// The processor is asked once. An instruction set counts as present when it was built in, the processor has it and the
// system lets us use it.
#include "isa/isa.h"

#include <atomic>
#include <cstdlib>

#include "isa/kernels.h"
#include "pellucid/engine.h"

namespace pellucid {
namespace {

struct Known {
  Isa isa;
  const char* name;
  bool (*present)();
};

bool always() { return true; }
#ifdef PELLUCID_HAS_AVX2
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif
#ifdef PELLUCID_HAS_AVX512
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("fma");
}
#endif

// Plainest first, as Isa.
constexpr Known kKnown[] = {
    {Isa::scalar, "scalar", always},
#ifdef PELLUCID_HAS_NEON
    {Isa::neon, "neon", always},
#endif
#ifdef PELLUCID_HAS_AVX2
    {Isa::avx2, "avx2", has_avx2},
#endif
#ifdef PELLUCID_HAS_AVX512
    {Isa::avx512, "avx512", has_avx512},
#endif
};

Isa find(const std::string& wanted) {
  std::string list;
  for (const auto& known : kKnown) {
    if (!known.present()) continue;
    if (wanted == known.name) return known.isa;
    list += (list.empty() ? "" : ", ") + std::string(known.name);
  }
  throw Error(Error::Kind::usage, "this instruction set is not available here", wanted, list,
              "unset PELLUCID_ISA to take the best one");
}

Isa choose() {
  if (const char* wanted = std::getenv("PELLUCID_ISA"); wanted && *wanted) return find(wanted);
  Isa best = Isa::scalar;
  for (const auto& known : kKnown)
    if (known.present()) best = known.isa;
  return best;
}

std::atomic<Isa>& in_force() {
  static std::atomic<Isa> isa{choose()};
  return isa;
}

}  // namespace

std::string name(Isa isa) {
  for (const auto& known : kKnown)
    if (known.isa == isa) return known.name;
  return "absent";
}

std::vector<std::string> present_isas() {
  std::vector<std::string> names;
  for (const auto& known : kKnown)
    if (known.present()) names.push_back(known.name);
  return names;
}

Isa isa_in_force() { return in_force(); }

void set_isa(const std::string& name) { in_force() = find(name); }

const KernelTable& kernels() { return kernels(isa_in_force()); }

const KernelTable& kernels(Isa isa) {
  switch (isa) {
#ifdef PELLUCID_HAS_AVX512
    case Isa::avx512:
      return kernels_avx512();
#endif
#ifdef PELLUCID_HAS_AVX2
    case Isa::avx2:
      return kernels_avx2();
#endif
#ifdef PELLUCID_HAS_NEON
    case Isa::neon:
      return kernels_neon();
#endif
    default:
      return kernels_scalar();
  }
}

}  // namespace pellucid
