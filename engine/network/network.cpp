// Networks: loading, running on arrays in memory, and naming the node that makes NaN or infinity.
#include <algorithm>
#include <array>

#include "execution/pool.h"
#include "network/network_state.h"

namespace pellucid {
namespace {

void expect_picture(long h, long w) {
  if (h < 1 || w < 1)
    throw Error(Error::Kind::usage, "the picture is empty", std::to_string(h) + " x " + std::to_string(w),
                "at least 1 x 1");
}

// A graph is checked for channels when it is loaded; what depends on a picture's size is checked when one comes.
std::vector<Shape> trial_shapes(const Lowered& graph) {
  try {
    return infer_shapes(graph, {kTrialExtent, kTrialExtent, graph.channels});
  } catch (const ExtentError&) {
    return {};
  }
}

std::vector<int> lowered_places(const Lowered& graph, const std::vector<int>& keep) {
  std::vector<int> places;
  for (int user : keep) {
    if (user < 0 || user >= int(graph.of_user.size()))
      throw Error(Error::Kind::usage, "a node that does not exist is to be kept", std::to_string(user),
                  "0 to " + std::to_string(graph.of_user.size() - 1));
    places.push_back(graph.of_user[user]);
  }
  return places;
}

}  // namespace

Network::Network(std::vector<NodeSpec> nodes, int channels, Precision precision) : state(new State) {
  if (channels < 1) throw Error(Error::Kind::graph, "a picture needs channels", std::to_string(channels), "at least 1");
  state->specs = std::move(nodes), state->channels = channels, state->precision = precision;
  state->fused = lower(state->specs, channels, precision);
  fuse(state->fused, trial_shapes(state->fused));
  if (precision == Precision::bf16) mark_rounded(state->fused);
  prepare(state->fused);
}

int Network::channels() const { return state->channels; }

const Lowered& Network::State::unfused() {
  std::lock_guard lock(mutex);
  if (!written) {
    auto graph = std::make_unique<Lowered>(lower(specs, channels, precision));
    if (precision == Precision::bf16) mark_rounded(*graph);
    prepare(*graph);
    written = std::move(graph);
  }
  return *written;
}

std::shared_ptr<const Plan> Network::State::plan_for(long h, long w, const RunOptions& options, bool as_written) {
  const Lowered& graph = as_written ? unfused() : fused;
  std::vector<long> key = {h,
                           w,
                           options.threads > 0 ? options.threads : usable_threads(),
                           long(options.memory),
                           options.strip,
                           options.block,
                           as_written};
  for (int kept : options.keep) key.push_back(kept);
  std::lock_guard lock(mutex);
  for (const auto& known : plans)
    if (known.key == key) return known.plan;
  auto plan = plan_within(graph, h, w, options, lowered_places(graph, options.keep), false);
  if (plans.size() >= 8) plans.erase(plans.begin());
  plans.push_back({key, plan});
  return plan;
}

std::unique_ptr<Session> Network::State::session_for(const std::shared_ptr<const Plan>& plan) {
  {
    std::lock_guard lock(mutex);
    if (idle && idle->current_plan() == plan) return std::move(idle);
  }
  return std::make_unique<Session>(plan);
}

// The memory of the last run serves the next one of the same plan, which saves its page faults.
void Network::State::give_back(std::unique_ptr<Session> session) {
  std::lock_guard lock(mutex);
  if (session->current_plan()->arena_bytes < (std::size_t(256) << 20) && !session->current_plan()->spilled_bytes)
    idle = std::move(session);
}

Extent Network::output_shape(long h, long w) const {
  expect_picture(h, w);
  const Shape shape = checked_shapes(state->fused, {h, w, state->channels})[state->fused.output];
  return {shape.h, shape.w, shape.c};
}

std::vector<Extent> Network::kept_shapes(long h, long w, const std::vector<int>& keep) const {
  std::vector<Extent> all;
  if (keep.empty()) return all;
  const Lowered& graph = state->unfused();
  const auto shapes = checked_shapes(graph, {h, w, state->channels});
  for (int place : lowered_places(graph, keep)) all.push_back({shapes[place].h, shapes[place].w, shapes[place].c});
  return all;
}

namespace {

[[noreturn]] void blame(const Lowered& graph, int node) {
  const std::string hint = "numbers beyond float32 come from weights or pictures of the wrong scale";
  if (node == 0) throw Error(Error::Kind::not_finite, "the picture holds NaN or infinity", "", "finite numbers");
  throw Error(Error::Kind::not_finite,
              "node '" + graph.nodes[node].name + "' (" + graph.nodes[node].operation + ") makes NaN or infinity", "",
              "finite numbers", hint);
}

}  // namespace

void Network::run(const float* in, long n, long h, long w, float* out, const std::vector<float*>& kept,
                  const RunOptions& options) const {
  expect_picture(h, w);
  const bool as_written = !options.keep.empty();
  const auto plan = state->plan_for(h, w, options, as_written);
  const Extent to = output_shape(h, w);
  const auto places = lowered_places(plan->graph, options.keep);
  auto session = state->session_for(plan);
  session->ask(options.interrupted);
  for (long i = 0; i < n; i++) {
    session->bind_input(in + i * h * w * state->channels, 0);
    session->bind_output(out + i * to.h * to.w * to.c, 0);
    session->begin();
    session->run_all();
    if (session->failed()) {  // once more, node by node
      Session careful(std::make_shared<Plan>(state->unfused(), PlanRequest{.h = h, .w = w, .keep = {}}));
      careful.bind_input(in + i * h * w * state->channels, 0);
      careful.bind_output(out + i * to.h * to.w * to.c, 0);
      careful.check_every_node(true);
      careful.begin();
      careful.run_all();
      if (careful.failed()) blame(state->unfused(), careful.failed_node());
      blame(plan->graph, session->failed_node());
    }
    for (std::size_t k = 0; k < kept.size(); k++) {
      const Shape& shape = plan->nodes[places[k]].shape;
      session->copy_map(places[k], kept[k] + i * shape.h * shape.w * shape.c);
    }
  }
  state->give_back(std::move(session));
}

PlanInfo Network::plan(long h, long w, const RunOptions& options) const {
  expect_picture(h, w);
  const auto plan = state->plan_for(h, w, options, !options.keep.empty());
  PlanInfo info{};
  const auto shape_of = [&](int i) {
    const Shape& s = plan->nodes[i].shape;
    return Extent{s.h, s.w, s.c};
  };
  for (std::size_t i = 0; i < plan->nodes.size(); i++) {
    const NodeLayout& node = plan->nodes[i];
    const LoweredNode& lowered = plan->graph.nodes[i];
    if (!node.alive) continue;
    std::vector<Shape> in;
    for (int from : lowered.inputs) in.push_back(plan->nodes[from].shape);
    const double each = i ? lowered.primitive->multiply_adds(in) : 0;
    const auto grid = [&](const AxisPlan& axis) {
      const long lines = (axis.extent - axis.phase + node.tile - 1) / node.tile * node.tile;
      return double(axis.phase ? lines + node.tile : lines);
    };
    const double columns = lowered.primitive->columns() > 1 ? double(plan->columns_of(int(i))) : grid(node.x);
    const double pixels = double(node.shape.h) * double(node.shape.w);
    info.nodes.push_back({lowered.name, lowered.operation, lowered.primitive->kernel(), shape_of(int(i)), node.pass,
                          node.direct ? 0 : node.capacity, node.whole, node.spilled, node.bytes, each * pixels,
                          each * (grid(node.y) * columns - pixels), node.tile, node.y.phase, node.x.phase});
    info.weight_bytes += i ? lowered.primitive->weight_bytes() : 0;
  }
  info.input = shape_of(0), info.output = shape_of(plan->graph.output);
  info.by_layers = plan->request.by_layers;
  info.threads = plan->request.threads, info.block = int(std::min<long>(plan->block, h)), info.strip = plan->strip;
  info.strips = int(plan->passes[0].columns.size()) - 1, info.passes = int(plan->passes.size());
  info.arena_bytes = plan->arena_bytes, info.spilled_bytes = plan->spilled_bytes;
  info.scratch_bytes = plan->scratch_bytes * plan->request.threads;
  return info;
}

}  // namespace pellucid
