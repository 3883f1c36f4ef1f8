// How long whole networks take: the nets A, C, D of the records and E, A with 16 layers of 64 (3x3 convolutions with
// relu, then a pixel shuffle); S and L, built as superres-x3-swift and denoise-light are. Best of several runs.
// Arguments: net, threads, strip, block, runs, 1 for bf16; the choice of steps is made by these numbers.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>

#include "pellucid/engine.h"

using namespace pellucid;

namespace {

std::mt19937 generator(1);

std::shared_ptr<Tensor> random_tensor(std::vector<long> shape, float scale) {
  auto tensor = std::make_shared<Tensor>();
  std::normal_distribution<float> normal(0, scale);
  long size = 1;
  for (long extent : shape) size *= extent;
  for (long i = 0; i < size; i++) tensor->values.push_back(normal(generator));
  tensor->shape = std::move(shape);
  return tensor;
}

struct Maker {
  std::vector<NodeSpec> nodes;

  int add(const char* operation, std::vector<int> inputs, std::map<std::string, Value> attributes = {}) {
    nodes.push_back(
        {operation + std::to_string(nodes.size()), operation, std::move(inputs), std::move(attributes), {}});
    return int(nodes.size()) - 1;
  }
  int conv(int from, long ic, long oc, int k = 3, bool padded = true) {
    const int i = add("conv", {from}, {{"padding", padded ? double(k / 2) : 0.0}});
    nodes[i].weights["weight"] = random_tensor({oc, ic, k, k}, std::sqrt(2.0f / float(k * k * ic)));
    nodes[i].weights["bias"] = random_tensor({oc}, 0.1f);
    return i;
  }
  // ic -> c, then layers of c -> c, each with a relu.
  int layers(int from, int ic, int c, int count) {
    int x = add("relu", {conv(from, ic, c)});
    for (int i = 1; i < count; i++) x = add("relu", {conv(x, c, c)});
    return x;
  }
};

Network chain(int c, int layers, Precision precision) {
  Maker m;
  m.add("pixel_shuffle", {m.conv(m.layers(-1, 3, c, layers), c, 27)}, {{"factor", 3.0}});
  return Network(std::move(m.nodes), 3, precision);
}

Network swift(Precision precision) {
  Maker m;
  const int body = m.layers(-1, 3, 32, 6);
  const int pad = m.add("pad", {-1}, {{"amounts", std::vector<double>(4, 2.0)}, {"mode", std::string("replicate")}});
  const int interpolation = m.conv(pad, 3, 27, 5, false);
  m.add("pixel_shuffle", {m.add("add", {m.conv(body, 32, 27), interpolation})}, {{"factor", 3.0}});
  return Network(std::move(m.nodes), 3, precision);
}

Network light(Precision precision) {
  Maker m;
  const int small = m.add("pixel_unshuffle", {-1}, {{"factor", 2.0}});
  const int body = m.layers(small, 16, 32, 7);
  const int picture = m.add("slice_channels", {small}, {{"stop", 12.0}});
  m.add("pixel_shuffle", {m.add("add", {picture, m.conv(body, 32, 12)})}, {{"factor", 2.0}});
  return Network(std::move(m.nodes), 4, precision);
}

Network network_of(char which, Precision precision) {
  if (which == 'S') return swift(precision);
  if (which == 'L') return light(precision);
  return which == 'D' ? chain(16, 4, precision) : chain(which == 'C' ? 32 : 64, which == 'E' ? 16 : 6, precision);
}

double cpu_ms() { return double(std::clock()) * 1e3 / CLOCKS_PER_SEC; }
double wall_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

int main(int count, char** words) {
  const char which = count > 1 ? words[1][0] : 'A';
  const auto number = [&](int i, int fallback) { return count > i ? std::atoi(words[i]) : fallback; };
  const Precision precision = number(6, 0) ? Precision::bf16 : Precision::fp32;
  RunOptions options;
  options.threads = number(2, 1), options.strip = number(3, 0), options.block = number(4, 0);
  const Network network = network_of(which, precision);
  const long h = 360, w = 656;
  const auto picture = random_tensor({h, w, network.channels()}, 0.5f);
  const Extent to = network.output_shape(h, w);
  std::vector<float> out(to.h * to.w * to.c);
  double best = 1e9, best_cpu = 1e9;
  for (int i = 0; i < number(5, 10); i++) {
    const double wall = wall_ms(), cpu = cpu_ms();
    network.run(picture->values.data(), 1, h, w, out.data(), {}, options);
    best = std::min(best, wall_ms() - wall), best_cpu = std::min(best_cpu, cpu_ms() - cpu);
  }
  const PlanInfo plan = network.plan(h, w, options);
  std::printf("%c: %.2f ms, processor %.2f ms; threads %d, strip %d, block %d\n", which, best, best_cpu, plan.threads,
              plan.strip, plan.block);
}
