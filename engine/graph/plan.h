// The plan: what each node may compute when so much of the picture is known, how many rows it must keep for those that
// read it, and where they lie in the arena. Integers only; nothing here touches a pixel.
//
// A node advances over a rectangle per step. Step (block, strip) makes R rows and X columns of the picture known; along
// each axis every node then knows its map up to a frontier, the least that its inputs allow, rounded down to its tile
// grid. The node computes what lies between the last frontier and this one. So nothing is computed twice, and every
// tile is computed once with all of its inputs there: the bits of the answer depend on neither blocks nor strips.
//
// Operations that need a whole map (reads().whole()) make their outputs known at the end of a pass. A node that reads
// such a late value and a map belongs to the next pass; the map is kept whole until then.
#pragma once

#include <vector>

#include "operations/operation.h"

namespace pellucid {

// The height of a stream that has not told its end: divides by whatever a network may ask for.
constexpr long kEndless = 315L << 16;

struct Fraction {  // rows of a map per row of the picture
  long n = 1, d = 1;
  bool exact = true;
  bool operator==(const Fraction&) const = default;
};

struct AxisPlan {
  std::vector<Reads> reads;  // by input
  Fraction scale;
  long extent = 0;
  int phase = 0;  // the tile grid runs through it
};

struct NodeLayout {
  Shape shape;
  AxisPlan y, x;
  int tile = 1, pass = 0, last_pass = 0;                                             // last_pass: of its last reader
  bool alive = false, late = false, whole = false, spilled = false, direct = false;  // direct: into the caller's memory
  bool by_channels = false;  // so threads share it in a plan by layers
  long capacity = 0;         // rows kept
  int stride = 0, margin = 0;
  std::ptrdiff_t pitch = 0, plane = 0;  // pitch in floats; plane as that of Rows
  std::size_t offset = 0, bytes = 0;
};

struct Pass {
  long blocks = 0;
  std::vector<std::vector<long>> columns;  // by strip, then node: frontier behind the strip; [0] is the start
};

struct PlanRequest {
  long h, w;
  int threads = 1;
  int block = 0, strip = 0;
  std::vector<int> keep;   // lowered nodes whose maps are wanted
  bool spill = false;      // whole maps go to a temporary file
  bool apart = false;      // threads stay so far apart that rings need the rows of one block only
  bool by_layers = false;  // one block and one strip of everything; threads share the rows or channels of each node
};

class Plan {
 public:
  Plan(const Lowered& graph, const PlanRequest& request);

  // Frontiers of the pass's nodes when `known` rows of the picture are known; `out` has more entries than nodes.
  void frontier(Axis axis, int pass, long known, std::vector<long>& out) const;
  void beginning(Axis axis, int pass, std::vector<long>& out) const;  // before anything is known
  void take_height(long h);                                           // the end of a stream
  long columns_of(int node) const;  // of its map, with those that the last block of each strip has in excess

  const Lowered& graph;
  PlanRequest request;
  std::vector<NodeLayout> nodes;
  std::vector<Pass> passes;
  int block = 0, strip = 0;
  int strips_apart = 1;                                               // that a block stays behind the one above
  int in_flight = 1;                                                  // blocks whose rows the rings hold
  std::size_t arena_bytes = 0, spilled_bytes = 0, scratch_bytes = 0;  // scratch: of one thread
  std::size_t zero_row_floats = 0, zero_row_margin_floats = 0;

 private:
  void find_life();
  void bind(Axis axis);
  void find_passes();
  void find_phases(Axis axis);
  long grid(Axis axis) const;
  long blocks_to_repeat() const;
  void choose_steps();
  void choose_shares();
  int strip_with_fewest_columns(int least, long step);
  double columns_computed() const;
  void find_columns();
  void find_blocks();
  void find_distance();
  int strips_to_be_clear() const;
  bool is_clear(int pass, std::size_t below, std::size_t above) const;
  void find_capacities();
  bool is_under_way(int pass, const std::vector<long>& starts) const;
  void place();
  void find_offsets();
  void find_scratch();
  bool is_read(int node) const;
  long needed_from(int node, int pass, const std::vector<long>& starts) const;
  std::vector<long> most_rows;  // of one block, by node
  const AxisPlan& along(Axis axis, int node) const { return axis == Axis::y ? nodes[node].y : nodes[node].x; }
};

}  // namespace pellucid
