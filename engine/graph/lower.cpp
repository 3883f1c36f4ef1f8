// Building and checking of the lowered graph.
#include "graph/lower.h"

#include <algorithm>

#include "operations/families.h"

namespace pellucid {
namespace {

class Picture : public Primitive {  // the executor's door writes it
 public:
  Shape shape(const std::vector<Shape>&) const override { return {}; }
  void run(const Task&) const override {}
  std::string kernel() const override { return "door"; }
};

constexpr long kBeyondAll = 1L << 40;  // where sums of sizes stay in their integers; at loading, of a trial's maps

void expect_extent(const Shape& shape, long most) {
  if (shape.h > most || shape.w > most)
    throw ExtentError(Error::Kind::graph, "a map is too large for a plan",
                      std::to_string(shape.h) + " rows of " + std::to_string(shape.w) + " pixels",
                      "at most " + std::to_string(most) + " of both");
}

const Declaration& declared(const NodeSpec& spec) {
  for (const auto& declaration : declarations())
    if (declaration.info.name == spec.operation) return declaration;
  std::string known;
  for (const auto& declaration : declarations()) known += (known.empty() ? "" : ", ") + declaration.info.name;
  throw Error(Error::Kind::graph, "node '" + spec.name + "' has an unknown operation", spec.operation, known);
}

}  // namespace

Lowered lower(const std::vector<NodeSpec>& nodes, int channels, Precision precision) {
  if (nodes.empty()) throw Error(Error::Kind::graph, "the network has no nodes", "0", "at least one");
  Lowered graph;
  graph.channels = channels;
  graph.nodes.push_back({std::make_shared<Picture>(), {}, "input", "input", -1});
  for (std::size_t i = 0; i < nodes.size(); i++) {
    const NodeSpec& spec = nodes[i];
    std::vector<int> inputs;
    for (int from : spec.inputs) {
      if (from < -1 || from >= int(i))
        throw Error(Error::Kind::graph, "node '" + spec.name + "' reads a node that does not come before it",
                    std::to_string(from), "-1 to " + std::to_string(int(i) - 1));
      inputs.push_back(from < 0 ? 0 : graph.of_user[from]);
    }
    const Declaration& declaration = declared(spec);
    Builder builder(spec, declaration.info, graph, std::move(inputs), precision);
    graph.of_user.push_back(declaration.build(builder));
    graph.nodes[graph.of_user.back()].user = int(i);
  }
  graph.output = graph.of_user.back();
  return graph;
}

// A rounded map is stored as bfloat16 where its kernel and those of all readers can. Pixels of less than 16 channels
// gain nothing by it.
void prepare(Lowered& graph) {
  std::vector<std::shared_ptr<ConvolutionPrimitive>> made(graph.nodes.size());
  std::vector<char> narrow(graph.nodes.size(), true);
  for (std::size_t i = 0; i < graph.nodes.size(); i++) {
    auto& node = graph.nodes[i];
    if (const auto* conv = dynamic_cast<const ConvolutionPrimitive*>(node.primitive.get())) {
      made[i] = std::make_shared<ConvolutionPrimitive>(conv->description);
      made[i]->prepare();
      node.primitive = made[i];
    }
    const bool reads = made[i] && made[i]->reads_bf16();
    narrow[i] = made[i] && made[i]->writes_bf16() && made[i]->description.rounded &&
                channel_stride(made[i]->description.shape.oc) >= 16;
    for (std::size_t k = 0; k < node.inputs.size(); k++)
      if (!reads || k > 0) narrow[node.inputs[k]] = false;
  }
  for (std::size_t i = 0; i < graph.nodes.size(); i++)
    if (narrow[i]) made[i]->store_bf16();
}

std::vector<Shape> infer_shapes(const Lowered& graph, const Shape& picture) {
  std::vector<Shape> shapes = {picture};
  for (std::size_t i = 1; i < graph.nodes.size(); i++) {
    const LoweredNode& node = graph.nodes[i];
    std::vector<Shape> in;
    for (int from : node.inputs) in.push_back(shapes[from]);
    const auto named = [&](const Error& error) {
      return "node '" + node.name + "' (" + node.operation + "): " + error.message;
    };
    try {
      shapes.push_back(node.primitive->shape(in));
      expect_extent(shapes.back(), kBeyondAll);
    } catch (const ExtentError& error) {
      throw ExtentError(error.kind, named(error), error.seen, error.expected, error.hint);
    } catch (const Error& error) {
      throw Error(error.kind, named(error), error.seen, error.expected, error.hint);
    }
  }
  return shapes;
}

std::vector<Shape> checked_shapes(const Lowered& graph, const Shape& picture) {
  if (picture.w > kMostColumns)
    throw Error(Error::Kind::usage, "the picture is too wide for a plan", std::to_string(picture.w) + " columns",
                "at most " + std::to_string(kMostColumns));
  expect_extent(picture, kMostExtent);
  const auto shapes = infer_shapes(graph, picture);
  for (std::size_t i = 1; i < shapes.size(); i++) {
    expect_extent(shapes[i], kMostExtent);
    if (!shapes[i].c)
      throw Error(Error::Kind::graph, "node '" + graph.nodes[i].name + "' flattens too large a map",
                  text(Shape{picture.h, picture.w, picture.c}) + " numbers in the picture",
                  "a map of fewer than " + std::to_string(kTrialFlat) + " numbers");
  }
  return shapes;
}

}  // namespace pellucid
