// How many rows each node keeps, and where everything lies. A ring holds the rows from the first that any reader in
// flight may still need up to the last that is written: found exactly, by running the frontiers over all blocks.
#include <algorithm>
#include <deque>

#include "graph/plan.h"

namespace pellucid {
namespace {

constexpr std::size_t kAlign = 64;
std::size_t aligned(std::size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

// Rows a multiple of 4096 bytes apart would meet in the same sets of the first cache.
std::ptrdiff_t pitch_floats(std::size_t row_bytes) {
  const std::size_t bytes = aligned(row_bytes);
  const std::size_t beside = bytes % 4096;
  return std::ptrdiff_t((bytes + (beside < 256 || beside > 3840 ? 512 : 0)) / sizeof(float));
}

}  // namespace

// The first row of a node that its readers need from a block on whose frontiers began at `starts`.
long Plan::needed_from(int node, int pass, const std::vector<long>& starts) const {
  long first = node == graph.output ? starts[node] : kEverything;
  for (std::size_t i = node + 1; i < nodes.size(); i++) {
    if (!nodes[i].alive || nodes[i].pass != pass || starts[i] >= nodes[i].shape.h) continue;
    for (std::size_t k = 0; k < graph.nodes[i].inputs.size(); k++)
      if (graph.nodes[i].inputs[k] == node) first = std::min(first, nodes[i].y.reads[k].first(std::max(starts[i], 0L)));
  }
  return std::max(first, 0L);
}

// A block stays `strips_apart` strips behind the one above it. From a distance on, nothing that it writes can be in the
// way of what the one above still reads: then rings hold the rows of one block, however many threads there are.
// At a distance of one strip all blocks in flight may be in the same columns, and rings hold the rows of all.
void Plan::find_distance() {
  const int distance = strips_to_be_clear();
  strips_apart = request.apart ? distance : 1;
  in_flight = strips_apart == distance ? 1 : request.threads;
}

int Plan::strips_to_be_clear() const {
  int distance = 1;
  for (std::size_t p = 0; p < passes.size(); p++) {
    const std::size_t strips = passes[p].columns.size() - 1;
    for (std::size_t s = 0; s < strips; s++)
      while (s + distance < strips && !is_clear(int(p), s + 1, s + distance)) distance++;
  }
  return distance;
}

// Whether a block with `above` strips done reads nothing that another writes to in its first `below` strips.
bool Plan::is_clear(int pass, std::size_t below, std::size_t above) const {
  const auto& columns = passes[pass].columns;
  for (std::size_t i = 1; i < nodes.size(); i++) {
    if (!nodes[i].alive || nodes[i].pass != pass || columns[above][i] >= nodes[i].shape.w) continue;
    for (std::size_t k = 0; k < graph.nodes[i].inputs.size(); k++) {
      const int from = graph.nodes[i].inputs[k];
      if (nodes[from].pass == pass && nodes[i].x.reads[k].first(std::max(columns[above][i], 0L)) < columns[below][from])
        return false;
    }
  }
  return true;
}

// Whether a block that began at `starts` has left the beginning of the picture behind: nothing is clipped there.
bool Plan::is_under_way(int pass, const std::vector<long>& starts) const {
  for (std::size_t i = 0; i < nodes.size(); i++) {
    const NodeLayout& node = nodes[i];
    if (!node.alive || node.pass != pass || node.late) continue;
    if (starts[i] <= 0) return false;
    for (const Reads& reads : node.y.reads)
      if (!reads.whole() && reads.first(starts[i]) < 0) return false;
  }
  return true;
}

// A ring holds what this block and those in flight above it need; older blocks are out of its way. Once under way, all
// repeats itself, and at the end of the picture blocks only get smaller: what takes its time is the beginning.
void Plan::find_capacities() {
  const long repeat = blocks_to_repeat();
  const bool endless = request.h == kEndless;
  if (!repeat && !endless && request.h > kMostRows)
    throw Error(Error::Kind::usage, "the picture is too tall for this network, whose rows do not repeat a pattern",
                std::to_string(request.h) + " rows", "at most " + std::to_string(kMostRows));
  // By layers nothing comes before anything: rows that no one reads may not lie where others do.
  for (auto& node : nodes) node.capacity = node.whole || node.late || request.by_layers ? node.shape.h : 0;
  for (std::size_t i = 1; i < nodes.size(); i++)
    for (std::size_t k = 0; k < nodes[i].y.reads.size() && nodes[i].alive; k++)
      if (nodes[i].y.reads[k].whole())
        nodes[graph.nodes[i].inputs[k]].capacity = nodes[graph.nodes[i].inputs[k]].shape.h;
  most_rows.assign(nodes.size(), 0);
  for (std::size_t p = 0; p < passes.size(); p++) {
    std::deque<std::vector<long>> starts(1);
    beginning(Axis::y, int(p), starts[0]);
    std::vector<long> ends;
    long limit = passes[p].blocks;
    bool waits = repeat || endless;
    for (long b = 0; b < limit; b++) {
      frontier(Axis::y, int(p), (b + 1) * block, ends);
      for (std::size_t i = 0; i < nodes.size(); i++) {
        NodeLayout& node = nodes[i];
        if (!node.alive || node.pass != int(p)) continue;
        most_rows[i] = std::max(most_rows[i], ends[i] - starts.back()[i]);
        if (node.capacity == node.shape.h) continue;
        const long written = std::min(ends[i], node.shape.h);
        node.capacity = std::clamp(written - needed_from(int(i), int(p), starts.front()), node.capacity, node.shape.h);
      }
      // What never repeats and has no end is followed for long enough to meet nearly every case.
      if (waits && is_under_way(int(p), starts.front()))
        limit = std::min(limit, b + 1 + (repeat ? repeat : 1 << 14)), waits = false;
      starts.push_back(ends);
      if (long(starts.size()) > in_flight) starts.pop_front();
    }
    beginning(Axis::y, int(p), starts[0]);
    frontier(Axis::y, int(p), kEverything, ends);
    for (std::size_t i = 0; i < nodes.size(); i++)  // known all at once, at the end of a pass
      if (nodes[i].alive && nodes[i].pass == int(p) && nodes[i].late) most_rows[i] = ends[i] - starts[0][i];
  }
}

void Plan::place() {
  std::size_t row_floats = 0, margin_floats = 0;
  for (std::size_t i = 0; i < nodes.size(); i++) {
    NodeLayout& node = nodes[i];
    if (!node.alive) continue;
    node.stride = channel_stride(node.shape.c);
    node.margin = 4;  // what is added to a tile may be read beside the row, too
    for (std::size_t j = i + 1; j < nodes.size(); j++)
      for (int from : graph.nodes[j].inputs)
        if (nodes[j].alive && from == int(i)) node.margin = std::max(node.margin, graph.nodes[j].primitive->margin());
    node.margin = (node.margin + 3) / 4 * 4;  // pixel 0 on a cache line's boundary
    const long pixels = node.shape.w + 2 * node.margin;
    const bool plain = node.stride == node.shape.c || graph.nodes[i].primitive->plain_output();
    node.direct =
        int(i) == graph.output && i != 0 && plain && !node.whole && node.last_pass == node.pass && !is_read(int(i));
    row_floats = std::max(row_floats, std::size_t(pixels) * node.stride);
    margin_floats = std::max(margin_floats, std::size_t(node.margin) * node.stride);
    const bool bf16 = graph.nodes[i].primitive->bf16_output();
    node.plane = !bf16 ? 0 : plane_count(node.stride) > 1 ? pixels * kPlane : kPlane;
    node.pitch = pitch_floats(std::size_t(pixels) * node.stride * (bf16 ? 2 : sizeof(float)));
    node.bytes = node.direct ? 0 : aligned(std::size_t(node.capacity) * node.pitch * sizeof(float));
    node.spilled = request.spill && node.whole && !node.late;
  }
  zero_row_margin_floats = (margin_floats + 15) / 16 * 16;
  zero_row_floats = zero_row_margin_floats + row_floats;
  find_offsets();
  find_scratch();
}

bool Plan::is_read(int node) const {
  for (std::size_t j = 0; j < nodes.size(); j++)
    for (int from : graph.nodes[j].inputs)
      if (nodes[j].alive && from == node) return true;
  return false;
}

// First fit: buffers that live in different passes may share memory.
void Plan::find_offsets() {
  std::vector<int> order;
  for (std::size_t i = 0; i < nodes.size(); i++)
    if (nodes[i].bytes) order.push_back(int(i));
  if (passes.size() > 1)
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return nodes[a].bytes > nodes[b].bytes; });
  arena_bytes = spilled_bytes = 0;
  std::vector<int> placed;
  for (int i : order) {
    NodeLayout& node = nodes[i];
    node.offset = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (int j : placed) {
        const NodeLayout& other = nodes[j];
        const bool together =
            node.spilled == other.spilled && node.pass <= other.last_pass && other.pass <= node.last_pass;
        if (together && node.offset < other.offset + other.bytes && other.offset < node.offset + node.bytes)
          node.offset = other.offset + other.bytes, moved = true;
      }
    }
    placed.push_back(i);
    std::size_t& total = node.spilled ? spilled_bytes : arena_bytes;
    total = std::max(total, node.offset + node.bytes);
  }
  arena_bytes = aligned(arena_bytes) + aligned(zero_row_floats * sizeof(float));
}

void Plan::find_scratch() {
  scratch_bytes = 0;
  for (std::size_t i = 1; i < nodes.size(); i++) {
    if (!nodes[i].alive) continue;
    std::vector<Shape> in;
    for (int from : graph.nodes[i].inputs) in.push_back(nodes[from].shape);
    long columns = 0;
    const auto& edges = passes[nodes[i].pass].columns;
    for (std::size_t s = 1; s < edges.size(); s++) columns = std::max(columns, edges[s][i] - edges[s - 1][i]);
    scratch_bytes =
        std::max(scratch_bytes, aligned(graph.nodes[i].primitive->scratch_bytes(in, most_rows[i], columns)));
  }
}

}  // namespace pellucid
