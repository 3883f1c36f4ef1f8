// Numbers of a whole map: its mean, its largest value, its moments. They are gathered row by row while the rows pass,
// in an order that no strip and no thread changes, and known when the last row has passed.
#pragma once

#include "operations/operation.h"

namespace pellucid {

int add_global_pool(Builder& b, int from, bool mean);  // (1, 1, c)

// Scale and offset per channel, (1, 1, 2 c), that bring groups of channels to mean 0 and variance 1, then apply weight
// and bias (c values, or null). groups == 0: every channel by itself. The application is a node of its own, below.
int add_moments(Builder& b, int from, int groups, double eps, std::shared_ptr<const Tensor> weight,
                std::shared_ptr<const Tensor> bias);
int add_scale_and_offset(Builder& b, int map, int scale_and_offset);

}  // namespace pellucid
