// What an operation is to the engine. A declaration (name, attributes, weights) says how a node of the network is built
// from primitives; a primitive says what shape it makes, which inputs an output reads, and how a rectangle of its
// output is computed. Graph, plan and executor know primitives by this interface alone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "layout/tensor_layout.h"
#include "pellucid/engine.h"

namespace pellucid {

enum class Axis { y, x };

constexpr long kEverything = 1L << 30;  // "known up to here" of something that is wholly known

// What a graph may ask for, so that no sum of sizes leaves its integers. Far beyond any network's needs.
constexpr int kMostSteps = 1 << 12;   // kernels, strides, dilations, paddings, factors
constexpr int kMostAmount = 1 << 24;  // all other whole numbers
constexpr long kMostChannels = 1L << 24;
constexpr long kMostExtent = 1L << 29;   // rows or columns of any map
constexpr long kMostColumns = 1L << 24;  // of the picture, whose strips a plan lists one by one
constexpr long kMostRows = 1L << 22;     // of the picture, where a plan must go through them block by block

constexpr long kTrialExtent = 1L << 14;  // height and width at which a graph is checked when it is loaded
constexpr long kTrialFlat = 1L << 24;    // a flattened map as large as this is the trial's, and says nothing of weights

// floor(a / b) for b > 0.
constexpr long floor_div(long a, long b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// Which inputs along one axis an output reads: output i reads floor((a i + lo) / d) up to and with
// max(start, floor((a i + hi) / d)); indices outside the input are padding. a == 0: every output reads the same ones.
struct Reads {
  long a = 1, lo = 0, hi = 0, d = 1, start = -1;

  // How many outputs can be computed when `known` inputs are there. Both may run on beyond the ends of the maps: a
  // picture is drained by feeding rows that do not exist, so that its end is not a special case.
  long count(long known) const {
    if (known <= start) return 0;
    if (a == 0) return known > floor_div(hi, d) ? kEverything : 0;
    if (known >= kEverything) return kEverything;
    return floor_div(known * d - hi + a - 1, a);
  }
  long first(long i) const { return floor_div(a * i + lo, d); }
  bool whole() const { return a == 0; }
};

// One rectangle of one primitive's work: output rows [y0, y1) and columns [x0, x1). They lie inside the map, except
// for primitives with tile() > 1, whose rectangles follow their tile grid.
struct Task {
  const Rows* const* in;
  Rows out;
  long y0, y1, x0, x1;
  std::byte* scratch;         // scratch_bytes() of it, 64-byte aligned, one per thread
  int share = 0, shares = 1;  // which of how many shares of the output channels, at most shares() of the primitive

  long columns() const { return x1 - x0; }
};

class Primitive {
 public:
  virtual ~Primitive() = default;
  virtual Shape shape(const std::vector<Shape>& in) const = 0;  // refuses what does not fit
  virtual void run(const Task& task) const = 0;
  // The default is an operation on single pixels, with inputs of extent 1 spread over the map.
  virtual Reads reads(int input, Axis axis, long n_in, long n_out) const;
  virtual std::string kernel() const { return "rows"; }
  virtual int tile() const { return 1; }
  virtual int shares() const { return 1; }   // into which the channels of its map can fall
  virtual int columns() const { return 1; }  // that are computed at a time, the last ones of a row in vain if need be
  virtual int margin() const { return 0; }   // pixels beside a row of the input that must be readable zeros
  virtual std::size_t scratch_bytes(const std::vector<Shape>&, long /*rows*/, long /*columns*/) const { return 0; }
  virtual double multiply_adds(const std::vector<Shape>&) const { return 0; }  // per output pixel
  virtual bool plain_output() const { return false; }  // can write pixels of c floats, with nothing between them
  // The same into the caller's memory; false when NaN or infinity is among what was written.
  virtual bool run_to_caller(const Task& task) const;
  virtual bool bf16_output() const { return false; }  // its map is stored as bfloat16: its readers know
  virtual std::size_t weight_bytes() const { return 0; }
};

using PrimitivePointer = std::shared_ptr<const Primitive>;

// ---- building

struct Pair {
  int y, x;
};
struct Sides {
  int top, left, bottom, right;
};

struct LoweredNode {
  PrimitivePointer primitive;
  std::vector<int> inputs;  // indices of earlier lowered nodes; 0 is the picture
  std::string name, operation;
  int user = -1;  // the last node of the network that it finishes
};
struct Lowered {
  std::vector<LoweredNode> nodes;
  std::vector<int> of_user;  // lowered node that holds the output of each node of the network
  int output = 0;
  int channels = 0;  // of the picture
};

// The door through which a declaration reads a node's attributes and weights, and adds primitives.
class Builder {
 public:
  Builder(const NodeSpec& spec, const OperationInfo& info, Lowered& graph, std::vector<int> inputs,
          Precision precision);

  int input(int k = 0) const { return inputs[k]; }
  const std::vector<int>& all_inputs() const { return inputs; }
  double number(const std::string& attribute) const;
  int integer(const std::string& attribute, int least, int most = kMostAmount) const;
  bool flag(const std::string& attribute) const { return number(attribute) != 0; }
  Pair pair(const std::string& attribute, int least, int most = kMostSteps) const;
  Sides sides(const std::string& attribute, int least, int most = kMostSteps) const;
  std::vector<double> numbers(const std::string& attribute) const;
  std::string text(const std::string& attribute, const std::vector<std::string>& known) const;
  std::shared_ptr<const Tensor> weight(const std::string& role) const;  // null when an optional one is absent
  int add(PrimitivePointer primitive, std::vector<int> from);
  Precision precision() const { return wanted; }
  [[noreturn]] void refuse(const std::string& what, const std::string& seen, const std::string& expected) const;
  [[noreturn]] void refuse_attribute(const std::string& attribute, const std::string& expected) const;

 private:
  const Value& value(const std::string& attribute) const;
  std::vector<double> whole_numbers(const std::string& attribute, int least, int most) const;
  const NodeSpec& spec;
  const OperationInfo& info;
  Lowered& graph;
  std::vector<int> inputs;
  Precision wanted;
};

struct Declaration {
  OperationInfo info;
  int (*build)(Builder& builder);  // returns the lowered node that holds the output
};
const std::vector<Declaration>& declarations();

// Shape mismatches that depend on the size of the picture only; checks at loading skip them.
class ExtentError : public Error {
 public:
  using Error::Error;
};
std::string text(const Shape& shape);
int checked_channels(long channels);  // refuses more than kMostChannels

}  // namespace pellucid
