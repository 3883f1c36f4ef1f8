// The processor is asked once. An instruction set counts as present when it was built in, the processor has it, the
// system lets us use it and, for matrix tiles, their first products are right.
#include "isa/isa.h"

#include <atomic>
#include <cstdlib>
#ifdef PELLUCID_HAS_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "isa/kernels.h"
#include "kernels/tiles_check.h"
#include "pellucid/engine.h"
#include "training/tile_check.h"

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
// Whether the system saves tiles when it switches threads: without its permission a tile may be configured, and its
// first use ends the process.
bool tiles_are_saved() {
  unsigned low = 0, high = 0, a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return false;  // no xgetbv
  asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return (low >> 17 & 3) == 3 && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

bool processor_has_tiles() {  // tiles, tiles of bfloat16, bfloat16 vectors
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!has_avx512() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 24 & 1) || !(d >> 22 & 1)) return false;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
}

const char* what_hinders_tiles() {
  static const char* const reason = [] {
    if (!processor_has_tiles()) return "the processor has none";
    if (!tiles_are_saved()) return "the system does not permit them";
    const KernelTable &real = kernels_amx(), &emulated = kernels_avx512();
    if (!tiles_are_right(real, emulated) || !training::tiles_are_right(*real.training, *emulated.training))
      return "their products are not what they should be";
    return static_cast<const char*>(nullptr);
  }();
  return reason;
}
bool has_amx() { return !what_hinders_tiles(); }
#else
const char* what_hinders_tiles() { return "this build has no kernels for them"; }
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

constexpr const char* kEmulated = "amx-emulated";

Isa find(const std::string& wanted) {
  if (wanted == kEmulated) return Isa::amx_emulated;
  std::string list;
  for (const auto& known : kKnown) {
    if (!known.present()) continue;
    if (wanted == known.name) return known.isa;
    list += (list.empty() ? "" : ", ") + std::string(known.name);
  }
  throw Error(Error::Kind::usage, "this instruction set is not available here", wanted, list,
              "unset PELLUCID_ISA to take the best one");
}

Isa best(bool with_tiles) {
  Isa best = Isa::scalar;
  for (const auto& known : kKnown)
    if ((with_tiles || known.isa != Isa::amx) && known.present()) best = known.isa;
  return best;
}

Isa choose() {
  const char* wanted = std::getenv("PELLUCID_ISA");
  return wanted && *wanted ? find(wanted) : best(true);
}

std::atomic<Isa>& in_force() {
  static std::atomic<Isa> isa{choose()};
  return isa;
}

}  // namespace

std::string name(Isa isa) {
  for (const auto& known : kKnown)
    if (known.isa == isa) return known.name;
  return kEmulated;
}

std::vector<std::string> present_isas() {
  std::vector<std::string> names;
  for (const auto& known : kKnown)
    if (known.present()) names.push_back(known.name);
  return names;
}

std::string why_no_tiles() {
  const char* reason = what_hinders_tiles();
  return reason ? reason : "";
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
    case Isa::amx_emulated: {
      static const KernelTable& plain = kernels(best(false));
      return plain;
    }
    default:
      return kernels_scalar();
  }
}

}  // namespace pellucid
