#include "execution/pool.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace pellucid {
namespace {

class Pool {
 public:
  ~Pool() {
    {
      std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    for (auto& worker : workers) worker.join();
  }

  void run(int threads, const std::function<void(int, int)>& work) {
    while (int(workers.size()) < threads - 1) {
      const int index = int(workers.size()) + 1;
      workers.emplace_back([this, index, seen = round.load()] { serve(index, seen); });
      placed = {};
    }
    place_workers();
    {
      std::lock_guard lock(mutex);
      job = &work, wanted = threads, running = threads - 1, round++;
    }
    wake.notify_all();
    work(0, threads);
    spin_until([this] { return running == 0; });
    std::unique_lock lock(mutex);
    done.wait(lock, [this] { return running == 0; });
  }

  std::mutex in_use;
  const pid_t process = getpid();

 private:
  static constexpr int kSpin = 50;  // microseconds

  struct Placement {
    cpu_set_t usable{};
    int caller = -1;
    bool operator==(const Placement& other) const {
      return caller == other.caller && CPU_EQUAL(&usable, &other.usable);
    }
  };

  // Workers keep off the caller's core. Woken on it, as the system likes to do after a pause, a worker would share it
  // for some milliseconds before it is moved to an idle one.
  void place_workers() {
    Placement now;
    now.caller = sched_getcpu();
    if (sched_getaffinity(0, sizeof now.usable, &now.usable) != 0 || now == placed) return;
    cpu_set_t theirs = now.usable;
    const bool enough = CPU_COUNT(&theirs) > int(workers.size());  // else all share all cores
    if (now.caller >= 0 && enough) CPU_CLR(now.caller, &theirs);
    for (auto& worker : workers) pthread_setaffinity_np(worker.native_handle(), sizeof theirs, &theirs);
    placed = now;
  }

  // Jobs often follow each other at once, and to wake a sleeping thread takes longer than many of them.
  template <class F>
  static void spin_until(F true_now) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(kSpin);
    while (!true_now() && std::chrono::steady_clock::now() < until) {
#if defined(__x86_64__)
      for (int i = 0; i < 8; i++) __builtin_ia32_pause();
#endif
    }
  }

  void serve(int index, long seen) {
    std::unique_lock lock(mutex);
    for (;;) {
      lock.unlock();
      spin_until([&] { return stopping || round != seen; });
      lock.lock();
      wake.wait(lock, [&] { return stopping || (round != seen && index < wanted); });
      if (stopping) return;
      seen = round;
      const auto* work = job;
      const int threads = wanted;
      lock.unlock();
      (*work)(index, threads);
      lock.lock();
      if (--running == 0) done.notify_one();
    }
  }

  std::vector<std::thread> workers;
  Placement placed;
  std::mutex mutex;
  std::condition_variable wake, done;
  const std::function<void(int, int)>* job = nullptr;
  int wanted = 0;
  std::atomic<int> running = 0;
  std::atomic<long> round = 0;
  std::atomic<bool> stopping = false;
};

// A child of fork() has the parent's pool but not its threads: it leaves that one alone and makes its own.
std::shared_ptr<Pool> the_pool() {
  static std::mutex guard;
  static std::shared_ptr<Pool>* pool = nullptr;
  std::lock_guard lock(guard);
  if (!pool || (*pool)->process != getpid()) pool = new std::shared_ptr<Pool>(std::make_shared<Pool>());
  return *pool;
}

double cgroup_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 1e9;
  return std::stod(quota) / period;
}

}  // namespace

void run_on_threads(int threads, const std::function<void(int, int)>& work) {
  if (threads <= 1) return work(0, 1);
  const auto pool = the_pool();
  std::unique_lock alone(pool->in_use, std::try_to_lock);
  if (!alone.owns_lock()) return work(0, 1);
  pool->run(threads, work);
}

int usable_threads() {
  cpu_set_t mask;
  int count = int(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) count = CPU_COUNT(&mask);
  return std::max(1, std::min(count, int(std::ceil(cgroup_quota()))));
}

}  // namespace pellucid
