// How training keeps maps of bfloat16 for matrix tiles. A plane is all pixels of an image, row after row, 32 channels
// of each (all channels where they are no multiple of 32). One pixel of zeros ends every row and is the left margin of
// the next; a row of zeros lies before the image, and the one before the next plane lies after it. So a tap is the same
// number of pixels away for every pixel of an image, and an image is one long row: no block of pixels is wasted on the
// right edge, whatever the width.
//
// Masks have a bit for each value, whether it was positive before the activation: for every pixel of an image, ends of
// rows included, a number of 16 bits for 16 channels. Channels come in sixteens; those nobody asked for are zero.
#pragma once

#include <cstddef>
#include <cstdint>

#include "layout/tensor_layout.h"

namespace pellucid::training {

constexpr int kTile = 16;        // rows of a tile, numbers of float32 in one of them
constexpr int kTilePixels = 32;  // that a product takes; blocks may read as many in excess

struct TileMaps {
  std::uint16_t* data;
  long n, h, w;
  int c;

  int groups() const { return (c + kTile - 1) / kTile; }
  int channels() const { return groups() * kTile; }
  int pixel() const { return plane_channels(channels()); }  // numbers of a pixel in its plane
  int planes() const { return plane_count(channels()); }
  long pitch() const { return w + 1; }
  long pixels() const { return h * pitch(); }
  long before() const { return pitch() + 2; }  // zeros before a plane's first pixel
  std::ptrdiff_t whole_plane() const { return (before() + pixels()) * pixel(); }
  std::ptrdiff_t plane() const { return planes() > 1 ? whole_plane() : kPlane; }  // as Rows::plane

  std::uint16_t* row(long item, long y) const {
    return data + item * planes() * whole_plane() + (before() + y * pitch()) * pixel();
  }
  std::uint16_t* margin(long item, long y, int plane) const {
    return row(item, y) + plane * whole_plane() + w * pixel();
  }
  std::size_t numbers() const { return n * planes() * whole_plane() + (before() + 2 * kTilePixels) * pixel(); }
  std::size_t mask_numbers() const { return n * pixels() * groups(); }
};

}  // namespace pellucid::training
