// A line is what the two inner sizes span: one row of (n, h, w, c), one channel of (n, c, h, w). Lines go in pieces
// whose number depends on the sizes alone, and the sums of the pieces are added in order.
#include "training/loss.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "execution/pool.h"
#include "isa/kernels.h"
#include "training/buffers.h"

namespace pellucid::training {
namespace {

constexpr long kPiece = 1 << 14;  // numbers, about

struct Lines {
  const LossMaps& maps;
  const long count = maps.sizes[0] * maps.sizes[1], length = maps.sizes[2] * maps.sizes[3];
  const bool dense = (maps.sizes[3] == 1 || maps.target_strides[3] == 1) &&
                     (maps.sizes[2] == 1 || maps.target_strides[2] == maps.sizes[3]);

  // The target's numbers of a line: where they lie or, if that is not one after the other, in `room`.
  const float* target(long line, float* room) const {
    const auto& strides = maps.target_strides;
    const float* from = maps.target + line / maps.sizes[1] * strides[0] + line % maps.sizes[1] * strides[1];
    if (dense) return from;
    float* to = room;
    for (long i = 0; i < maps.sizes[2]; i++)
      for (long j = 0; j < maps.sizes[3]; j++) *to++ = from[i * strides[2] + j * strides[3]];
    return room;
  }
};

template <class T>
T* behind(T* p, std::ptrdiff_t bytes) {
  using Byte = std::conditional_t<std::is_const_v<T>, const std::byte, std::byte>;
  return p ? static_cast<Byte*>(p) + bytes : nullptr;
}

}  // namespace

double mean_loss(const LossMaps& maps, LossKind kind, float epsilon, int threads) {
  const Lines lines{maps};
  const std::ptrdiff_t bytes = lines.length * (maps.bf16 ? sizeof(unsigned short) : sizeof(float));
  const long each = std::max(1L, kPiece / lines.length), pieces = (lines.count + each - 1) / each;
  const double factor = 1 / (double(lines.count) * double(lines.length));
  threads = int(std::clamp<long>(threads, 1, std::max(pieces / 2, 1L)));
  const std::ptrdiff_t room = lines.dense ? 0 : (lines.length + 15) / 16 * 16;
  const Buffer rooms(sizeof(float) * threads * room);
  std::vector<double> sums(pieces);
  std::atomic<long> next = 0;
  run_on_threads(threads, [&](int thread, int) {
    for (long piece; (piece = next++) < pieces;)
      for (long i = piece * each; i < std::min((piece + 1) * each, lines.count); i++)
        sums[piece] += kernels().training->loss(
            {behind(maps.output, i * bytes), maps.bf16, lines.target(i, rooms.floats() + thread * room),
             behind(maps.gradient, i * bytes), lines.length, kind, epsilon, float(factor)});
  });
  double sum = 0;
  for (double piece : sums) sum += piece;
  return sum * factor;
}

}  // namespace pellucid::training
