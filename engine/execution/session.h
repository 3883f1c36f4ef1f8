// Runs a plan: binds memory to it, walks its steps, in one thread or several. A session belongs to one caller at a
// time. What it computes is a function of graph and picture alone.
//
// Thread t takes the blocks b with b % threads == t. Step (block, strip) needs (block - 1, strip) and (block, strip -
// 1), for all that a step reads was computed by steps above and to the left of it, or by itself. So the threads follow
// each other like the lines of a page read aloud in turns, and the plan's rings are long enough for all of them.
//
// In a plan by layers there is one step, and the threads share each node of it: they go on together.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "execution/memory.h"
#include "graph/plan.h"

namespace pellucid {

class Session {
 public:
  explicit Session(std::shared_ptr<const Plan> plan);

  // Memory of the caller: plain rows, of which the first is row `first` of the picture or of the output.
  void bind_input(const float* rows, long first);
  void bind_output(float* rows, long first);
  void begin();  // before every picture
  void run_blocks(int pass, long from, long to);
  void run_all();

  // Looks for NaN and infinity behind every node, instead of in the output only.
  void check_every_node(bool check) { checking = check; }
  // Asked by the caller's thread between blocks, at most twenty times a second; true ends the run.
  void ask(std::function<bool()> question) { interrupted = std::move(question); }
  bool failed() const { return bad_node.load() < kNone; }
  int failed_node() const { return bad_node.load(); }  // the first in the graph's order
  // Which node's ring holds NaN or infinity at this moment: the best that a stream can say.
  int suspect() const;

  void copy_map(int node, float* out) const;                // of a kept node
  void take_plan(std::shared_ptr<const Plan> same_memory);  // the plan of a stream that has learned its height
  const std::shared_ptr<const Plan>& current_plan() const { return plan; }

 private:
  static constexpr int kNone = 1 << 30;
  struct Walk;  // what one thread needs
  void bind_rows();
  void clear_margins(int pass);
  void walk(Walk& mine, int pass, long from, long to);
  void walk_by_layers(Walk& mine, int pass);
  Task share_of(int node, const Walk& mine, long x0, long x1) const;
  void step(const Walk& mine, const std::vector<long>& x0, const std::vector<long>& x1);
  void run_node(int i, const Task& task);
  void wait_for(int thread, long mark) const;
  void report(int node);
  void ask_now_and_then();
  void release_spilled(int pass, const std::vector<long>& y1) const;

  std::shared_ptr<const Plan> plan;
  Memory arena, spill, scratch;
  std::vector<Rows> rows;
  std::vector<std::vector<const Rows*>> inputs;  // by node
  std::vector<char> direct;
  Rows caller_in, caller_out;
  struct alignas(64) Progress {
    std::atomic<long> mark{0};  // (block + 1) * strips' worth of steps that are done
  };
  std::unique_ptr<Progress[]> progress;
  std::atomic<int> bad_node{kNone};
  bool checking = false;
  std::function<bool()> interrupted;
  std::atomic<bool> stopping{false};
  std::chrono::steady_clock::time_point asked;
};

}  // namespace pellucid
