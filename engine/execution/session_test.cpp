// The executor over random graphs: residual chains, U-Nets, several passes. Whatever the threads, strips, blocks and
// the ceiling, and whether rows come at once or bit by bit, the answer has the same bits. Meant for the sanitizers,
// too.
#include "execution/session.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>

#include "pellucid/engine.h"

using namespace pellucid;

namespace {

std::mt19937 generator(1);
int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); }

std::vector<float> normals(std::size_t n, float scale) {
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(n);
  for (float& value : values) value = normal(generator);
  return values;
}

struct Maker {
  std::vector<NodeSpec> nodes;

  int add(const char* operation, std::vector<int> inputs, std::map<std::string, Value> attributes = {}) {
    nodes.push_back(
        {operation + std::to_string(nodes.size()), operation, std::move(inputs), std::move(attributes), {}});
    return int(nodes.size()) - 1;
  }
  int conv(int from, int ic, int oc, int k, int stride = 1) {
    const int i = add("conv", {from}, {{"padding", double(k / 2)}, {"stride", double(stride)}});
    auto weight = std::make_shared<Tensor>();
    weight->shape = {oc, ic, k, k};
    weight->values = normals(std::size_t(oc) * ic * k * k, std::sqrt(2.0f / float(k * k * ic)));
    nodes[i].weights["weight"] = weight;
    nodes[i].weights["bias"] = vector(oc);
    return i;
  }
  int prelu(int from, int c) {
    const int i = add("prelu", {from});
    nodes[i].weights["weight"] = vector(c);
    return i;
  }
  static std::shared_ptr<Tensor> vector(int n) {
    auto values = std::make_shared<Tensor>();
    values->shape = {n};
    values->values = normals(n, 0.3f);
    return values;
  }
};

std::vector<NodeSpec> residual_chain() {
  Maker m;
  const int first = m.add("relu", {m.conv(-1, 3, 12, 3)});
  int x = first;
  for (int i = between(1, 4); i > 0; i--) {
    const int y = m.add(between(0, 1) ? "relu" : "tanh", {m.conv(x, 12, 12, between(0, 2) * 2 + 1)});
    x = between(0, 1) ? m.add("add", {y, x}) : y;
  }
  m.add("pixel_shuffle", {m.add("add", {first, m.conv(x, 12, 12, 3)})}, {{"factor", 2.0}});
  return m.nodes;
}

// Convolutions that make their channels in a shuffle's order, with what is added to them.
std::vector<NodeSpec> enlarging_chain() {
  Maker m;
  const int f = between(2, 4), c = between(1, 4), wide = between(0, 1) ? 16 : 80;
  const int body = m.add("relu", {m.conv(-1, 3, wide, 3)});
  const int deep = m.add("relu", {m.conv(body, wide, wide, between(0, 2) * 2 + 1)});
  int x = m.conv(deep, wide, f * f * c, between(0, 1) * 2 + 1);
  if (between(0, 1)) x = m.prelu(x, f * f * c);
  if (between(0, 1)) x = m.add("add", {x, m.conv(-1, 3, f * f * c, 5)});
  m.add("pixel_shuffle", {x}, {{"factor", double(f)}});
  return m.nodes;
}

std::vector<NodeSpec> u_net() {
  Maker m;
  const int top = m.add("relu", {m.conv(-1, 3, 8, 3)});
  const int down =
      between(0, 1) ? m.conv(top, 8, 16, 3, 2) : m.conv(m.add("max_pool", {top}, {{"kernel", 2.0}}), 8, 16, 3);
  const int up = m.add("resize", {m.add("silu", {down})}, {{"mode", "bilinear"}, {"scale", 2.0}});
  m.add("add", {m.conv(m.add("concat", {up, top}), 24, 3, 3), -1});
  return m.nodes;
}

std::vector<NodeSpec> several_passes() {
  Maker m;
  int x = m.conv(-1, 3, 8, 3);
  for (int i = between(1, 2); i > 0; i--) x = m.conv(m.add("relu", {m.add("instance_norm", {x})}), 8, 8, 3);
  const int gate = m.add("sigmoid", {m.conv(m.add("global_mean_pool", {x}), 8, 8, 1)});
  m.add("concat", {m.add("multiply", {x, gate}), -1});
  return m.nodes;
}

void expect(bool right, const char* what, int kind, int round, const RunOptions& o) {
  if (right) return;
  std::printf("%s: graph %d of kind %d, threads %d, strip %d, block %d, memory %zu\n", what, round, kind, o.threads,
              o.strip, o.block, o.memory);
  std::exit(1);
}

std::vector<float> run(const Network& network, const std::vector<float>& x, long h, long w, const RunOptions& options) {
  const Extent to = network.output_shape(h, w);
  std::vector<float> out(to.h * to.w * to.c, -1.0f);
  network.run(x.data(), 1, h, w, out.data(), {}, options);
  return out;
}

// By the unfused path, which a kept map takes.
RunOptions as_written(RunOptions options) {
  options.keep = {0};
  return options;
}

std::vector<float> streamed(const Network& network, const std::vector<float>& x, long h, long w,
                            const RunOptions& options, long height) {
  Stream stream = network.stream(w, height, options);
  Stream::Rows out;
  for (long y = 0, count = 0; y < h; y += count) {
    count = std::min<long>(between(1, 9), h - y);
    stream.push(x.data() + y * w * 3, count, out);
  }
  stream.finish(out);
  return {out.begin(), out.end()};
}

void try_graph(int kind, int round) {
  const Network network(kind == 0   ? residual_chain()
                        : kind == 1 ? u_net()
                        : kind == 2 ? several_passes()
                                    : enlarging_chain(),
                        3);
  const long h = 2 * between(1, 20), w = 2 * between(1, 40);
  const auto x = normals(h * w * 3, 1);
  RunOptions options{1, 0, int(w), int(h), {}};
  const auto whole = run(network, x, h, w, options);
  expect(run(network, x, h, w, as_written(options)) == whole, "other bits unfused", kind, round, options);
  for (int i = 0; i < 6; i++) {
    options = {between(1, 4), 0, between(1, 40), between(1, 12), {}};
    expect(run(network, x, h, w, options) == whole, "other bits", kind, round, options);
    expect(streamed(network, x, h, w, options, between(0, 1) * h) == whole, "other bits from a stream", kind, round,
           options);
  }
  for (int i = 0; i < 2; i++) {
    options = {between(1, 4), 0, 0, kByLayers, {}};
    expect(network.plan(h, w, options).by_layers, "not by layers", kind, round, options);
    expect(run(network, x, h, w, options) == whole, "other bits by layers", kind, round, options);
    expect(run(network, x, h, w, as_written(options)) == whole, "other bits by layers unfused", kind, round, options);
  }
  for (int i = 0; i < 3; i++) {  // in the memory of one thread several stay further apart
    options = {1, 0, between(1, 40), between(1, 12), {}};
    const PlanInfo alone = network.plan(h, w, options);
    options.threads = between(2, 4);
    options.memory = alone.arena_bytes + options.threads * alone.scratch_bytes;
    expect(network.plan(h, w, options).threads == options.threads, "fewer threads", kind, round, options);
    expect(run(network, x, h, w, options) == whole, "other bits further apart", kind, round, options);
    expect(streamed(network, x, h, w, options, h) == whole, "other bits from a stream further apart", kind, round,
           options);
  }
  if (kind == 2) {  // whole maps in a file
    options = {1, network.plan(h, w, {1, 0, 0, 4, {}}).arena_bytes * 3 / 4, 0, 4, {}};
    try {
      expect(run(network, x, h, w, options) == whole, "other bits under a ceiling", kind, round, options);
    } catch (const Error& error) {
      expect(error.kind == Error::Kind::resource, error.what(), kind, round, options);
    }
  }
}

// One number beyond float32 in a picture is met at the output.
void try_infinity(int round) {
  const Network network(enlarging_chain(), 3);
  const long h = between(1, 20), w = between(1, 40);
  auto x = normals(h * w * 3, 1);
  x[between(0, int(x.size()) - 1)] = std::numeric_limits<float>::infinity();
  const RunOptions options{between(1, 3), 0, between(1, 40), between(1, 12), {}};
  try {
    run(network, x, h, w, options);
  } catch (const Error& error) {
    return expect(error.kind == Error::Kind::not_finite, error.what(), 3, round, options);
  }
  expect(false, "infinity is not seen", 3, round, options);
}

}  // namespace

int main() {
  for (int round = 0; round < 12; round++)
    for (int kind = 0; kind < 4; kind++) try_graph(kind, round);
  for (int round = 0; round < 12; round++) try_infinity(round);
  std::puts("48 random graphs: the same bits in every order, and no infinity unseen");
}
