#pragma once
// A bounded set of threads that advance runs. A job is on at most one thread at a time; it works in short
// slices, so that more runs than threads share them fairly. Any thread may call the pool.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <thread>
#include <vector>

namespace replayd::stream {

/// What a job wants after a slice.
struct NextSlice {
    enum class When { on_wake, at_once, at_time } when = When::on_wake;
    std::chrono::steady_clock::time_point time{};  ///< with at_time

    static NextSlice on_wake() { return {}; }
    static NextSlice at_once() { return {When::at_once, {}}; }
    static NextSlice at(std::chrono::steady_clock::time_point time) { return {When::at_time, time}; }
};

/// Work that comes in slices. The pool owns the scheduling fields.
class Job {
public:
    virtual ~Job() = default;
    /// Works for about a hundredth of a second at most; never called on two threads at once.
    [[nodiscard]] virtual NextSlice slice() = 0;

private:
    friend class EnginePool;
    enum class State { idle, queued, running };
    State state_ = State::idle;
    bool woken_ = false;                                          ///< wake() came while running
    std::optional<std::chrono::steady_clock::time_point> timer_;  ///< earliest one set; later ones are stale
};

/// Who advances jobs: the pool below, or a simulation's scheduler. Any thread.
class Jobs {
public:
    virtual ~Jobs() = default;
    /// The job gets a slice soon, also when it is running right now (then one more after this one).
    virtual void wake(const std::shared_ptr<Job>& job) = 0;
};

class EnginePool final : public Jobs {
public:
    /// `threads` >= 1.
    explicit EnginePool(std::size_t threads);
    ~EnginePool() override;
    EnginePool(const EnginePool&) = delete;
    EnginePool& operator=(const EnginePool&) = delete;

    void wake(const std::shared_ptr<Job>& job) override;
    /// Lets running slices end, drops the queue, joins the threads. Later wakes are ignored.
    void stop();
    /// Has `answered` called, on any thread, once every slice that runs now has ended: a sign of life.
    void probe(std::function<void()> answered);
    /// Jobs that wait for a thread.
    [[nodiscard]] std::size_t depth() const;

private:
    struct Timer {
        std::chrono::steady_clock::time_point time;
        std::shared_ptr<Job> job;
        bool operator>(const Timer& other) const { return time > other.time; }
    };
    /// Slices that ran when the sign of life was asked for, by thread, and are not known to have ended.
    struct Probe {
        std::vector<std::size_t> running;
        std::function<void()> answered;
    };
    void work(std::size_t thread);
    [[nodiscard]] std::vector<std::function<void()>> slice_ended(std::size_t thread);
    void queue_due_timers();
    void enqueue(const std::shared_ptr<Job>& job);
    void after_slice(const std::shared_ptr<Job>& job, NextSlice next);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    std::deque<std::shared_ptr<Job>> queue_;
    std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
    std::vector<bool> in_slice_;  ///< by thread
    std::vector<Probe> probes_;
    std::vector<std::thread> threads_;
};

}  // namespace replayd::stream
