// Per-pixel kernels, as burst denoising predicts them: every pixel of a picture is a sum of its neighbours with weights
// of its own.
#include <algorithm>

#include "operations/families.h"

namespace pellucid {
namespace {

// Inputs: picture (h, w, c), kernels (h, w, kh kw) for all channels or (h, w, c kh kw) for each; zeros around.
class ApplyKernels : public Primitive {
 public:
  explicit ApplyKernels(Pair kernel) : kernel(kernel) {}
  Shape shape(const std::vector<Shape>& in) const override {
    const int taps = kernel.y * kernel.x;
    if (in[0].h != in[1].h || in[0].w != in[1].w)
      throw ExtentError(Error::Kind::graph, "picture and kernels differ in size", text(in[1]), text(in[0]));
    if (in[0].c && in[1].c && in[1].c != taps && in[1].c != taps * in[0].c)
      throw Error(Error::Kind::graph, "the kernels have the wrong number of channels", std::to_string(in[1].c),
                  std::to_string(taps) + " or " + std::to_string(taps * in[0].c));
    return in[0];
  }
  Reads reads(int input, Axis axis, long, long) const override {
    const int k = axis == Axis::y ? kernel.y : kernel.x;
    return input == 1 ? Reads{} : Reads{1, -(k / 2), k - 1 - k / 2, 1};
  }
  void run(const Task& task) const override {
    const int c = task.out.shape.c, stride = task.out.stride;
    for (long y = task.y0; y < task.y1; y++)
      for (long x = task.x0; x < task.x1; x++) {
        float* out = task.out.row(y) + x * stride;
        std::fill(out, out + stride, 0.0f);
        pixel(task, y, x, out, c);
      }
  }

 private:
  void pixel(const Task& task, long y, long x, float* out, int c) const {
    const Rows &picture = *task.in[0], &kernels = *task.in[1];
    const int taps = kernel.y * kernel.x, per_channel = kernels.shape.c == taps ? 0 : taps;
    const float* weight = kernels.row(y) + x * kernels.stride;
    for (int ky = 0; ky < kernel.y; ky++) {
      const float* row = picture.row_or_zeros(y + ky - kernel.y / 2);
      for (int kx = 0; kx < kernel.x; kx++) {
        const long sx = x + kx - kernel.x / 2;
        if (sx < 0 || sx >= picture.shape.w) continue;
        for (int j = 0; j < c; j++)
          out[j] += row[sx * picture.stride + j] * weight[j * per_channel + ky * kernel.x + kx];
      }
    }
  }
  const Pair kernel;
};

int apply_kernels(Builder& b) {
  return b.add(std::make_shared<ApplyKernels>(b.pair("kernel", 1)), {b.input(0), b.input(1)});
}

}  // namespace

Declarations kernel_declarations() {
  return {{{"apply_kernels",
            2,
            2,
            {{"kernel", "pair", {}}},
            {},
            "picture and kernels (kh kw, or c kh kw channels): each pixel's own weighted sum of its neighbours"},
           apply_kernels}};
}

}  // namespace pellucid
