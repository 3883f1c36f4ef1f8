// The choice of steps: how many rows a block has and how many columns a strip.
#include <algorithm>

#include "graph/plan.h"

namespace pellucid {

void Plan::choose_steps() {
  const long gy = grid(Axis::y), gx = grid(Axis::x);
  block = request.block > 0 ? request.block : int((std::max(gy, 8L) + gy - 1) / gy * gy);
  int widest = 4;
  for (const auto& node : nodes)
    if (node.alive && !node.late) widest = std::max(widest, channel_stride(node.shape.c));
  long columns = request.strip > 0 ? request.strip : std::clamp(16384L / widest, 128L, 1024L);
  if (request.strip <= 0) columns = std::max(gx, columns / gx * gx);
  strip = int(std::min(columns, std::max(request.w, 1L)));
}

}  // namespace pellucid
