#include "execution/session.h"

#include <sched.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <thread>

#include "execution/pool.h"
#include "operations/rows.h"

namespace pellucid {

struct Session::Walk {
  int thread, threads;
  std::byte* scratch;
  std::vector<long> y0, y1;  // frontiers before and behind the block
};

Session::Session(std::shared_ptr<const Plan> given)
    : plan(std::move(given)),
      arena(plan->arena_bytes),
      spill(Memory::in_file(plan->spilled_bytes)),
      scratch(plan->scratch_bytes * plan->request.threads),
      progress(new Progress[plan->request.threads]) {
  bind_rows();
}

void Session::bind_rows() {
  const std::size_t n = plan->nodes.size();
  rows.resize(n);
  inputs.resize(n);
  const float* zeros = reinterpret_cast<const float*>(arena.data() + plan->arena_bytes) - plan->zero_row_floats +
                       plan->zero_row_margin_floats;
  for (std::size_t i = 0; i < n; i++) {
    const NodeLayout& node = plan->nodes[i];
    if (!node.alive) continue;
    auto* start = reinterpret_cast<float*>((node.spilled ? spill : arena).data() + node.offset);
    const std::ptrdiff_t before =
        node.plane ? node.margin * plane_channels(node.stride) / 2 : node.margin * node.stride;
    rows[i] = {start + before, node.pitch, node.capacity, 0, node.shape, node.stride, zeros, node.plane};
    inputs[i].clear();
    for (int from : plan->graph.nodes[i].inputs) inputs[i].push_back(&rows[from]);
  }
}

void Session::bind_input(const float* given, long first) {
  const Shape& shape = plan->nodes[0].shape;
  caller_in = {const_cast<float*>(given), shape.w * shape.c, 1L << 40, first, shape, shape.c, nullptr};
}

void Session::bind_output(float* given, long first) {
  const NodeLayout& node = plan->nodes[plan->graph.output];
  caller_out = {given, node.shape.w * node.shape.c, 1L << 40, first, node.shape, node.shape.c, nullptr};
  if (node.direct) rows[plan->graph.output] = caller_out;
}

void Session::begin() {
  bad_node = kNone;
  stopping = false;
  for (int t = 0; t < plan->request.threads; t++) progress[t].mark = 0;
}

namespace {

using Half = std::uint16_t;  // bfloat16
Half* halves(float* row) { return reinterpret_cast<Half*>(row); }

void clear_margins_of_planes(float* row, const NodeLayout& node) {
  const long c = plane_channels(node.stride), beside = node.margin * c;
  for (int p = 0; p < plane_count(node.stride); p++) {
    Half* const first = halves(row) + p * node.plane;
    std::fill_n(first - beside, beside, Half(0));
    std::fill_n(first + node.shape.w * c, beside, Half(0));
  }
}

// A bfloat16 map as float32, channel by channel: for maps that are kept, and when looking for NaN.
std::vector<float> widened(const Rows& map, const float* row, long x0, long x1) {
  std::vector<float> out;
  for (long x = x0; x < x1; x++)
    for (int c = 0; c < map.stride; c++) {
      const Half half =
          reinterpret_cast<const Half*>(row)[c / kPlane * map.plane + x * plane_channels(map.stride) + c % kPlane];
      out.push_back(std::bit_cast<float>(std::uint32_t(half) << 16));
    }
  return out;
}

bool finite(const Rows& map, const float* row, long x0, long x1) {
  const long count = (x1 - x0) * map.stride;
  if (!map.plane) return row_functions().finite(row + x0 * map.stride, count);
  return row_functions().finite(widened(map, row, x0, x1).data(), count);
}

}  // namespace

// Buffers of earlier passes may have lain where margins are now.
void Session::clear_margins(int pass) {
  for (std::size_t i = 0; i < rows.size(); i++) {
    const NodeLayout& node = plan->nodes[i];
    if (!node.alive || node.direct || node.pass != pass) continue;
    for (long slot = 0; slot < node.capacity; slot++) {
      float* row = rows[i].base + slot * node.pitch;
      if (node.plane) {
        clear_margins_of_planes(row, node);
        continue;
      }
      const std::size_t before = node.margin * node.stride, inside = node.shape.w * node.stride;
      std::fill(row - before, row, 0.0f);
      std::fill(row + inside, row - before + node.pitch, 0.0f);
    }
  }
}

void Session::run_all() {
  for (std::size_t p = 0; p < plan->passes.size(); p++) run_blocks(int(p), 0, plan->passes[p].blocks);
}

void Session::run_blocks(int pass, long from, long to) {
  if (from >= to) return;
  if (from == 0) clear_margins(pass);
  for (int t = 0; t < plan->request.threads; t++) progress[t].mark.store(0, std::memory_order_relaxed);
  const bool by_layers = plan->request.by_layers;
  const int threads = by_layers ? plan->request.threads : int(std::min<long>(plan->request.threads, to - from));
  run_on_threads(threads, [&](int thread, int of) {
    Walk mine{thread, of, scratch.data() + plan->scratch_bytes * thread, {}, {}};
    by_layers ? walk_by_layers(mine, pass) : walk(mine, pass, from, to);
  });
  if (stopping) throw Error(Error::Kind::interrupted, "the run was interrupted");
}

void Session::walk(Walk& mine, int pass, long from, long to) {
  const auto& columns = plan->passes[pass].columns;
  const long strips = long(columns.size()) - 1;
  const int above = (mine.thread + mine.threads - 1) % mine.threads;
  for (long b = from + mine.thread; b < to; b += mine.threads) {
    if (b == 0)
      plan->beginning(Axis::y, pass, mine.y0);
    else
      plan->frontier(Axis::y, pass, b * plan->block, mine.y0);
    plan->frontier(Axis::y, pass, (b + 1) * plan->block, mine.y1);
    for (long s = 0; s < strips; s++) {
      if (b > from && mine.threads > 1)
        wait_for(above, (b - 1 - from) * strips + std::min(s + plan->strips_apart, strips));
      if (!failed() && !stopping) step(mine, columns[s], columns[s + 1]);
      progress[mine.thread].mark.store((b - from) * strips + s + 1, std::memory_order_release);
    }
    release_spilled(pass, mine.y0);
    if (mine.thread == 0) ask_now_and_then();
  }
}

void Session::walk_by_layers(Walk& mine, int pass) {
  plan->beginning(Axis::y, pass, mine.y0);
  plan->frontier(Axis::y, pass, kEverything, mine.y1);
  const auto& x0 = plan->passes[pass].columns.front();
  const auto& x1 = plan->passes[pass].columns.back();
  long done = 0;
  for (std::size_t i = 0; i < rows.size(); i++) {
    if (x0[i] >= x1[i] || mine.y0[i] >= mine.y1[i]) continue;
    if (!failed() && !stopping) run_node(int(i), share_of(int(i), mine, x0[i], x1[i]));
    progress[mine.thread].mark.store(++done, std::memory_order_release);
    for (int t = 0; t < mine.threads; t++) wait_for(t, done);
    if (mine.thread == 0) ask_now_and_then();
  }
}

// Equal shares of a node's channels, or of its rows, which begin and end with its tiles.
Task Session::share_of(int node, const Walk& mine, long x0, long x1) const {
  const NodeLayout& layout = plan->nodes[node];
  Task task{inputs[node].data(), rows[node], mine.y0[node], mine.y1[node], x0, x1, mine.scratch};
  if (layout.by_channels) {
    task.share = mine.thread, task.shares = mine.threads;
    return task;
  }
  const long first = task.y0, last = task.y1, tiles = (last - first + layout.tile - 1) / layout.tile;
  task.y0 = first + tiles * mine.thread / mine.threads * layout.tile;
  task.y1 = std::min(first + tiles * (mine.thread + 1) / mine.threads * layout.tile, last);
  return task;
}

// Steps last some 0.1 to 10 ms: spin for a moment, then let others have the core, then sleep.
void Session::wait_for(int thread, long mark) const {
  for (int tries = 0; progress[thread].mark.load(std::memory_order_acquire) < mark; tries++) {
    if (tries < 2000) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    } else if (tries < 4000) {
      sched_yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }
}

void Session::step(const Walk& mine, const std::vector<long>& x0, const std::vector<long>& x1) {
  for (std::size_t i = 0; i < rows.size(); i++)
    if (x0[i] < x1[i] && mine.y0[i] < mine.y1[i])
      run_node(int(i), {inputs[i].data(), rows[i], mine.y0[i], mine.y1[i], x0[i], x1[i], mine.scratch});
}

void Session::run_node(int i, const Task& task) {
  const NodeLayout& node = plan->nodes[i];
  const long top = std::max(task.y0, 0L), bottom = std::min(task.y1, node.shape.h);
  const long left = std::max(task.x0, 0L), right = std::min(task.x1, node.shape.w);
  if (top >= bottom || left >= right) return;
  const auto& functions = row_functions();
  const Primitive& primitive = *plan->graph.nodes[i].primitive;
  bool good = true;
  if (i == 0)
    for (long y = top; y < bottom; y++)
      functions.unpack(rows[0].row(y) + left * node.stride, caller_in.row(y) + left * node.shape.c, right - left,
                       node.shape.c, node.stride);
  else if (node.direct)
    good = primitive.run_to_caller(task);
  else
    primitive.run(task);
  if (i == plan->graph.output && !node.direct)
    for (long y = top; y < bottom; y++)
      good &= functions.pack(caller_out.row(y) + left * node.shape.c, rows[i].row(y) + left * node.stride, right - left,
                             node.shape.c, node.stride);
  else if (checking && !node.direct)
    for (long y = top; y < bottom; y++) good &= finite(rows[i], rows[i].row(y), left, right);
  if (!good) report(i);
}

void Session::ask_now_and_then() {
  const auto now = std::chrono::steady_clock::now();
  if (!interrupted || now - asked < std::chrono::milliseconds(50)) return;
  asked = now;
  if (interrupted()) stopping = true;
}

void Session::report(int node) {
  int seen = bad_node.load();
  while (node < seen && !bad_node.compare_exchange_weak(seen, node)) {
  }
}

// Rows of spilled maps that this pass has written and read; those in flight stay.
void Session::release_spilled(int pass, const std::vector<long>& y0) const {
  if (!plan->spilled_bytes) return;
  for (std::size_t i = 0; i < rows.size(); i++) {
    const NodeLayout& node = plan->nodes[i];
    if (node.spilled && node.pass <= pass && pass <= node.last_pass) {
      const long upto = node.pass == pass ? std::max(y0[i], 0L) : node.shape.h;
      spill.release(node.offset, upto * node.pitch * sizeof(float));
    }
  }
}

int Session::suspect() const {
  for (std::size_t i = 0; i < rows.size(); i++) {
    const NodeLayout& node = plan->nodes[i];
    if (!node.alive || node.direct) continue;
    for (long slot = 0; slot < node.capacity; slot++)
      if (!finite(rows[i], rows[i].base + slot * node.pitch, 0, node.shape.w)) return int(i);
  }
  return plan->graph.output;
}

void Session::copy_map(int i, float* out) const {
  const NodeLayout& node = plan->nodes[i];
  for (long y = 0; y < node.shape.h; y++) {
    const float* row = rows[i].row(y);
    std::vector<float> wide;
    if (node.plane) wide = widened(rows[i], row, 0, node.shape.w), row = wide.data();
    row_functions().pack(out + y * node.shape.w * node.shape.c, row, node.shape.w, node.shape.c, node.stride);
  }
}

void Session::take_plan(std::shared_ptr<const Plan> same_memory) {
  plan = std::move(same_memory);
  for (std::size_t i = 0; i < rows.size(); i++) rows[i].shape = plan->nodes[i].shape;
  caller_in.shape = plan->nodes[0].shape;
}

}  // namespace pellucid
