// All that the outside sees of the engine: operations, networks, plans, streams, errors. Arrays and graphs in, arrays
// out; no Python, no files of models, no names of models.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pellucid {

// Every foreseeable failure: what was wrong, the value seen, what was expected, what to do next.
class Error : public std::exception {
 public:
  enum class Kind { graph, resource, not_finite, usage, interrupted };
  Error(Kind kind, std::string what, std::string seen = "", std::string expected = "", std::string hint = "");
  const char* what() const noexcept override { return line.c_str(); }
  Kind kind;
  std::string message, seen, expected, hint;
  std::size_t least_bytes = 0;  // the ceiling that would do, where one is too low

 private:
  std::string line;
};

// ---- operations: the one declaration of each, published so that nothing is listed twice

using Value = std::variant<double, std::string, std::vector<double>>;  // flags and whole numbers are doubles

struct AttributeInfo {
  std::string name;
  std::string type;               // "flag", "int", "number", "text", "pair" (one int or (y, x)), "ints", "numbers"
  std::optional<Value> fallback;  // without one the attribute is required; an empty text stands for "not given"
};
struct WeightInfo {
  std::string role;
  bool required;
};
struct OperationInfo {
  std::string name;
  int min_inputs, max_inputs;
  std::vector<AttributeInfo> attributes;
  std::vector<WeightInfo> weights;
  std::string summary;
};
std::vector<OperationInfo> operations();

// ---- networks

struct Tensor {
  std::vector<long> shape;
  std::vector<float> values;
};
struct NodeSpec {
  std::string name, operation;
  std::vector<int> inputs;  // indices of earlier nodes; -1 is the picture
  std::map<std::string, Value> attributes;
  std::map<std::string, std::shared_ptr<const Tensor>> weights;
};

enum class Precision { fp32, bf16 };

// 0 leaves the choice to the engine. `keep` names nodes whose maps are wanted beside the result.
constexpr int kByLayers = -1;

struct RunOptions {
  int threads = 0;
  std::size_t memory = 0;    // bytes that rings and kept maps may take; 0: no ceiling
  int strip = 0, block = 0;  // 0: as the plan chooses; block kByLayers: one layer after the other, but in streams
  std::vector<int> keep;
  std::function<bool()> interrupted;  // asked now and then on the caller's thread; true ends the run with an error
};

struct Extent {  // of one array: (h, w, c)
  long h, w;
  int c;
};

struct NodePlan {
  std::string name, operation, kernel;
  Extent shape;
  int pass;
  long rows;  // kept at a time
  bool whole, spilled;
  std::size_t bytes;
  double multiply_adds;        // needed
  double extra_multiply_adds;  // computed in vain, to fill the last tiles of the picture, or of each strip
  int tile, phase_y, phase_x;
};
struct PlanInfo {
  std::vector<NodePlan> nodes;
  Extent input, output;
  bool by_layers;  // one layer after the other, and not block by block of rows
  int threads, block, strip, strips, passes;
  std::size_t arena_bytes, scratch_bytes, weight_bytes, spilled_bytes;
};

class Network;

// Rows in, rows out, in order, as soon as they are known.
class Stream {
 public:
  struct Unwritten : std::allocator<float> {  // leaves new floats as they are: all of them will be written
    template <class U>
    struct rebind {
      using other = Unwritten;
    };
    template <class U>
    void construct(U*) noexcept {}
  };
  using Rows = std::vector<float, Unwritten>;
  ~Stream();
  Stream(Stream&&) noexcept;
  // `rows` plain rows (rows, w, c); what became known is appended to `out`, and its number of rows returned.
  long push(const float* rows, long count, Rows& out);
  long finish(Rows& out);
  Extent input_shape() const;
  Extent row_shape() const;  // of the output's rows; h is 0 while the height is unknown

 private:
  friend class Network;
  struct State;
  explicit Stream(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

class Network {
 public:
  Network(std::vector<NodeSpec> nodes, int channels, Precision precision = Precision::fp32);

  Extent output_shape(long h, long w) const;
  std::vector<Extent> kept_shapes(long h, long w, const std::vector<int>& keep) const;
  // in (n, h, w, channels), out (n, oh, ow, oc), both plain; `kept[k]` receives (n, h, w, c) of the node keep[k].
  void run(const float* in, long n, long h, long w, float* out, const std::vector<float*>& kept,
           const RunOptions& options) const;
  PlanInfo plan(long h, long w, const RunOptions& options) const;
  Stream stream(long w, long h, const RunOptions& options) const;  // h == 0: unknown until the end
  int channels() const;

 private:
  friend class Stream;
  struct State;
  explicit Network(std::shared_ptr<State> shared) : state(std::move(shared)) {}
  std::shared_ptr<State> state;
};

// ---- the machine

struct Hardware {
  int threads;  // that this process may use: affinity and cgroup limits respected
  std::size_t l1_bytes, l2_bytes, l3_bytes;
  std::string isa;
  std::string no_tiles;  // why matrix tiles (amx) are not used; empty where they are there
};
Hardware hardware();

struct Peaks {                // of one core
  double multiply_adds;       // float32, per second
  double l1, l2, l3, memory;  // bytes read per second
};
Peaks measure_peaks();

}  // namespace pellucid
