// The one table of operations, and the text of errors. To add an operation: write its declaration in the file of its
// family (or a new one, named in families.h and here); binding, Python and the plan know it from then on.
#include <algorithm>

#include "operations/families.h"

namespace pellucid {

Reads Primitive::reads(int, Axis, long n_in, long n_out) const {
  return n_in == 1 && n_out != 1 ? Reads{0, 0, 0, 1} : Reads{};
}

bool Primitive::run_to_caller(const Task& task) const {
  run(task);
  const long left = std::max(task.x0, 0L), right = std::min(task.x1, task.out.shape.w);
  bool finite = true;
  for (long y = std::max(task.y0, 0L); y < std::min(task.y1, task.out.shape.h); y++)
    finite &= row_functions().finite(task.out.row(y) + left * task.out.stride, (right - left) * task.out.stride);
  return finite;
}

const std::vector<Declaration>& declarations() {
  static const std::vector<Declaration> table = [] {
    std::vector<Declaration> all;
    for (auto family : {convolution_declarations, activation_declarations, arithmetic_declarations,
                        channel_declarations, arrangement_declarations, pooling_declarations,
                        normalisation_declarations, resize_declarations, kernel_declarations})
      for (Declaration& declaration : family()) all.push_back(std::move(declaration));
    return all;
  }();
  return table;
}

std::vector<OperationInfo> operations() {
  std::vector<OperationInfo> all;
  for (const Declaration& declaration : declarations()) all.push_back(declaration.info);
  return all;
}

void expect_channels(const Shape& in, long wanted, const char* operation) {
  if (in.c && in.c != wanted)
    throw Error(Error::Kind::graph, std::string(operation) + " meets a map with other channels than its weights",
                std::to_string(in.c), std::to_string(wanted));
}

int checked_channels(long channels) {
  if (channels > kMostChannels)
    throw Error(Error::Kind::graph, "a map gets too many channels", std::to_string(channels),
                "at most " + std::to_string(kMostChannels));
  return int(channels);
}

std::string text(const Shape& shape) {
  return std::to_string(shape.h) + " x " + std::to_string(shape.w) + " x " + std::to_string(shape.c);
}

Error::Error(Kind kind, std::string what, std::string seen, std::string expected, std::string hint)
    : kind(kind),
      message(std::move(what)),
      seen(std::move(seen)),
      expected(std::move(expected)),
      hint(std::move(hint)) {
  line = message;
  if (!this->seen.empty()) line += "; seen: " + this->seen;
  if (!this->expected.empty()) line += "; expected: " + this->expected;
  if (!this->hint.empty()) line += "; hint: " + this->hint;
}

}  // namespace pellucid
