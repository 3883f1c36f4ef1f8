// Which instruction sets a test goes through: all that are present, or the one that PELLUCID_ISA names.
#pragma once

#include <cstdlib>

#include "isa/isa.h"

namespace pellucid {

inline std::vector<std::string> tested_isas() {
  const char* one = std::getenv("PELLUCID_ISA");
  return one && *one ? std::vector<std::string>{one} : present_isas();
}

}  // namespace pellucid
