// What a convolution takes in: the activation behind it, then an addition, in this order, each only when nobody else
// reads what lies between. And a convolution before a pixel shuffle makes its channels in the order in which the
// shuffle wants them. "No" leads to the unfused path.
#include <algorithm>

#include "graph/lower.h"
#include "operations/families.h"

namespace pellucid {
namespace {

using Description = ConvolutionPrimitive::Description;

std::vector<int> count_readers(const Lowered& graph) {
  std::vector<int> readers(graph.nodes.size(), 0);
  for (const auto& node : graph.nodes)
    for (int from : node.inputs) readers[from]++;
  readers[graph.output]++;
  return readers;
}

const ConvolutionPrimitive* as_convolution(const LoweredNode& node) {
  return dynamic_cast<const ConvolutionPrimitive*>(node.primitive.get());
}

bool take_activation(const Primitive& next, Description& d) {
  if (d.activation != Activation::none || d.residual) return false;
  if (const auto* unary = dynamic_cast<const UnaryPrimitive*>(&next)) {
    if (unary->kind != Unary::relu && unary->kind != Unary::leaky_relu) return false;
    d.activation = unary->kind == Unary::relu ? Activation::relu : Activation::prelu;
    if (unary->kind == Unary::leaky_relu) d.slope.assign(d.shape.oc, unary->p);
    return true;
  }
  const auto* prelu = dynamic_cast<const PreluPrimitive*>(&next);
  if (!prelu || (prelu->slope->values.size() != 1 && int(prelu->slope->values.size()) != d.shape.oc)) return false;
  d.activation = Activation::prelu;
  d.slope = prelu->slopes(d.shape.oc);
  return true;
}

// The addition moves up to the convolution, so the other summand must already be there.
bool take_addition(const LoweredNode& next, int conv, Description& d, std::vector<int>& inputs) {
  const auto* add = dynamic_cast<const BinaryPrimitive*>(next.primitive.get());
  if (!add || add->kind != Binary::add || d.residual || next.inputs[0] == next.inputs[1]) return false;
  inputs.push_back(next.inputs[0] == conv ? next.inputs[1] : next.inputs[0]);
  d.residual = true;
  return true;
}

// Whether the two summands have the same shape whatever the picture's size: what is spread over a map is not fused.
bool same_extent(const std::vector<Shape>& shapes, int a, int b) {
  return !shapes.empty() && shapes[a].c != 0 && shapes[a] == shapes[b];
}

// Removes the nodes that were taken in, and numbers the others anew.
void close_ranks(Lowered& graph, const std::vector<int>& taken_by) {
  std::vector<int> place(graph.nodes.size());
  std::vector<LoweredNode> left;
  for (std::size_t i = 0; i < graph.nodes.size(); i++) {
    if (taken_by[i] >= 0) continue;
    place[i] = int(left.size());
    left.push_back(std::move(graph.nodes[i]));
  }
  for (std::size_t i = place.size(); i-- > 0;)  // from the end: a chain is taken in link by link
    if (taken_by[i] >= 0) place[i] = place[taken_by[i]];
  for (auto& node : left)
    for (int& from : node.inputs) from = place[from];
  for (int& of : graph.of_user) of = place[of];
  graph.output = place[graph.output];
  graph.nodes = std::move(left);
}

// Whether a map's channels may come in any order: a convolution makes them, which adds at most a map of this kind, and
// nobody else sees it.
bool may_reorder(const Lowered& graph, const std::vector<int>& readers, int node) {
  const auto* conv = as_convolution(graph.nodes[node]);
  return conv && readers[node] == 1 && conv->description.shape.groups == 1 &&
         (!conv->description.residual || may_reorder(graph, readers, graph.nodes[node].inputs[1]));
}

// Channel j becomes what was channel order[j]. A channel's sum does not depend on the others, so no bit changes.
void reorder(Lowered& graph, int node, const std::vector<int>& order) {
  Description d = as_convolution(graph.nodes[node])->description;
  const auto reordered = [&](const std::shared_ptr<const Tensor>& from) {
    auto to = std::make_shared<Tensor>(*from);
    const auto each = from->values.size() / order.size();
    for (std::size_t j = 0; j < order.size(); j++)
      std::copy_n(from->values.begin() + order[j] * each, each, to->values.begin() + j * each);
    return to;
  };
  d.weight = reordered(d.weight);
  if (d.bias) d.bias = reordered(d.bias);
  const auto slope = d.slope;
  for (std::size_t j = 0; j < slope.size(); j++) d.slope[j] = slope[order[j]];
  if (d.residual) reorder(graph, graph.nodes[node].inputs[1], order);
  graph.nodes[node].primitive = std::make_shared<ConvolutionPrimitive>(std::move(d));
}

void order_channels_for_shuffles(Lowered& graph) {
  const auto readers = count_readers(graph);
  for (auto& node : graph.nodes) {
    const auto* shuffle = dynamic_cast<const PixelShuffle*>(node.primitive.get());
    if (!shuffle || !may_reorder(graph, readers, node.inputs[0])) continue;
    reorder(graph, node.inputs[0], shuffle->order(as_convolution(graph.nodes[node.inputs[0]])->description.shape.oc));
    node.primitive = std::make_shared<PixelShuffle>(shuffle->f, shuffle->cut, true);
  }
}

}  // namespace

// A chain conv -> activation -> add is gathered at the place of its last node, where all summands exist.
void fuse(Lowered& graph, const std::vector<Shape>& shapes) {
  const auto readers = count_readers(graph);
  std::vector<int> taken_by(graph.nodes.size(), -1);
  for (std::size_t i = 1; i < graph.nodes.size(); i++) {
    for (int from : graph.nodes[i].inputs) {
      LoweredNode& node = graph.nodes[i];
      const auto* conv = as_convolution(graph.nodes[from]);
      if (!conv || readers[from] != 1 || taken_by[from] >= 0) continue;
      Description d = conv->description;
      std::vector<int> inputs = graph.nodes[from].inputs;
      const bool taken = take_activation(*node.primitive, d) ||
                         (node.inputs.size() == 2 && same_extent(shapes, node.inputs[0], node.inputs[1]) &&
                          take_addition(node, from, d, inputs));
      if (!taken) continue;
      node.primitive = std::make_shared<ConvolutionPrimitive>(std::move(d));
      node.operation = graph.nodes[from].operation + "+" + node.operation;
      node.name = graph.nodes[from].name;
      node.inputs = inputs;
      taken_by[from] = int(i);
      break;
    }
  }
  close_ranks(graph, taken_by);
  order_channels_for_shuffles(graph);
}

namespace {

// Rectifying and rounding may change places, so an unfused relu does not hide the convolution behind it.
bool only_convolutions_read(const Lowered& graph, int node) {
  if (node == graph.output) return false;
  for (std::size_t i = 0; i < graph.nodes.size(); i++)
    for (std::size_t k = 0; k < graph.nodes[i].inputs.size(); k++) {
      if (graph.nodes[i].inputs[k] != node) continue;
      const auto* unary = dynamic_cast<const UnaryPrimitive*>(graph.nodes[i].primitive.get());
      const bool relu = unary && unary->kind == Unary::relu && only_convolutions_read(graph, int(i));
      if (!relu && (k > 0 || !as_convolution(graph.nodes[i]))) return false;
    }
  return true;
}

// Sums of products, which at most an activation or an addition has changed: rounding costs them little. What is fused
// and what is not must make no difference here.
bool comes_from_convolution(const Lowered& graph, int i) {
  const LoweredNode& node = graph.nodes[i];
  if (as_convolution(node)) return true;
  const auto* unary = dynamic_cast<const UnaryPrimitive*>(node.primitive.get());
  const auto* binary = dynamic_cast<const BinaryPrimitive*>(node.primitive.get());
  const bool through = (unary && (unary->kind == Unary::relu || unary->kind == Unary::leaky_relu)) ||
                       (binary && binary->kind == Binary::add) ||
                       dynamic_cast<const PreluPrimitive*>(node.primitive.get());
  return through && std::any_of(node.inputs.begin(), node.inputs.end(),
                                [&](int from) { return comes_from_convolution(graph, from); });
}

}  // namespace

// bf16: a map that only convolutions read is stored rounded; all others stay float32.
void mark_rounded(Lowered& graph) {
  for (std::size_t i = 1; i < graph.nodes.size(); i++) {
    const auto* conv = as_convolution(graph.nodes[i]);
    if (!conv || conv->description.precision != Precision::bf16) continue;
    Description d = conv->description;
    d.rounded = only_convolutions_read(graph, int(i));
    d.split = !comes_from_convolution(graph, graph.nodes[i].inputs[0]);
    graph.nodes[i].primitive = std::make_shared<ConvolutionPrimitive>(std::move(d));
  }
}

}  // namespace pellucid
