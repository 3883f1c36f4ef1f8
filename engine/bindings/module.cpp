// The extension `pellucid._engine`: arrays and exceptions, nothing else. Errors of the engine become the classes of
// `pellucid.errors`; the interpreter's lock is released while anything is computed.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <functional>

#include "bindings/training.h"
#include "execution/memory.h"
#include "isa/isa.h"
#include "pellucid/engine.h"

namespace {

using Made = nb::ndarray<nb::numpy, float>;

// ---- errors

void raise(const Error& error) {
  const char* names[] = {"GraphError", "ResourceError", "NotFiniteError", "UsageError", "PellucidError"};
  const auto or_none = [](const std::string& text) {
    return text.empty() ? nb::object(nb::none()) : nb::object(nb::str(text.c_str()));
  };
  nb::object type = nb::module_::import_("pellucid.errors").attr(names[int(error.kind)]);
  nb::object value = type(error.message.c_str(), "seen"_a = or_none(error.seen), "expected"_a = or_none(error.expected),
                          "hint"_a = or_none(error.hint));
  if (error.least_bytes) value.attr("least_bytes") = error.least_bytes;
  PyErr_SetObject(type.ptr(), value.ptr());
}

// Ctrl-C and other signals end a run: Python is asked between blocks, and what its handler raised is raised here.
struct Interruption {
  std::optional<nb::python_error> raised;

  bool operator()() {
    nb::gil_scoped_acquire lock;
    if (PyErr_CheckSignals() == 0) return false;
    raised.emplace();
    return true;
  }
};

template <class F>
void without_lock(Interruption& interruption, F run) {
  try {
    nb::gil_scoped_release release;
    run();
  } catch (const Error&) {
    if (interruption.raised) throw *interruption.raised;
    throw;
  }
}

// ---- values

Value to_value(const std::string& name, nb::handle value) {
  if (nb::isinstance<nb::str>(value)) return nb::cast<std::string>(value);
  if (PyNumber_Check(value.ptr()) && !PySequence_Check(value.ptr())) return PyFloat_AsDouble(nb::float_(value).ptr());
  std::vector<double> all;
  if (PySequence_Check(value.ptr())) {
    for (nb::handle entry : nb::borrow<nb::sequence>(value)) all.push_back(nb::cast<double>(nb::float_(entry)));
    return all;
  }
  throw Error(Error::Kind::graph, "the attribute " + name + " has a value of an unknown kind",
              nb::cast<std::string>(nb::repr(value)), "a number, a text or numbers");
}

nb::object from_value(const AttributeInfo& attribute) {
  if (!attribute.fallback) return nb::none();
  if (const auto* text = std::get_if<std::string>(&*attribute.fallback)) return nb::str(text->c_str());
  const double* number = std::get_if<double>(&*attribute.fallback);
  if (!number) return nb::cast(std::get<std::vector<double>>(*attribute.fallback));
  if (attribute.type == "flag") return nb::bool_(*number != 0);
  if (attribute.type == "number" || attribute.type == "numbers") return nb::float_(*number);
  return nb::int_(long(*number));
}

nb::list describe_operations() {
  nb::list all;
  for (const OperationInfo& info : operations()) {
    nb::list attributes, weights, optional;
    for (const auto& attribute : info.attributes)
      attributes.append(nb::make_tuple(attribute.name, attribute.type, from_value(attribute)));
    for (const auto& weight : info.weights) {
      weights.append(weight.role);
      if (!weight.required) optional.append(weight.role);
    }
    nb::dict entry;
    entry["name"] = info.name;
    entry["inputs"] = nb::make_tuple(info.min_inputs, info.max_inputs);
    entry["attributes"] = attributes;
    entry["weights"] = weights;
    entry["optional_weights"] = optional;
    entry["summary"] = info.summary;
    all.append(entry);
  }
  return all;
}

std::shared_ptr<const Tensor> to_tensor(nb::handle value) {
  const Array array = nb::cast<Array>(value);
  auto tensor = std::make_shared<Tensor>();
  for (std::size_t k = 0; k < array.ndim(); k++) tensor->shape.push_back(long(array.shape(k)));
  tensor->values.assign(array.data(), array.data() + array.size());
  return tensor;
}

NodeSpec to_node(nb::handle value) {
  const nb::tuple parts = nb::cast<nb::tuple>(value);
  if (parts.size() != 5)
    throw Error(Error::Kind::usage, "a node has the wrong number of parts", std::to_string(parts.size()),
                "(name, operation, inputs, attributes, weights)");
  NodeSpec node{nb::cast<std::string>(parts[0]), nb::cast<std::string>(parts[1]), {}, {}, {}};
  for (nb::handle from : nb::borrow<nb::sequence>(parts[2])) node.inputs.push_back(nb::cast<int>(from));
  for (auto [name, attribute] : nb::cast<nb::dict>(parts[3]))
    if (!attribute.is_none())
      node.attributes[nb::cast<std::string>(name)] = to_value(nb::cast<std::string>(name), attribute);
  for (auto [role, weight] : nb::cast<nb::dict>(parts[4]))
    node.weights[nb::cast<std::string>(role)] = to_tensor(weight);
  return node;
}

Network make_network(const nb::sequence& nodes, int channels, const std::string& precision) {
  if (precision != "fp32" && precision != "bf16")
    throw Error(Error::Kind::usage, "unknown precision", precision, "fp32 or bf16");
  std::vector<NodeSpec> specs;
  for (nb::handle node : nodes) specs.push_back(to_node(node));
  const Precision wanted = precision == "bf16" ? Precision::bf16 : Precision::fp32;
  nb::gil_scoped_release release;
  return Network(std::move(specs), channels, wanted);
}

// ---- arrays

// In large pages, and where the last result of this size lay if that is gone.
Made new_array(std::initializer_list<std::size_t> shape, float*& data) {
  std::size_t size = 1;
  for (std::size_t extent : shape) size *= extent;
  auto* memory = new Memory(left_or_fresh(std::max<std::size_t>(size, 1) * sizeof(float)));
  nb::capsule owner(memory, [](void* p) noexcept {
    leave(std::move(*static_cast<Memory*>(p)));
    delete static_cast<Memory*>(p);
  });
  data = reinterpret_cast<float*>(memory->data());
  return Made(data, shape, owner);
}

void expect_batch(const Array& x, std::size_t axes, int channels, const char* expected) {
  if (x.ndim() == axes && int(x.shape(axes - 1)) == channels) return;
  std::string seen = "(";
  for (std::size_t k = 0; k < x.ndim(); k++) seen += (k ? ", " : "") + std::to_string(x.shape(k));
  throw Error(Error::Kind::usage, "an array of the wrong shape", seen + ")",
              expected + std::string(" with ") + std::to_string(channels) + " channels");
}

nb::tuple run(const Network& network, const Array& x, int threads, std::size_t memory, const std::vector<int>& keep,
              int strip, int block) {
  expect_batch(x, 4, network.channels(), "(n, h, w, c)");
  const long n = long(x.shape(0)), h = long(x.shape(1)), w = long(x.shape(2));
  Interruption interruption;
  const RunOptions options{threads, memory, strip, block, keep, std::ref(interruption)};
  const Extent to = network.output_shape(h, w);
  float* out = nullptr;
  const Made result = new_array({std::size_t(n), std::size_t(to.h), std::size_t(to.w), std::size_t(to.c)}, out);
  nb::list maps;
  std::vector<float*> kept;
  for (const Extent& shape : network.kept_shapes(h, w, keep)) {
    kept.push_back(nullptr);
    maps.append(
        new_array({std::size_t(n), std::size_t(shape.h), std::size_t(shape.w), std::size_t(shape.c)}, kept.back()));
  }
  without_lock(interruption, [&] { network.run(x.data(), n, h, w, out, kept, options); });
  return nb::make_tuple(result, maps);
}

nb::tuple to_tuple(const Extent& e) { return nb::make_tuple(e.h, e.w, e.c); }

nb::dict plan(const Network& network, long h, long w, int threads, std::size_t memory, int strip, int block) {
  const PlanInfo info = network.plan(h, w, {threads, memory, strip, block, {}, {}});
  nb::list nodes;
  for (const NodePlan& node : info.nodes) {
    nb::dict entry;
    entry["name"] = node.name, entry["operation"] = node.operation, entry["kernel"] = node.kernel;
    entry["shape"] = to_tuple(node.shape);
    entry["pass"] = node.pass, entry["rows"] = node.rows, entry["whole"] = node.whole, entry["spilled"] = node.spilled;
    entry["bytes"] = node.bytes;
    entry["multiply_adds"] = node.multiply_adds, entry["extra_multiply_adds"] = node.extra_multiply_adds;
    entry["tile"] = node.tile, entry["phase"] = nb::make_tuple(node.phase_y, node.phase_x);
    nodes.append(entry);
  }
  nb::dict all;
  all["nodes"] = nodes, all["input"] = to_tuple(info.input), all["output"] = to_tuple(info.output);
  all["by_layers"] = info.by_layers;
  all["threads"] = info.threads, all["block"] = info.block, all["strip"] = info.strip, all["strips"] = info.strips;
  all["passes"] = info.passes, all["arena_bytes"] = info.arena_bytes, all["scratch_bytes"] = info.scratch_bytes;
  all["weight_bytes"] = info.weight_bytes, all["spilled_bytes"] = info.spilled_bytes;
  return all;
}

Made to_rows(Stream::Rows rows, long count, const Stream& stream) {
  const Extent shape = stream.row_shape();
  auto* owned = new Stream::Rows(std::move(rows));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<Stream::Rows*>(p); });
  return Made(owned->data(), {std::size_t(count), std::size_t(shape.w), std::size_t(shape.c)}, owner);
}

Made push(Stream& stream, const Array& rows) {
  const Extent shape = stream.input_shape();
  expect_batch(rows, 3, shape.c, "(rows, w, c)");
  if (long(rows.shape(1)) != shape.w)
    throw Error(Error::Kind::usage, "rows of the wrong width", std::to_string(rows.shape(1)), std::to_string(shape.w));
  Stream::Rows out;
  long count = 0;
  {
    nb::gil_scoped_release release;
    count = stream.push(rows.data(), long(rows.shape(0)), out);
  }
  return to_rows(std::move(out), count, stream);
}

Made finish(Stream& stream) {
  Stream::Rows out;
  long count = 0;
  {
    nb::gil_scoped_release release;
    count = stream.finish(out);
  }
  return to_rows(std::move(out), count, stream);
}

nb::dict describe_hardware() {
  const Hardware h = hardware();
  nb::dict all;
  all["threads"] = h.threads, all["l1_bytes"] = h.l1_bytes, all["l2_bytes"] = h.l2_bytes, all["l3_bytes"] = h.l3_bytes;
  all["isa"] = h.isa, all["no_tiles"] = h.no_tiles;
  return all;
}

nb::dict peaks() {
  Peaks p;
  {
    nb::gil_scoped_release release;
    p = measure_peaks();
  }
  nb::dict all;
  all["flops"] = 2 * p.multiply_adds, all["l1"] = p.l1, all["l2"] = p.l2, all["l3"] = p.l3, all["memory"] = p.memory;
  return all;
}

}  // namespace

NB_MODULE(_engine, m) {
  m.doc() = "Networks as streams of rows. `pellucid.network` is the face of this module.";
  nb::register_exception_translator([](const std::exception_ptr& p, void*) {
    try {
      std::rethrow_exception(p);
    } catch (const Error& error) {
      raise(error);
    }
  });
  m.def("operations", describe_operations, "All operations: name, inputs (least, most), attributes, weights, summary.");
  m.attr("BY_LAYERS") = kByLayers;
  m.def("isas", present_isas, "The instruction sets that were built in and are present, plainest first.");
  m.def("isa", [] { return name(isa_in_force()); }, "The instruction set in force.");
  m.def("set_isa", [](const std::string& isa) { set_isa(isa); }, "isa"_a, "For networks made from now on.");
  m.def("hardware", describe_hardware, "Threads and caches that this process may use.");
  m.def("measure_peaks", peaks, "Operations and bytes per second of one core, measured.");
  nb::class_<Stream>(m, "Stream")
      .def("push", push, "rows"_a, "Takes rows (k, w, c); returns the rows (k', w', c') that became known.")
      .def("finish", finish, "The rows that are left.");
  nb::class_<Network>(m, "Network")
      .def(
          "__init__",
          [](Network* self, const nb::sequence& nodes, int channels, const std::string& precision) {
            new (self) Network(make_network(nodes, channels, precision));
          },
          "nodes"_a, "channels"_a, "precision"_a = "fp32")
      .def(
          "output_shape", [](const Network& n, long h, long w) { return to_tuple(n.output_shape(h, w)); }, "h"_a, "w"_a)
      .def("run", run, "x"_a, "threads"_a = 0, "memory"_a = 0, "keep"_a = std::vector<int>(), "strip"_a = 0,
           "block"_a = 0)
      .def("plan", plan, "h"_a, "w"_a, "threads"_a = 0, "memory"_a = 0, "strip"_a = 0, "block"_a = 0)
      .def(
          "stream",
          [](const Network& n, long width, long height, int threads, std::size_t memory, int strip, int block) {
            nb::gil_scoped_release release;
            return n.stream(width, height, {threads, memory, strip, block, {}, {}});
          },
          "width"_a, "height"_a = 0, "threads"_a = 0, "memory"_a = 0, "strip"_a = 0, "block"_a = 0);
  add_training(m);
  add_training_on_tiles(m);
}
