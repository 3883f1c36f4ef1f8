#include "training/optimiser.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "execution/pool.h"
#include "isa/kernels.h"

namespace pellucid::training {
namespace {

constexpr long kPiece = 1 << 14;  // numbers that one thread takes at a time; sums go piece by piece

// Calls work(number of the piece, tensor, first, count) for the pieces of all tensors. One piece alone wakes nobody.
template <class T, class F>
void for_all_pieces(const std::vector<T>& tensors, int threads, F work) {
  std::vector<long> begins{0};  // the number of each tensor's first piece
  for (const T& tensor : tensors) begins.push_back(begins.back() + (tensor.count + kPiece - 1) / kPiece);
  std::atomic<long> next = 0;
  run_on_threads(int(std::clamp<long>(threads, 1, std::max(begins.back() / 2, 1L))), [&](int, int) {
    for (long piece; (piece = next++) < begins.back();) {
      const long k = std::upper_bound(begins.begin(), begins.end(), piece) - begins.begin() - 1;
      const long first = (piece - begins[k]) * kPiece;
      work(piece, tensors[k], first, std::min(kPiece, tensors[k].count - first));
    }
  });
}

}  // namespace

void adam_step(const std::vector<AdamTensor>& tensors, const AdamSettings& s, int threads) {
  const double unbiased_m = 1 - std::pow(s.beta1, s.t), unbiased_v = 1 - std::pow(s.beta2, s.t);
  const AdamFactors factors{.gradient = float(s.gradient),
                            .keep = float(1 - s.rate * s.decay),
                            .rest1 = float(1 - s.beta1),
                            .beta2 = float(s.beta2),
                            .rest2 = float(1 - s.beta2),
                            .rate = float(s.rate / unbiased_m),
                            .root = float(1 / std::sqrt(unbiased_v)),
                            .epsilon = float(s.epsilon),
                            .toward = float(s.toward)};
  const Functions& functions = *kernels().training;
  for_all_pieces(tensors, threads, [&](long, const AdamTensor& t, long first, long count) {
    functions.adam({t.weight + first, t.m + first, t.v + first, t.average ? t.average + first : nullptr,
                    t.gradient + first, count},
                   factors);
  });
}

double length_of(const std::vector<Numbers>& tensors, int threads) {
  long pieces = 0;
  for (const Numbers& tensor : tensors) pieces += (tensor.count + kPiece - 1) / kPiece;
  std::vector<double> sums(pieces);
  const Functions& functions = *kernels().training;
  for_all_pieces(tensors, threads, [&](long piece, const Numbers& t, long first, long count) {
    sums[piece] = functions.squares(t.data + first, count);
  });
  double sum = 0;
  for (double piece : sums) sum += piece;
  return std::sqrt(sum);
}

}  // namespace pellucid::training
