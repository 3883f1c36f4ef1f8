// From the network's nodes to primitives: every declaration builds its own, then chains are fused. Lowered node 0 is
// the picture. Nothing here knows the size of a picture.
#pragma once

#include "operations/operation.h"

namespace pellucid {

// Checks the nodes and builds them, one by one, in order.
Lowered lower(const std::vector<NodeSpec>& nodes, int channels, Precision precision);

// Convolutions take in the activation and the addition that follow, where nobody else reads what lies between.
// Without this pass the same graph runs node by node.
// `shapes` are those of some picture: maps of different extents are spread over each other, which no kernel does.
void fuse(Lowered& graph, const std::vector<Shape>& shapes);

// For bf16: decides which convolutions store rounded numbers.
void mark_rounded(Lowered& graph);

// Makes the kernels, after which the graph can run.
void prepare(Lowered& graph);

// The shapes of all maps; the errors name the node.
std::vector<Shape> infer_shapes(const Lowered& graph, const Shape& picture);

// The same for a picture that comes: none may be larger than the engine's integers, and all channels must be known.
std::vector<Shape> checked_shapes(const Lowered& graph, const Shape& picture);

}  // namespace pellucid
