// Eight matrix tiles of 16 rows of 64 bytes: the processor's own (AMX). Included by kernels_amx.cpp inside an anonymous
// namespace; isa.cpp has asked the system for permission before anything here runs. Same interface and, denormal
// numbers apart, same bits as tiles_emulated.h.
//
// In inline assembly, because GCC 12 may drop the stores that fill the structure given to _tile_loadconfig, and its
// tile intrinsics take no template arguments.

class Tiles {
 public:
  Tiles() {  // the configuration belongs to the thread, and others may have changed it
    alignas(64) unsigned char configuration[64] = {1};  // palette 1
    for (int t = 0; t < 8; t++) configuration[16 + 2 * t] = 64, configuration[48 + t] = 16;
    asm volatile("ldtilecfg %0" ::"m"(configuration) : "memory");
  }
  ~Tiles() { asm volatile("tilerelease"); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;

  template <int T>
  void load(const void* from, std::ptrdiff_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(T) : "memory");
  }
  template <int T>
  void store(void* to, std::ptrdiff_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(T) : "memory");
  }
  // sum[m][n] += the sum over k of a[m][k] b[k / 2][2 n + k % 2], of bfloat16 numbers.
  template <int Sum, int A, int B>
  void dot() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sum), "i"(A), "i"(B));
  }
};
