#include "kernels/tiles_check.h"

#include <bit>
#include <csetjmp>
#include <csignal>
#include <cstring>

#include "kernels/tiles.h"

namespace pellucid {
namespace {

// A refused instruction on this thread leads to `landing`; on any other it meets what was there before.
thread_local sigjmp_buf* landing = nullptr;
struct sigaction before;

void on_illegal_instruction(int) {
  if (landing) siglongjmp(*landing, 1);
  sigaction(SIGILL, &before, nullptr);
}

template <class F>
bool survives(F work) {
  struct sigaction ours{};
  ours.sa_handler = on_illegal_instruction;
  sigaction(SIGILL, &ours, &before);
  sigjmp_buf place;
  const bool refused = sigsetjmp(place, 1);
  if (!refused) {
    landing = &place;
    work();
  }
  landing = nullptr;
  sigaction(SIGILL, &before, nullptr);
  return !refused;
}

// One row of outputs of a shape, from and to bfloat16 maps or float32 ones. Memory is there before anything may jump.
class Trial {
 public:
  Trial(const ConvolutionShape& shape, bool bf16_in, bool bf16_out)
      : s(shape), bf16_in(bf16_in), bf16_out(bf16_out), bias(size_t(s.oc) + 64), floats(numbers(s.ic, in_pixels())) {
    std::vector<float> weights(size_t(s.oc) * s.ic * s.kh * s.kw);
    for (float& w : weights) w = float(next() % 7 - 3);
    for (int o = 0; o < s.oc; o++) bias.data()[o] = float(next() % 9 - 4);
    const Given given{s, weights.data(), nullptr, nullptr, Activation::relu, !bf16_in};
    weight = packed_for_tiles(given);
    packed = tiles_of(s, split_for_tiles(given), {Activation::relu, bias.data(), bias.data()}, weight.data());
    for (std::size_t i = 0; i < numbers(s.ic, in_pixels()); i++) {
      floats.data()[i] = float(next() % 9 - 4) + float(next() % 5) / 1024;
      halves.push_back(std::uint16_t(std::bit_cast<std::uint32_t>(float(next() % 9 - 4)) >> 16));
    }
    for (int i = 0; i < 2; i++) {
      out.emplace_back(numbers(s.oc, kColumns) + 64);
      scratch.emplace_back(tiles_scratch_bytes(packed, kColumns) / sizeof(float) + 64);
    }
  }

  void run(const KernelTable& table, int which) {
    const float* in[8];
    for (auto& row : in)
      row = (bf16_in ? reinterpret_cast<const float*>(halves.data()) : floats.data()) +
            kMargin * plane_channels(channel_stride(s.ic)) / (bf16_in ? 2 : 1);
    float* to[] = {out[which].data()};
    ConvolutionCall call{};
    call.in = in, call.in_stride = channel_stride(s.ic), call.out = to, call.out_stride = channel_stride(s.oc);
    call.in_plane = bf16_in ? plane(s.ic, in_pixels()) : 0, call.out_plane = bf16_out ? plane(s.oc, kColumns) : 0;
    call.rows = 1, call.x0 = 0, call.x1 = call.width = kColumns, call.scratch = scratch[which].data();
    table.tiles(packed, call);
  }

  bool agree() const { return !std::memcmp(out[0].data(), out[1].data(), numbers(s.oc, kColumns) * sizeof(float)); }

 private:
  static constexpr int kColumns = 37, kMargin = 8;
  const ConvolutionShape s;
  const bool bf16_in, bf16_out;
  unsigned state = 1;
  Floats bias, floats;
  Aligned<std::uint16_t> weight{0};
  std::vector<std::uint16_t> halves;
  PackedTiles packed;
  std::vector<Floats> out, scratch;

  int next() { return int((state = state * 1664525 + 1013904223) >> 16); }
  int in_pixels() const { return (64 + kColumns) * s.stride_x + 2 * kMargin; }
  static std::size_t numbers(int c, int pixels) { return std::size_t(channel_stride(c)) * pixels; }
  static std::ptrdiff_t plane(int c, int pixels) {
    return plane_count(channel_stride(c)) > 1 ? std::ptrdiff_t(pixels) * kPlane : kPlane;
  }
};

}  // namespace

bool tiles_are_right(const KernelTable& real, const KernelTable& emulated) {
  const auto shape = [](int ic, int oc, int k, int stride, int dilation) {
    return ConvolutionShape{ic, oc, k, k, stride, stride, dilation, dilation, 1, 0, k / 2};
  };
  std::vector<Trial> trials;
  trials.emplace_back(shape(3, 40, 3, 1, 1), false, true);
  trials.emplace_back(shape(64, 64, 3, 1, 1), true, true);
  trials.emplace_back(shape(16, 27, 3, 1, 1), true, false);
  trials.emplace_back(shape(48, 16, 3, 2, 1), true, true);
  trials.emplace_back(shape(32, 20, 2, 1, 2), false, false);
  for (auto& trial : trials) {
    trial.run(emulated, 0);
    if (!survives([&] { trial.run(real, 1); }) || !trial.agree()) return false;
  }
  return true;
}

}  // namespace pellucid
