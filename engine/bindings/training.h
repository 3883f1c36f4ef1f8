// The parts of `pellucid._engine` that train, and what they share: arrays that they take and checks of them.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <optional>
#include <string>

#include "pellucid/engine.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace pellucid;

using Array = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Result = nb::ndarray<float, nb::c_contig, nb::device::cpu>;

void add_training(nb::module_& m);
void add_training_on_tiles(nb::module_& m);

inline void expect(bool right, const char* what, const std::string& seen, const std::string& expected) {
  if (!right) throw Error(Error::Kind::usage, what, seen, expected);
}

template <class A>
std::string shape_of(const A& array) {
  std::string text = "(";
  for (std::size_t k = 0; k < array.ndim(); k++) text += (k ? ", " : "") + std::to_string(array.shape(k));
  return text + ")";
}

inline void expect_channels(const std::optional<Array>& values, const char* what, int channels) {
  expect(!values || values->size() == std::size_t(channels), what, values ? shape_of(*values) : "",
         std::to_string(channels));
}
