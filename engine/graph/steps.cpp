// The choice of steps: how many rows a block has and how many columns a strip.
#include <algorithm>

#include "graph/plan.h"

namespace pellucid {
namespace {

long up_to_multiple(long n, long of) { return (n + of - 1) / of * of; }

}  // namespace

// Measured with network_bench on Zen 4 (1 MB of second cache): with up to 32 channels blocks of 4 rows are the fastest,
// by 3 to 10 % against 8 and 20 % against 16, because what a layer writes leaves the cache before the next one reads
// it; at 64 channels 8 rows gain 3 %, since weights are read once per block. There the rings of a wide picture would
// take a hundred megabytes and more, so it gets 4 as well. Strips may be anything from 80 columns up to some 300:
// differences are below 2 %. Counted in columns of the maps: a U-Net, whose maps narrow as they get more channels,
// gains a tenth with 120 of the picture's for 96, a denoiser, whose maps are half as wide, 4 % with 480 for 320. So
// they are as wide as the cache allows, at least two per thread, that threads need not wait for each other, and
// multiples of 160 columns: twice Winograd's 20 tiles, five of the matrix tiles' blocks.
void Plan::choose_steps() {
  if (request.by_layers) {
    block = int(kEverything), strip = int(request.w);
    return;
  }
  const long gy = grid(Axis::y), gx = grid(Axis::x);
  int widest = 4;
  double floats = 4;  // of one row of a map, for every column of the picture
  for (const auto& node : nodes) {
    if (!node.alive || node.late) continue;
    const int stride = channel_stride(node.shape.c);
    widest = std::max(widest, stride);
    floats = std::max(floats, double(stride) * double(node.x.scale.n) / double(node.x.scale.d));
  }
  block = request.block > 0 ? request.block : int(up_to_multiple(widest >= 64 && request.w <= 1024 ? 8 : 4, gy));
  if (request.strip > 0) {
    strip = request.strip;
    return;
  }
  const long fitting = std::clamp(long(16384 / floats), 96L, 1024L);
  long strips = (request.w + fitting - 1) / fitting;
  if (request.threads > 1) strips = std::max(strips, std::min(2L * request.threads, request.w / 64));
  const long even = (request.w + strips - 1) / std::max(strips, 1L);
  strip = int(up_to_multiple(even >= 160 ? (even + 80) / 160 * 160 : even, gx));
  strip = strip_with_fewest_columns(strip, gx);
}

// Each thread reads the weights of its output channels, or the rows that its output rows need: the less is chosen.
void Plan::choose_shares() {
  for (std::size_t i = 1; i < nodes.size(); i++) {
    const Primitive& primitive = *graph.nodes[i].primitive;
    if (!nodes[i].alive || int(i) == graph.output || primitive.shares() < request.threads) continue;
    const NodeLayout& from = nodes[graph.nodes[i].inputs[0]];
    nodes[i].by_channels = primitive.weight_bytes() > std::size_t(from.shape.h * from.pitch) * sizeof(float);
  }
}

// Columns of a map that its kernel computes, strip by strip: those of a block's end are computed in vain.
long Plan::columns_of(int node) const {
  const int block_of = graph.nodes[node].primitive->columns();
  const auto& edges = passes[nodes[node].pass].columns;
  long all = 0;
  for (std::size_t s = 1; s < edges.size(); s++) {
    const long left = std::max(edges[s - 1][node], 0L), right = std::min(edges[s][node], nodes[node].shape.w);
    if (left < right) all += up_to_multiple(right - left, block_of);
  }
  return all;
}

// Those of all maps whose kernels take blocks of columns, weighted by the operations of each.
double Plan::columns_computed() const {
  double all = 0;
  for (std::size_t i = 1; i < nodes.size(); i++) {
    const Primitive& primitive = *graph.nodes[i].primitive;
    if (!nodes[i].alive || primitive.columns() == 1) continue;
    std::vector<Shape> in;
    for (int from : graph.nodes[i].inputs) in.push_back(nodes[from].shape);
    all += primitive.multiply_adds(in) * double(nodes[i].shape.h) * double(columns_of(int(i)));
  }
  return all;
}

// Matrix tiles take 32 columns at a time, and how many a strip has of a map depends on the map's size and on how far it
// lags: of a denoiser's maps, half as wide as the picture, strips of 160 columns compute a fifth in vain, strips of 192
// a fourteenth. So somewhat wider strips are taken where they spare 2 % of the columns or more.
int Plan::strip_with_fewest_columns(int least, long step) {
  const auto columns_with = [&](int columns) {
    strip = columns;
    find_columns();
    return columns_computed();
  };
  int best = least;
  double fewest = columns_with(least);
  const int more = int(up_to_multiple(16, step));
  for (int wider = int(up_to_multiple(least + 1, more)); fewest > 0 && wider <= least + least / 2; wider += more)
    if (const double columns = columns_with(wider); columns < 0.98 * fewest) best = wider, fewest = columns;
  return best;
}

}  // namespace pellucid
