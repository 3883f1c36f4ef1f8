// How feature maps lie in memory, stated once. Inside the engine a map is rows of pixels of float32 with the channels
// innermost. A pixel takes `channel_stride(c)` floats, so that every pixel begins on a vector boundary; the floats
// between c and the stride are zero in every buffer at all times, and so are the pixels in the margins left and right
// of each row. The caller's arrays are plain: (h, w, c) without any padding. Nothing here knows operations or plans.
//
// Maps that only matrix tiles write and read are stored as bfloat16, with the same strides counted in such numbers.
// Where the channels fill planes of 32, a row is plane after plane, so that a tile row is a cache line.
#pragma once

#include <cstddef>

namespace pellucid {

// 1 to 4 channels: 4 floats; 5 to 8: 8; more: the next multiple of 16.
constexpr int channel_stride(int c) { return c <= 4 ? 4 : c <= 8 ? 8 : (c + 15) / 16 * 16; }

constexpr int kPlane = 32;
constexpr int plane_channels(int stride) { return stride % kPlane ? stride : kPlane; }  // of a pixel in its plane
constexpr int plane_count(int stride) { return stride / plane_channels(stride); }

// The extent of one feature map. c == 0 stands for a channel count that depends on a size not yet known (flatten).
struct Shape {
  long h = 0, w = 0;
  int c = 0;
  bool operator==(const Shape&) const = default;
};

// Rows of one map as a step sees them: a ring, a whole map, or the caller's own memory. Row y of the map lies in slot
// y % capacity; rows outside the picture are a shared row of zeros. Pointers are to pixel x = 0.
struct Rows {
  float* base = nullptr;     // pixel 0 of slot 0
  std::ptrdiff_t pitch = 0;  // floats from slot to slot
  long capacity = 1;         // slots
  long first = 0;            // the row that slot 0 held at first (streams begin in the middle of their memory)
  Shape shape;               // of the whole map
  int stride = 0;            // floats from pixel to pixel
  const float* zeros = nullptr;
  // bfloat16: numbers from plane to plane, or kPlane if there is one only, so that channel c of pixel x always lies at
  // c / kPlane * plane + x * plane_channels(stride) + c % kPlane. 0: float32.
  std::ptrdiff_t plane = 0;

  float* row(long y) const { return base + (y - first) % capacity * pitch; }
  const float* row_or_zeros(long y) const { return y < 0 || y >= shape.h ? zeros : row(y); }
};

}  // namespace pellucid
