// Frontiers, passes, phases: the integers of the plan. Memory is in memory_plan.cpp, the choice of steps in steps.cpp.
#include "graph/plan.h"

#include <algorithm>
#include <numeric>

#include "graph/lower.h"

namespace pellucid {
namespace {

long round_down(long v, int tile, int phase) {
  return v >= kEverything ? v : floor_div(v - phase, tile) * tile + phase;
}

// The first and the last line of the tile grid that a map needs.
long start(const AxisPlan& plan, int tile) { return plan.phase ? plan.phase - tile : 0; }
long end(const AxisPlan& plan, int tile) { return plan.phase - floor_div(plan.phase - plan.extent, tile) * tile; }

Fraction times(Fraction f, long n, long d) {
  Fraction out = {f.n * n, f.d * d, f.exact};
  const long common = std::gcd(out.n, out.d);
  out.n /= common, out.d /= common;
  // Ratios of no simple form only meter how fast a kept map is fed; which pixels are read is not their business.
  while (out.n > (1 << 20) || out.d > (1 << 20)) out = {std::max(out.n / 2, 1L), std::max(out.d / 2, 1L), false};
  return out;
}

}  // namespace

Plan::Plan(const Lowered& graph, const PlanRequest& request) : graph(graph), request(request) {
  nodes.resize(graph.nodes.size());
  const auto shapes = checked_shapes(graph, Shape{request.h, request.w, graph.channels});
  for (std::size_t i = 0; i < nodes.size(); i++) {
    nodes[i].shape = shapes[i];
    nodes[i].tile = graph.nodes[i].primitive->tile();
  }
  find_life();
  bind(Axis::y), bind(Axis::x);
  find_passes();
  find_phases(Axis::y), find_phases(Axis::x);
  choose_steps();
  find_columns();
  find_blocks();
  find_distance();
  find_capacities();
  place();
  if (request.by_layers) choose_shares();
}

// Nodes that neither the output nor a kept map needs are left out.
void Plan::find_life() {
  nodes[graph.output].alive = true;
  for (int kept : request.keep) nodes[kept].alive = true;
  for (std::size_t i = nodes.size(); i-- > 0;)
    if (nodes[i].alive)
      for (int from : graph.nodes[i].inputs) nodes[from].alive = true;
  nodes[0].alive = true;
}

void Plan::bind(Axis axis) {
  for (std::size_t i = 0; i < nodes.size(); i++) {
    AxisPlan& plan = axis == Axis::y ? nodes[i].y : nodes[i].x;
    plan.extent = axis == Axis::y ? nodes[i].shape.h : nodes[i].shape.w;
    plan.reads.clear();
    bool scaled = false;
    for (std::size_t k = 0; k < graph.nodes[i].inputs.size(); k++) {
      const AxisPlan& from = along(axis, graph.nodes[i].inputs[k]);
      plan.reads.push_back(graph.nodes[i].primitive->reads(int(k), axis, from.extent, plan.extent));
      const Reads& r = plan.reads.back();
      if (!scaled && !r.whole()) plan.scale = times(from.scale, r.d, r.a), scaled = true;
    }
  }
}

void Plan::find_passes() {
  int last = 0;
  for (std::size_t i = 1; i < nodes.size(); i++) {
    if (!nodes[i].alive) continue;
    NodeLayout& node = nodes[i];
    const auto& inputs = graph.nodes[i].inputs;
    bool all_late = true;
    for (std::size_t k = 0; k < inputs.size(); k++) {
      const NodeLayout& from = nodes[inputs[k]];
      node.pass = std::max(node.pass, from.pass);
      all_late &= from.late || (node.y.reads[k].whole() && from.shape.h > 1);
    }
    node.late = all_late;
    for (std::size_t k = 0; k < inputs.size() && !all_late; k++)
      if (nodes[inputs[k]].late && nodes[inputs[k]].pass == node.pass) {
        node.pass++;
        break;
      }
    last = std::max(last, node.pass);
  }
  passes.resize(last + 1);
  for (std::size_t i = 0; i < nodes.size(); i++) nodes[i].last_pass = nodes[i].pass;
  for (std::size_t i = 0; i < nodes.size(); i++)
    if (nodes[i].alive)
      for (int from : graph.nodes[i].inputs) nodes[from].last_pass = std::max(nodes[from].last_pass, nodes[i].pass);
  for (auto& node : nodes) node.whole = node.last_pass > node.pass;
  for (int kept : request.keep) nodes[kept].whole = true, nodes[kept].last_pass = last;
}

// Frontiers run on beyond the ends of the maps while they are handed on, and are clipped where they are used.
void Plan::frontier(Axis axis, int pass, long known, std::vector<long>& out) const {
  const std::size_t n = nodes.size();
  out.assign(2 * n, -1);
  long* const handed_on = out.data() + n;
  for (std::size_t i = 0; i < n; i++) {
    const NodeLayout& node = nodes[i];
    if (!node.alive || node.pass != pass) continue;
    const AxisPlan& plan = along(axis, int(i));
    long v = i == 0 ? known : kEverything;
    for (std::size_t k = 0; k < plan.reads.size(); k++) {
      const int from = graph.nodes[i].inputs[k];
      const Fraction scale = along(axis, from).scale;
      long there = handed_on[from];
      if (nodes[from].pass < pass)  // a whole map or a late value: fed at the pace of the picture
        there = nodes[from].late || known >= kEverything ? kEverything : floor_div(known * scale.n, scale.d);
      v = std::min(v, plan.reads[k].count(std::max(there, 0L)));
    }
    handed_on[i] = round_down(v, node.tile, plan.phase);
    out[i] = std::clamp(handed_on[i], start(plan, node.tile), end(plan, node.tile));
  }
}

void Plan::beginning(Axis axis, int pass, std::vector<long>& out) const {
  out.assign(2 * nodes.size(), -1);
  for (std::size_t i = 0; i < nodes.size(); i++)
    if (nodes[i].alive && nodes[i].pass == pass) out[i] = start(along(axis, int(i)), nodes[i].tile);
}

// Blocks and strips that are multiples of this keep every tile grid in step.
long Plan::grid(Axis axis) const {
  long all = 1;
  for (std::size_t i = 0; i < nodes.size(); i++) {
    if (!nodes[i].alive) continue;
    const Fraction scale = along(axis, int(i)).scale;
    const long wanted = nodes[i].tile * scale.d;
    const long one = wanted / std::gcd(wanted, scale.n);
    if (std::lcm(all, one) <= 64) all = std::lcm(all, one);
  }
  return all;
}

// After how many blocks every frontier has moved by whole tiles, so that all is as it was, that much further down.
// 0: never, or not soon; ratios without a simple form, or maps that meet and are fed at different paces.
long Plan::blocks_to_repeat() const {
  constexpr long kSoon = 1 << 12;
  long rows = block;
  for (std::size_t i = 0; i < nodes.size(); i++) {
    const NodeLayout& node = nodes[i];
    if (!node.alive) continue;
    for (std::size_t k = 0; k < node.y.reads.size(); k++) {
      const NodeLayout& from = nodes[graph.nodes[i].inputs[k]];
      const Reads& r = node.y.reads[k];
      if (!r.whole() && !from.late && times(from.y.scale, r.d, r.a) != node.y.scale) return 0;
    }
    const long wanted = node.tile * node.y.scale.d;
    rows = std::lcm(rows, wanted / std::gcd(wanted, node.y.scale.n));
    if (!node.y.scale.exact || rows > kSoon * block) return 0;
  }
  return rows / block;
}

// The phase of a grid is where the frontier lies far from the beginning, when every grid upstream has been rounded to:
// a function of graph and picture, not of blocks. A 3x3 convolution lags its input by one row, not by one tile.
void Plan::find_phases(Axis axis) {
  const long step = grid(axis), far = (1 << 18) / step * step;
  std::vector<long> raw(nodes.size(), 0);
  for (std::size_t i = 0; i < nodes.size(); i++) {
    if (!nodes[i].alive) continue;
    AxisPlan& plan = axis == Axis::y ? nodes[i].y : nodes[i].x;
    long v = i == 0 ? far : kEverything;
    for (std::size_t k = 0; k < plan.reads.size(); k++) {
      const int from = graph.nodes[i].inputs[k];
      const Fraction scale = along(axis, from).scale;
      const long there = nodes[from].pass < nodes[i].pass ? floor_div(far * scale.n, scale.d) : raw[from];
      if (!plan.reads[k].whole() && !nodes[from].late) v = std::min(v, plan.reads[k].count(there));
    }
    raw[i] = v;
    if (v < kEverything) plan.phase = int(v - floor_div(v, nodes[i].tile) * nodes[i].tile);
  }
}

void Plan::find_columns() {
  for (std::size_t p = 0; p < passes.size(); p++) {
    auto& columns = passes[p].columns;
    columns.clear();
    std::vector<long> v;
    beginning(Axis::x, int(p), v);
    columns.push_back(v);
    for (long x = strip; x + strip / 2 < request.w; x += strip) {
      frontier(Axis::x, int(p), x, v);
      columns.push_back(v);
    }
    frontier(Axis::x, int(p), kEverything, v);
    columns.push_back(v);
  }
}

// After the last row of the picture, rows that do not exist drain what still lags.
void Plan::find_blocks() {
  std::vector<long> v;
  for (std::size_t p = 0; p < passes.size(); p++) {
    const auto done = [&] {
      for (std::size_t i = 0; i < nodes.size(); i++)
        if (nodes[i].alive && nodes[i].pass == int(p) && v[i] < nodes[i].shape.h) return false;
      return true;
    };
    long blocks = (request.h + block - 1) / block;
    for (frontier(Axis::y, int(p), blocks * block, v); !done(); frontier(Axis::y, int(p), blocks * block, v)) blocks++;
    passes[p].blocks = blocks;
  }
}

void Plan::take_height(long h) {
  request.h = h;
  const auto shapes = infer_shapes(graph, {h, request.w, nodes[0].shape.c});
  for (std::size_t i = 0; i < nodes.size(); i++) nodes[i].shape = shapes[i];
  bind(Axis::y);
  find_blocks();
}

}  // namespace pellucid
