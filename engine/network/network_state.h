// What a network holds between runs: its graph, fused and not, and the last plans with their memory.
#pragma once

#include <mutex>

#include "execution/session.h"
#include "graph/lower.h"
#include "graph/plan.h"

namespace pellucid {

struct Network::State {
  std::vector<NodeSpec> specs;
  int channels;
  Precision precision;
  Lowered fused;

  const Lowered& unfused();  // made when it is first asked for
  std::shared_ptr<const Plan> plan_for(long h, long w, const RunOptions& options, bool as_written);
  std::unique_ptr<Session> session_for(const std::shared_ptr<const Plan>& plan);
  void give_back(std::unique_ptr<Session> session);

 private:
  std::mutex mutex;
  std::unique_ptr<Lowered> written;
  struct Remembered {
    std::vector<long> key;
    std::shared_ptr<const Plan> plan;
  };
  std::vector<Remembered> plans;
  std::unique_ptr<Session> idle;
};

// The plan of these options; within the ceiling if there is one, else the error that names the least that would do. A
// stream's rows come one by one, so that it has no use for a plan by layers.
std::shared_ptr<const Plan> plan_within(const Lowered& graph, long h, long w, const RunOptions& options,
                                        const std::vector<int>& keep, bool for_stream);

}  // namespace pellucid
