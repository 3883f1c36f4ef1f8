#include "execution/pool.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
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
      workers.emplace_back([this, index, seen = round] { serve(index, seen); });
    }
    {
      std::lock_guard lock(mutex);
      job = &work, wanted = threads, running = threads - 1, round++;
    }
    wake.notify_all();
    work(0, threads);
    std::unique_lock lock(mutex);
    done.wait(lock, [this] { return running == 0; });
  }

  std::mutex in_use;
  const pid_t process = getpid();

 private:
  void serve(int index, long seen) {
    std::unique_lock lock(mutex);
    for (;;) {
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
  std::mutex mutex;
  std::condition_variable wake, done;
  const std::function<void(int, int)>* job = nullptr;
  int wanted = 0, running = 0;
  long round = 0;
  bool stopping = false;
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
