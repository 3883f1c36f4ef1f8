// How a declaration reads a node: attributes with their types and defaults, weights with their roles. Every refusal
// names the node.
#include <cmath>
#include <cstdio>

#include "operations/operation.h"

namespace pellucid {
namespace {

std::string printed(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.12g", value);
  return text;
}

std::string printed(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return printed(*number);
  if (const auto* words = std::get_if<std::string>(&value)) return "'" + *words + "'";
  std::string all;
  for (double number : std::get<std::vector<double>>(value)) all += (all.empty() ? "(" : ", ") + printed(number);
  return all + ")";
}

template <class Range, class Name>
std::string listed(const Range& range, Name name) {
  std::string all;
  for (const auto& entry : range) all += (all.empty() ? "" : ", ") + name(entry);
  return all.empty() ? "none" : all;
}

}  // namespace

Builder::Builder(const NodeSpec& spec, const OperationInfo& info, Lowered& graph, std::vector<int> inputs,
                 Precision precision)
    : spec(spec), info(info), graph(graph), inputs(std::move(inputs)), wanted(precision) {
  const int n = int(this->inputs.size());
  if (n < info.min_inputs || n > info.max_inputs)
    refuse("a wrong number of inputs", std::to_string(n),
           info.min_inputs == info.max_inputs ? std::to_string(info.min_inputs)
                                              : "at least " + std::to_string(info.min_inputs));
  for (const auto& [name, ignored] : spec.attributes) {
    bool known = false;
    for (const auto& attribute : info.attributes) known |= attribute.name == name;
    if (!known) refuse("an unknown attribute", name, listed(info.attributes, [](const auto& a) { return a.name; }));
  }
  for (const auto& [role, tensor] : spec.weights) {
    bool known = false;
    for (const auto& weight : info.weights) known |= weight.role == role;
    if (!known) refuse("an unknown weight", role, listed(info.weights, [](const auto& w) { return w.role; }));
    for (float number : tensor->values)
      if (!std::isfinite(number))
        throw Error(Error::Kind::not_finite, "the weights of node '" + spec.name + "' hold NaN or infinity", role,
                    "finite numbers");
  }
}

void Builder::refuse(const std::string& what, const std::string& seen, const std::string& expected) const {
  throw Error(Error::Kind::graph, "node '" + spec.name + "' (" + spec.operation + "): " + what, seen, expected);
}

void Builder::refuse_attribute(const std::string& attribute, const std::string& expected) const {
  refuse("the attribute " + attribute + " does not fit", printed(value(attribute)), expected);
}

const Value& Builder::value(const std::string& attribute) const {
  const auto given = spec.attributes.find(attribute);
  if (given != spec.attributes.end()) return given->second;
  for (const auto& declared : info.attributes)
    if (declared.name == attribute) {
      if (!declared.fallback) refuse("the attribute " + attribute + " is missing", "nothing", declared.type);
      return *declared.fallback;
    }
  throw Error(Error::Kind::graph, "an attribute that was not declared", attribute);
}

double Builder::number(const std::string& attribute) const {
  const Value& v = value(attribute);
  if (const auto* number = std::get_if<double>(&v)) return *number;
  refuse("the attribute " + attribute + " is no number", printed(v), "a number");
}

std::vector<double> Builder::numbers(const std::string& attribute) const {
  const Value& v = value(attribute);
  if (const auto* number = std::get_if<double>(&v)) return {*number};
  if (const auto* many = std::get_if<std::vector<double>>(&v)) return *many;
  refuse("the attribute " + attribute + " is no list of numbers", printed(v), "numbers");
}

std::vector<double> Builder::whole_numbers(const std::string& attribute, int least, int most) const {
  const auto all = numbers(attribute);
  for (double number : all)
    if (number != std::floor(number) || number < least || number > most)
      refuse_attribute(attribute, "whole numbers from " + std::to_string(least) + " to " + std::to_string(most));
  return all;
}

int Builder::integer(const std::string& attribute, int least, int most) const {
  const auto all = whole_numbers(attribute, least, most);
  if (all.size() != 1) refuse_attribute(attribute, "one number");
  return int(all[0]);
}

Pair Builder::pair(const std::string& attribute, int least, int most) const {
  const auto all = whole_numbers(attribute, least, most);
  if (all.size() == 1) return {int(all[0]), int(all[0])};
  if (all.size() == 2) return {int(all[0]), int(all[1])};
  refuse_attribute(attribute, "one number or (y, x)");
}

Sides Builder::sides(const std::string& attribute, int least, int most) const {
  const auto all = whole_numbers(attribute, least, most);
  if (all.size() == 1) return {int(all[0]), int(all[0]), int(all[0]), int(all[0])};
  if (all.size() == 2) return {int(all[0]), int(all[1]), int(all[0]), int(all[1])};
  if (all.size() == 4) return {int(all[0]), int(all[1]), int(all[2]), int(all[3])};
  refuse_attribute(attribute, "one number, (y, x) or (top, left, bottom, right)");
}

std::string Builder::text(const std::string& attribute, const std::vector<std::string>& known) const {
  const Value& v = value(attribute);
  const auto* word = std::get_if<std::string>(&v);
  for (const auto& candidate : known)
    if (word && *word == candidate) return candidate;
  refuse_attribute(attribute, listed(known, [](const auto& k) { return k; }));
}

std::shared_ptr<const Tensor> Builder::weight(const std::string& role) const {
  const auto given = spec.weights.find(role);
  if (given != spec.weights.end()) return given->second;
  for (const auto& declared : info.weights)
    if (declared.role == role && declared.required) refuse("a weight is missing", "nothing", role);
  return nullptr;
}

int Builder::add(PrimitivePointer primitive, std::vector<int> from) {
  graph.nodes.push_back({std::move(primitive), std::move(from), spec.name, spec.operation, -1});
  return int(graph.nodes.size()) - 1;
}

}  // namespace pellucid
