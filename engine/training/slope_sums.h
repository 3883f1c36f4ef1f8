// The sums for slopes, apart for each piece of work and added in order: the same bits for any number of threads.
#pragma once

#include <algorithm>

#include "training/buffers.h"

namespace pellucid::training {

class SlopeSums {
 public:
  // `result`, of `channels` values, may be null: nothing is summed then. Pieces add to `padded` values.
  SlopeSums(float* result, long pieces, int channels, int padded)
      : result(result),
        pieces(result ? pieces : 0),
        channels(channels),
        padded(padded),
        sums(sizeof(float) * this->pieces * padded) {
    std::fill_n(sums.floats(), this->pieces * padded, 0.0f);
  }
  float* of(long piece) const { return result ? sums.floats() + piece * padded : nullptr; }
  void finish() const {
    if (result) std::fill_n(result, channels, 0.0f);
    for (long piece = 0; piece < pieces; piece++)
      for (int c = 0; c < channels; c++) result[c] += of(piece)[c];
  }

 private:
  float* const result;
  const long pieces;
  const int channels, padded;
  const Buffer sums;
};

}  // namespace pellucid::training
