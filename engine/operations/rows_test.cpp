// What passes between the caller's pixels and ours, on every instruction set: any number of channels, any place in
// memory, past the caches and not. Nothing beside the pixels is touched, and no NaN or infinity passes unseen. All
// other row functions are tested through the operations that use them.
#include "operations/rows.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "isa/kernels.h"
#include "isa/tested_isas.h"
#include "layout/tensor_layout.h"

using namespace pellucid;

namespace {

constexpr float kUntouched = -77.0f;
constexpr int kBeside = 40;  // floats before and behind, more than any vector

std::mt19937 generator(1);
int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); }

struct Case {
  const char* what;
  std::string isa;
  int pixels, c, stride, shift;
};

void expect(bool right, const Case& k, const char* claim) {
  if (right) return;
  std::printf("%s, %s: %s; %d pixels of %d floats, %d apart, %d floats behind a line\n", k.what, k.isa.c_str(), claim,
              k.pixels, k.c, k.stride, k.shift);
  std::exit(1);
}

std::vector<float> numbers(std::size_t n) {
  std::vector<float> all(n);
  for (float& x : all) x = float(between(1, 1 << 20));
  return all;
}

// Memory that begins `shift` floats behind a cache line, with a guard on both sides.
struct Guarded {
  std::vector<float> all;
  float* begin;
  std::size_t n;
  Guarded(std::size_t n, int shift) : all(n + 2 * kBeside + 32, kUntouched), n(n) {
    begin = all.data() + kBeside;
    while (reinterpret_cast<std::size_t>(begin) % 64 != std::size_t(shift) * 4) begin++;
  }
  bool untouched_beside() const {
    for (const float& x : all)
      if ((&x < begin || &x >= begin + n) && x != kUntouched) return false;
    return true;
  }
};

// Which float of an input pixel each float of an output pixel is.
using Choice = std::vector<int>;

template <class Move>
void try_to_caller(const Case& k, const Choice& choice, Move move) {
  auto in = numbers(std::size_t(k.pixels) * k.stride);  // exactly: what is read behind it is an error to sanitizers
  const auto right = [&](const float* out) {
    for (int i = 0; i < k.pixels; i++)
      for (int j = 0; j < k.c; j++)
        if (std::memcmp(&out[i * k.c + j], &in[i * k.stride + choice[j]], sizeof(float)) != 0) return false;
    return true;
  };
  Guarded out(std::size_t(k.pixels) * k.c, k.shift);
  expect(move(out.begin, in.data()), k, "finite numbers are called infinite");
  expect(right(out.begin), k, "wrong numbers");
  expect(out.untouched_beside(), k, "written beside the pixels");
  const float bad[] = {std::nanf(""), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  for (int i = 0; i < 8; i++) {
    float& one = in[between(0, k.pixels - 1) * k.stride + choice[between(0, k.c - 1)]];
    const float before = one;
    one = bad[i % 3];
    expect(!move(out.begin, in.data()), k, "NaN or infinity is not seen");
    expect(right(out.begin), k, "other numbers beside an infinite one");
    one = before;
  }
}

void try_unpack(const RowFunctions& f, const Case& k) {
  const auto in = numbers(std::size_t(k.pixels) * k.c);
  Guarded out(std::size_t(k.pixels) * k.stride, k.shift);
  f.unpack(out.begin, in.data(), k.pixels, k.c, k.stride);
  for (int i = 0; i < k.pixels; i++)
    for (int j = 0; j < k.stride; j++)
      expect(out.begin[i * k.stride + j] == (j < k.c ? in[i * k.c + j] : 0.0f), k, "wrong numbers");
  expect(out.untouched_beside(), k, "written beside the pixels");
}

void try_place(const RowFunctions& f, Case k) {
  k.what = "place";
  const int skipped = between(0, 20), step = skipped + k.c + between(0, 20), width = k.c + between(0, 20);
  k.stride = width + between(0, 20);
  const auto in = numbers(std::size_t(k.pixels) * step - (step - skipped - k.c));
  Guarded out(std::size_t(k.pixels) * k.stride - (k.stride - width), k.shift);
  f.place(out.begin, in.data() + skipped, k.pixels, k.c, step, width, k.stride);
  for (int i = 0; i < k.pixels; i++)
    for (int j = 0; j < k.stride && (i + 1 < k.pixels || j < width); j++)
      expect(out.begin[i * k.stride + j] == (j < k.c     ? in[i * step + skipped + j]
                                             : j < width ? 0.0f
                                                         : kUntouched),
             k, "wrong numbers");
  expect(out.untouched_beside(), k, "written beside the pixels");
}

void try_all(const std::string& isa, int c, int pixels) {
  const RowFunctions& f = row_functions();
  const int stride = channel_stride(c);
  Case k{"pack", isa, pixels, c, stride, between(0, 15)};
  Choice first(c);
  for (int j = 0; j < c; j++) first[j] = j;
  try_to_caller(k, first, [&](float* out, const float* in) { return f.pack(out, in, pixels, c, stride); });
  if (c < stride) {  // not the first ones: as a shuffle packs the channels of one phase
    const int skipped = between(1, stride - c);
    for (int& j : first) j += skipped;
    try_to_caller(k, first, [&](float* out, const float* in) { return f.pack(out, in + skipped, pixels, c, stride); });
  }
  k.what = "pick";
  Choice any(c);
  for (int& j : any) j = between(0, stride - 1);
  try_to_caller(k, any, [&](float* out, const float* in) { return f.pick(out, in, any.data(), c, pixels, stride); });
  k.what = "unpack";
  try_unpack(f, k);
  try_place(f, k);
}

}  // namespace

int main() {
  int cases = 0;
  for (const std::string& isa : tested_isas()) {
    set_isa(isa);
    for (int c = 1; c <= 70; c++)
      for (int pixels : {1, 2, 3, between(4, 40), between(200, 700)}) try_all(isa, c, pixels), cases++;
    for (int c : {1000, 1024, 1100}) try_all(isa, c, 3), cases++;
  }
  std::printf("%d cases: every number in its place\n", cases);
}
