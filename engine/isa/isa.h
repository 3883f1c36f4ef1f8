// Which instruction sets this processor has, and which one is in force. The best one is chosen at first use;
// PELLUCID_ISA names another. "amx-emulated" takes all the ways of amx on any processor, slowly: it is for tests and
// listed nowhere. Knows names and the processor, and nothing of kernels.
#pragma once

#include <string>
#include <vector>

namespace pellucid {

enum class Isa { scalar, neon, avx2, avx512, amx, amx_emulated };  // plainest first; the last one is for tests

std::string name(Isa isa);
std::vector<std::string> present_isas();  // built in and present here, plainest first
std::string why_no_tiles();               // in words, where amx is not among them
Isa isa_in_force();                       // the first call reads PELLUCID_ISA; refuses an unknown or absent one
void set_isa(const std::string& name);    // for tests: networks made from now on; refuses an unknown or absent one

}  // namespace pellucid
