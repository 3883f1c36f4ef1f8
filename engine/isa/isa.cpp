// The processor is asked once. An instruction set counts as present when it was built in, the processor has it and the
// system lets us use it.
#include "isa/isa.h"

#include <atomic>
#include <cstdlib>
#ifdef PELLUCID_HAS_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

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
#ifdef PELLUCID_HAS_AMX
// Beside the processor's bits (tiles, tiles of bfloat16, bfloat16 vectors) it takes the system's permission: without it
// a tile may be configured, and its first use ends the process.
bool has_amx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!has_avx512() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 24 & 1) || !(d >> 22 & 1)) return false;
  if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a >> 5 & 1)) return false;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  static const bool permitted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return permitted;
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
#ifdef PELLUCID_HAS_AMX
    {Isa::amx, "amx", has_amx},
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

// Tiles are taken by name only: their kernels have been held to an exact emulation and not yet to a processor that has
// them (docs/decisions/float32-first.md).
Isa choose() {
  if (const char* wanted = std::getenv("PELLUCID_ISA"); wanted && *wanted) return find(wanted);
  Isa best = Isa::scalar;
  for (const auto& known : kKnown)
    if (known.present() && known.isa != Isa::amx) best = known.isa;
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
#ifdef PELLUCID_HAS_AMX
    case Isa::amx:
      return kernels_amx();
#endif
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
