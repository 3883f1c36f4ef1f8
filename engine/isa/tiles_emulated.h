// Eight matrix tiles of 16 rows of 64 bytes, in ordinary C++: for processors without any, so that packing, layout and
// edges of the kernel over them are tested everywhere. Sums as the processor's manual states them: even and odd terms
// apart, then together, then to the tile. Far too slow for anything but tests.

class Tiles {
 public:
  template <int T>
  void load(const void* from, std::ptrdiff_t stride) {
    for (int m = 0; m < 16; m++) __builtin_memcpy(tile[T][m], static_cast<const char*>(from) + m * stride, 64);
  }
  template <int T>
  void store(void* to, std::ptrdiff_t stride) {
    for (int m = 0; m < 16; m++) __builtin_memcpy(static_cast<char*>(to) + m * stride, tile[T][m], 64);
  }
  template <int Sum, int A, int B>
  void dot() {
    for (int m = 0; m < 16; m++) {
      float terms[32] = {};
      for (int k = 0; k < 16; k++)
        for (int n = 0; n < 32; n++) terms[n] += number(tile[A][m], 2 * k + n % 2) * number(tile[B][k], n);
      float sums[16];
      __builtin_memcpy(sums, tile[Sum][m], 64);
      for (int n = 0; n < 16; n++) sums[n] += terms[2 * n] + terms[2 * n + 1];
      __builtin_memcpy(tile[Sum][m], sums, 64);
    }
  }

 private:
  static float number(const unsigned char* row, int i) {
    const unsigned bits = (unsigned(row[2 * i + 1]) << 8 | row[2 * i]) << 16;
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
  }
  unsigned char tile[8][16][64];
};
