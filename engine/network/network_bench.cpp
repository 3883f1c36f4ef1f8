// How long whole networks take: the nets A, C, D of the records and E, A with 16 layers of 64 (3x3 convolutions with
// relu, then a pixel shuffle), best of several runs. Arguments: net, threads, strip, block, runs, 1 for bf16; the
// choice of steps is made by these numbers.
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

Network chain(int c, int layers, Precision precision) {
  std::vector<NodeSpec> nodes;
  for (int i = 0; i <= layers; i++) {
    const long ic = i ? c : 3, oc = i < layers ? c : 27;
    const int from = int(nodes.size()) - 1;
    nodes.push_back({"conv" + std::to_string(i), "conv", {from}, {{"padding", 1.0}}, {}});
    nodes.back().weights["weight"] = random_tensor({oc, ic, 3, 3}, std::sqrt(2.0f / float(9 * ic)));
    nodes.back().weights["bias"] = random_tensor({oc}, 0.1f);
    if (i < layers) nodes.push_back({"relu" + std::to_string(i), "relu", {from + 1}, {}, {}});
  }
  nodes.push_back({"shuffle", "pixel_shuffle", {int(nodes.size()) - 1}, {{"factor", 3.0}}, {}});
  return Network(std::move(nodes), 3, precision);
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
  const Network network = which == 'A'   ? chain(64, 6, precision)
                          : which == 'E' ? chain(64, 16, precision)
                          : which == 'C' ? chain(32, 6, precision)
                                         : chain(16, 4, precision);
  const long h = 360, w = 656;
  const auto picture = random_tensor({h, w, 3}, 0.5f);
  std::vector<float> out(9 * h * w * 3);
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
