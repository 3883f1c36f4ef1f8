// Operations along the channels of each pixel: concat, slice, softmax, pooling over groups of channels.
#include <algorithm>
#include <cmath>

#include "operations/families.h"

namespace pellucid {
namespace {

class Concat : public Primitive {
 public:
  Shape shape(const std::vector<Shape>& in) const override {
    Shape out = in[0];
    long channels = out.c;
    for (std::size_t k = 1; k < in.size(); k++) {
      if (in[k].h != out.h || in[k].w != out.w)
        throw ExtentError(Error::Kind::graph, "maps of different sizes are concatenated", text(in[k]), text(in[0]));
      channels = channels && in[k].c ? channels + in[k].c : 0;
    }
    out.c = checked_channels(channels);
    return out;
  }
  void run(const Task& task) const override {
    const int stride = task.out.stride, c = task.out.shape.c;
    for (long y = task.y0; y < task.y1; y++)
      for (int from = 0, k = 0; from < c; from += task.in[k]->shape.c, k++) {
        const Rows& in = *task.in[k];
        const bool last = from + in.shape.c == c;
        row_functions().place(task.out.row(y) + task.x0 * stride + from, in.row(y) + task.x0 * in.stride,
                              task.columns(), in.shape.c, in.stride, last ? stride - from : in.shape.c, stride);
      }
  }
};

class Slice : public Primitive {
 public:
  Slice(int start, int stop) : start(start), stop(stop) {}
  Shape shape(const std::vector<Shape>& in) const override {
    if (in[0].c && stop > in[0].c)
      throw Error(Error::Kind::graph, "a slice goes beyond the channels", std::to_string(stop),
                  std::to_string(in[0].c));
    return {in[0].h, in[0].w, stop - start};
  }
  void run(const Task& task) const override {
    const int stride = task.out.stride, step = task.in[0]->stride, c = stop - start;
    for (long y = task.y0; y < task.y1; y++)
      row_functions().place(task.out.row(y) + task.x0 * stride, task.in[0]->row(y) + task.x0 * step + start,
                            task.columns(), c, step, stride, stride);
  }

 private:
  const int start, stop;
};

class Softmax : public Primitive {
 public:
  Shape shape(const std::vector<Shape>& in) const override { return in[0]; }
  void run(const Task& task) const override {
    const int stride = task.out.stride, c = task.out.shape.c;
    for (long y = task.y0; y < task.y1; y++)
      for (long x = task.x0; x < task.x1; x++)
        pixel(task.in[0]->row(y) + x * stride, task.out.row(y) + x * stride, c, stride);
  }

 private:
  static void pixel(const float* in, float* out, int c, int stride) {
    const float highest = *std::max_element(in, in + c);
    for (int j = 0; j < c; j++) out[j] = in[j] - highest;
    std::fill(out + c, out + stride, 0.0f);
    row_functions().unary(Unary::exp, out, out, stride, 0, 0);
    double sum = 0;
    for (int j = 0; j < c; j++) sum += out[j];
    std::fill(out + c, out + stride, 0.0f);
    row_functions().scale(out, out, float(1 / sum), stride);
  }
};

// Channels go into `groups` runs of neighbours, and each run becomes one channel.
class ChannelPool : public Primitive {
 public:
  ChannelPool(int groups, bool mean) : groups(groups), mean(mean) {}
  Shape shape(const std::vector<Shape>& in) const override {
    if (in[0].c % groups)
      throw Error(Error::Kind::graph, "the channels do not divide into the groups", std::to_string(in[0].c),
                  "a multiple of " + std::to_string(groups));
    return {in[0].h, in[0].w, groups};
  }
  void run(const Task& task) const override {
    const int stride = task.out.stride, step = task.in[0]->stride, n = task.in[0]->shape.c / groups;
    for (long y = task.y0; y < task.y1; y++)
      for (long x = task.x0; x < task.x1; x++) {
        const float* in = task.in[0]->row(y) + x * step;
        float* out = task.out.row(y) + x * stride;
        for (int g = 0; g < groups; g++, in += n) out[g] = mean ? average(in, n) : *std::max_element(in, in + n);
        std::fill(out + groups, out + stride, 0.0f);
      }
  }

 private:
  static float average(const float* in, int n) {
    double sum = 0;
    for (int j = 0; j < n; j++) sum += in[j];
    return float(sum / n);
  }
  const int groups;
  const bool mean;
};

int concat(Builder& b) { return b.add(std::make_shared<Concat>(), b.all_inputs()); }

int slice(Builder& b) {
  const int start = b.integer("start", 0), stop = b.integer("stop", 1);
  if (start >= stop)
    b.refuse("a slice of no channels", std::to_string(start) + ":" + std::to_string(stop), "start < stop");
  return b.add(std::make_shared<Slice>(start, stop), {b.input()});
}

int softmax(Builder& b) { return b.add(std::make_shared<Softmax>(), {b.input()}); }

template <bool mean>
int channel_pool(Builder& b) {
  return b.add(std::make_shared<ChannelPool>(b.integer("groups", 1), mean), {b.input()});
}

}  // namespace

Declarations channel_declarations() {
  const std::vector<AttributeInfo> groups = {{"groups", "int", 1.0}};
  return {
      {{"concat", 1, 1 << 20, {}, {}, "the channels of all inputs, one after the other"}, concat},
      {{"slice_channels", 1, 1, {{"start", "int", 0.0}, {"stop", "int", {}}}, {}, "channels start up to stop"}, slice},
      {{"softmax", 1, 1, {}, {}, "exp(x) over its sum over the channels"}, softmax},
      {{"channel_max_pool", 1, 1, groups, {}, "the largest of each group of neighbouring channels"},
       channel_pool<false>},
      {{"channel_mean_pool", 1, 1, groups, {}, "the mean of each group of neighbouring channels"}, channel_pool<true>},
  };
}

}  // namespace pellucid
