// Threads that wait without spinning. One pool per process, made anew in a forked child; results never depend on it.
#pragma once

#include <functional>

namespace pellucid {

// Calls work(0) ... work(threads - 1), each on a thread of its own, work(0) on the caller's. When another caller holds
// the pool, all are called in order on this thread: `work` must allow both.
void run_on_threads(int threads, const std::function<void(int thread, int threads)>& work);

// How many threads this process may use: its affinity mask, and the quota of its control group.
int usable_threads();

}  // namespace pellucid
