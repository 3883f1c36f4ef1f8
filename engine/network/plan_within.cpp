// Which plan: by layers where blocks would read too many weights again. Plans under a ceiling: threads further apart
// and smaller blocks first, then kept maps in a file, then fewer threads. Where the caller asks for neither a ceiling
// nor a number of threads, many threads on a wide picture are held to what is still modest.
#include <algorithm>

#include "execution/pool.h"
#include "network/network_state.h"

namespace pellucid {
namespace {

constexpr std::size_t kModest = std::size_t(448) << 20;
constexpr std::size_t kSmall = std::size_t(256) << 20;  // rings as small as this may hold several blocks

std::size_t taken(const Plan& plan) { return plan.arena_bytes + plan.scratch_bytes * plan.request.threads; }

// Whether all the weights, read again for every block, are more than the maps of a plan by layers, written and read
// once. Weights that stay in a near cache cost nothing, and large maps are what blocks are there to spare.
bool reads_more_weights_than_maps(const Plan& plan) {
  constexpr std::size_t kNear = std::size_t(4) << 20;
  std::size_t weights = 0, maps = 0;
  for (std::size_t i = 1; i < plan.nodes.size(); i++) {
    const NodeLayout& node = plan.nodes[i];
    if (!node.alive || node.late) continue;
    weights += plan.graph.nodes[i].primitive->weight_bytes();
    maps += std::size_t(node.shape.h * node.pitch) * sizeof(float);
  }
  long blocks = 1;
  for (const Pass& pass : plan.passes) blocks = std::max(blocks, pass.blocks);
  return weights > kNear && maps < kSmall && weights * (blocks - 1) > 2 * maps;
}

// Whether the last thread is on its way well before the first is through: else they would wait for each other.
bool has_room(const Plan& plan) {
  for (const Pass& pass : plan.passes)
    if (long(pass.columns.size()) - 1 < long(plan.strips_apart + 1) * plan.request.threads) return false;
  return true;
}

// In the millions that a ceiling is asked for in; rounded up, so that what is printed suffices.
std::string in_bytes(std::size_t bytes) {
  constexpr std::size_t kMillion = 1000000;
  return std::to_string((bytes + kMillion - 1) / kMillion) + "M (" + std::to_string(bytes) + " bytes)";
}

std::string as_given(std::size_t bytes) { return bytes % 1000000 ? std::to_string(bytes) + " bytes" : in_bytes(bytes); }

}  // namespace

std::shared_ptr<const Plan> plan_within(const Lowered& graph, long h, long w, const RunOptions& options,
                                        const std::vector<int>& keep, bool for_stream) {
  const int threads = std::clamp(options.threads > 0 ? options.threads : usable_threads(), 1, 256);
  PlanRequest request{h, w, threads, std::max(options.block, 0), options.strip, keep, false};
  auto plan = std::make_shared<Plan>(graph, request);
  const bool free = !options.block && !options.strip;
  if (!for_stream && (options.block == kByLayers || (free && reads_more_weights_than_maps(*plan)))) {
    request.by_layers = true;
    const auto by_layers = std::make_shared<Plan>(graph, request);
    if (!options.memory || taken(*by_layers) <= options.memory) return by_layers;
    request.by_layers = false;
  }
  if (plan->in_flight > 1 && taken(*plan) > kSmall) {
    request.apart = true;
    const auto further = std::make_shared<Plan>(graph, request);
    if (has_room(*further))
      plan = further;
    else
      request.apart = false;
  }
  while (!options.memory && options.threads <= 0 && plan->passes.size() == 1 && request.threads > 1 &&
         taken(*plan) > kModest) {
    request.threads = int(std::clamp<double>(request.threads * double(kModest) / taken(*plan), 1, request.threads - 1));
    plan = std::make_shared<Plan>(graph, request);
  }
  if (!options.memory || taken(*plan) <= options.memory) return plan;
  std::size_t least = taken(*plan);
  const int usual = plan->block;
  for (request.threads = threads; request.threads > 0; request.threads--)
    for (const bool spill : {false, true}) {
      if (spill && plan->passes.size() == 1) continue;
      request.spill = spill;
      for (int block = usual; block > 0; block = block > 4 ? (block / 2 + 3) / 4 * 4 : block / 2) {
        request.block = options.block > 0 ? options.block : block;
        for (const bool apart : {false, true}) {
          request.apart = apart;
          plan = std::make_shared<Plan>(graph, request);
          if (taken(*plan) <= options.memory) return plan;
          least = std::min(least, taken(*plan));
        }
        if (options.block > 0) break;
      }
    }
  const std::string size =
      h == kEndless ? "rows of " + std::to_string(w) : std::to_string(w) + " x " + std::to_string(h);
  Error error(Error::Kind::resource, "the memory ceiling is too low for this network and " + size + " pixels",
              as_given(options.memory), "at least " + in_bytes(least));
  error.least_bytes = least;
  throw error;
}

}  // namespace pellucid
