#pragma once
// A few threads for work that blocks. FIFO. Any thread.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "daemon/stream/tasks.hpp"

namespace replayd::stream {

class TaskPool final : public Tasks {
public:
    /// `threads` >= 1. `queue_max` bounds `try_submit` only.
    TaskPool(std::size_t threads, std::size_t queue_max);
    ~TaskPool() override;
    TaskPool(const TaskPool&) = delete;
    TaskPool& operator=(const TaskPool&) = delete;

    [[nodiscard]] bool try_submit(std::function<void()> task) override;
    void submit(std::function<void()> task) override;
    /// Tasks that wait for a thread.
    [[nodiscard]] std::size_t depth() const;
    /// Runs what is queued, then joins the threads. Later tasks are dropped.
    void stop();

private:
    void work();

    const std::size_t queue_max_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    std::deque<std::function<void()>> queue_;
    std::vector<std::thread> threads_;
};

}  // namespace replayd::stream
