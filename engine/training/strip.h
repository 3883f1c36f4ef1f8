// The rows that a band of work reads, copied from dense maps to where kernels want them: channels padded to a stride,
// zeros left, right, above and below. A strip is small enough to stay in the second cache.
#pragma once

#include <algorithm>
#include <cstring>

#include "training/convolution.h"

namespace pellucid::training {

struct Strip {
  ConstMaps maps;
  int stride;              // floats from pixel to pixel
  int spread_y, spread_x;  // the map has spread - 1 zeros after each of its rows and pixels: a stride, undone
  long left, pixels;       // margin at the left; pixels of a whole row, both margins included

  std::ptrdiff_t pitch() const { return pixels * stride; }

  void copy_row(long item, long y, float* to) const {
    const bool inside = y >= 0 && y < (maps.h - 1) * spread_y + 1 && y % spread_y == 0;
    const bool plain = maps.c == stride && spread_x == 1;
    const long w = std::min(maps.w, (pixels - left + spread_x - 1) / spread_x);
    if (!inside || !plain) std::fill_n(to, pitch(), 0.0f);
    if (!inside) return;
    const float* from = maps.data + ((item * maps.h + y / spread_y) * maps.w) * maps.c;
    float* place = to + left * stride;
    if (plain) {
      std::fill(to, place, 0.0f);
      std::memcpy(place, from, sizeof(float) * w * stride);
      std::fill(place + w * stride, to + pitch(), 0.0f);
    } else {
      for (long x = 0; x < w; x++) std::copy_n(from + x * maps.c, maps.c, place + x * spread_x * stride);
    }
  }

  void copy_rows(long item, long y, int rows, float* to) const {
    for (int i = 0; i < rows; i++) copy_row(item, y + i, to + i * pitch());
  }
};

}  // namespace pellucid::training
