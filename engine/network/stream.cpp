// Streams: rows are taken as they come, and every block of rows that is complete is run at once. A network that needs
// its whole picture, or a height that nobody has told, gets all rows first and answers at the end.
#include <algorithm>

#include "network/network_state.h"

namespace pellucid {
namespace {

void expect_any_height(const Lowered& graph, long w) {
  try {
    infer_shapes(graph, {kEndless, w, graph.channels});
  } catch (const ExtentError& error) {
    throw Error(Error::Kind::usage, "this network does not take pictures of any height", "a stream of unknown height",
                "the height at the start", error.message);
  }
}

// Whether what rows are read depends on how many there are.
bool depends_on_height(const Lowered& graph, long w) {
  expect_any_height(graph, w);
  const auto tall = infer_shapes(graph, {kEndless, w, graph.channels});
  const auto taller = infer_shapes(graph, {2 * kEndless, w, graph.channels});
  for (std::size_t i = 1; i < graph.nodes.size(); i++)
    for (std::size_t k = 0; k < graph.nodes[i].inputs.size(); k++) {
      const int from = graph.nodes[i].inputs[k];
      const Reads a = graph.nodes[i].primitive->reads(int(k), Axis::y, tall[from].h, tall[i].h);
      const Reads b = graph.nodes[i].primitive->reads(int(k), Axis::y, taller[from].h, taller[i].h);
      if (a.a * b.d != b.a * a.d || a.lo * b.d != b.lo * a.d || a.hi * b.d != b.hi * a.d || a.start != b.start)
        return true;
    }
  return false;
}

}  // namespace

struct Stream::State {
  std::shared_ptr<Network::State> network;
  RunOptions options;
  long w, h;             // h == 0: not known
  bool gathers = false;  // all rows first
  std::shared_ptr<Plan> plan;
  std::unique_ptr<Session> session;
  std::vector<float> waiting;  // rows from `first` on that no block has taken yet
  long first = 0, known = 0, blocks = 0;
  bool ended = false;

  long row_floats() const { return w * network->channels; }
  long run_to(long to, Rows& out);
  long gather_and_run(Rows& out);
};

Stream::Stream(std::unique_ptr<State> state) : state(std::move(state)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream::~Stream() = default;

Stream Network::stream(long w, long h, const RunOptions& options) const {
  if (w < 1 || h < 0) throw Error(Error::Kind::usage, "rows need pixels", std::to_string(w), "at least 1");
  auto own = std::make_unique<Stream::State>();
  own->network = state, own->options = options, own->w = w, own->h = h;
  if (!h) own->gathers = depends_on_height(state->fused, w);
  if (!own->gathers) {
    own->plan = std::make_shared<Plan>(*plan_within(state->fused, h ? h : kEndless, w, options, {}, true));
    own->gathers = own->plan->passes.size() > 1;
    if (!own->gathers)
      own->session = std::make_unique<Session>(own->plan), own->session->begin(),
      own->session->ask(options.interrupted);
  }
  return Stream(std::move(own));
}

Extent Stream::input_shape() const { return {state->h, state->w, state->network->channels}; }

Extent Stream::row_shape() const {
  const Shape picture = {state->h ? state->h : kEndless, state->w, state->network->channels};
  const Shape out = infer_shapes(state->network->fused, picture)[state->network->fused.output];
  return {state->h ? out.h : 0, out.w, out.c};
}

long Stream::State::run_to(long to, Rows& out) {
  const int node = plan->graph.output;
  const Shape shape = plan->nodes[node].shape;
  std::vector<long> before, behind;
  if (blocks == 0)
    plan->beginning(Axis::y, 0, before);
  else
    plan->frontier(Axis::y, 0, blocks * plan->block, before);
  plan->frontier(Axis::y, 0, to * plan->block, behind);
  const long from = std::clamp(before[node], 0L, shape.h), upto = std::clamp(behind[node], from, shape.h);
  const std::size_t old = out.size();
  out.resize(old + (upto - from) * shape.w * shape.c);
  session->bind_input(waiting.data(), first);
  session->bind_output(out.data() + old, from);
  session->run_blocks(0, blocks, to);
  if (session->failed()) {
    const auto& suspect = plan->graph.nodes[session->suspect()];
    throw Error(Error::Kind::not_finite,
                "NaN or infinity in the rows of node '" + suspect.name + "' (" + suspect.operation + ")", "",
                "finite numbers");
  }
  blocks = to;
  const long used = std::min(blocks * plan->block, known) - first;
  waiting.erase(waiting.begin(), waiting.begin() + used * row_floats());
  first += used;
  return upto - from;
}

long Stream::push(const float* rows, long count, Rows& out) {
  State& s = *state;
  if (s.ended) throw Error(Error::Kind::usage, "the stream has ended", std::to_string(count) + " more rows", "none");
  if (s.h && s.known + count > s.h)
    throw Error(Error::Kind::usage, "more rows than were announced", std::to_string(s.known + count),
                std::to_string(s.h));
  s.waiting.insert(s.waiting.end(), rows, rows + count * s.row_floats());
  s.known += count;
  if (s.gathers) return 0;
  const long complete = s.h && s.known == s.h ? s.plan->passes[0].blocks : s.known / s.plan->block;
  return complete > s.blocks ? s.run_to(complete, out) : 0;
}

long Stream::finish(Rows& out) {
  State& s = *state;
  if (s.ended) throw Error(Error::Kind::usage, "the stream has ended already", "", "one finish");
  if (s.h && s.known != s.h)
    throw Error(Error::Kind::usage, "fewer rows than were announced", std::to_string(s.known), std::to_string(s.h));
  if (!s.known) throw Error(Error::Kind::usage, "the stream got no rows", "0", "at least 1");
  s.ended = true;
  if (s.gathers) return s.gather_and_run(out);
  if (s.h) return 0;
  auto plan = std::make_shared<Plan>(*s.plan);
  plan->take_height(s.known);
  s.plan = plan;
  s.session->take_plan(plan);
  return s.run_to(plan->passes[0].blocks, out);
}

long Stream::State::gather_and_run(Rows& out) {
  Network all(network);
  const Extent shape = all.output_shape(known, w);
  const std::size_t old = out.size();
  out.resize(old + shape.h * shape.w * shape.c);
  all.run(waiting.data(), 1, known, w, out.data() + old, {}, options);
  waiting.clear();
  return shape.h;
}

}  // namespace pellucid
