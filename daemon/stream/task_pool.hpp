#pragma once
// A few threads for work that blocks (commits, SQL), so that the io thread never does. FIFO. Any thread.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace replayd::stream {

class TaskPool {
public:
    /// `threads` >= 1. `queue_max` bounds `try_submit` only.
    TaskPool(std::size_t threads, std::size_t queue_max);
    ~TaskPool();
    TaskPool(const TaskPool&) = delete;
    TaskPool& operator=(const TaskPool&) = delete;

    /// For requests from outside: false, and nothing done, while `queue_max` tasks wait.
    [[nodiscard]] bool try_submit(std::function<void()> task);
    /// For the daemon's own work, which must not be lost.
    void submit(std::function<void()> task);
    /// Runs what is queued, then joins the threads. Later tasks are dropped.
    void stop();

private:
    void work();

    const std::size_t queue_max_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    std::deque<std::function<void()>> queue_;
    std::vector<std::thread> threads_;
};

}  // namespace replayd::stream
