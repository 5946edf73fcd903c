#include "daemon/stream/engine_pool.hpp"

#include <utility>

#include "replay/base/assert.hpp"

namespace replayd::stream {

EnginePool::EnginePool(std::size_t threads) : in_slice_(threads, false) {
    REPLAYD_ASSERT(threads >= 1);
    threads_.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this, i] { work(i); });
}

EnginePool::~EnginePool() {
    stop();
}

void EnginePool::wake(const std::shared_ptr<Job>& job) {
    const std::lock_guard lock(mutex_);
    if (job->state_ == Job::State::running) {
        job->woken_ = true;
    } else {
        enqueue(job);
    }
}

void EnginePool::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    // Jobs may own what owns the pool's clients: let them go outside the lock.
    std::deque<std::shared_ptr<Job>> dropped;
    std::priority_queue<Timer, std::vector<Timer>, std::greater<>> dropped_timers;
    const std::lock_guard lock(mutex_);
    std::swap(dropped, queue_);
    std::swap(dropped_timers, timers_);
}

void EnginePool::probe(std::function<void()> answered) {
    {
        const std::lock_guard lock(mutex_);
        Probe probe;
        for (std::size_t i = 0; i < in_slice_.size(); ++i) {
            if (in_slice_[i]) probe.running.push_back(i);
        }
        if (!probe.running.empty()) {
            probe.answered = std::move(answered);
            probes_.push_back(std::move(probe));
            return;
        }
    }
    answered();
}

/// Under the mutex; returns the answers to give outside it.
std::vector<std::function<void()>> EnginePool::slice_ended(std::size_t thread) {
    in_slice_[thread] = false;
    std::vector<std::function<void()>> answers;
    for (Probe& probe : probes_) {
        std::erase(probe.running, thread);
        if (probe.running.empty()) answers.push_back(std::move(probe.answered));
    }
    std::erase_if(probes_, [](const Probe& probe) { return probe.running.empty(); });
    return answers;
}

std::size_t EnginePool::depth() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
}

void EnginePool::enqueue(const std::shared_ptr<Job>& job) {
    if (stopping_ || job->state_ == Job::State::queued) return;
    job->state_ = Job::State::queued;
    queue_.push_back(job);
    changed_.notify_one();
}

void EnginePool::queue_due_timers() {
    const auto now = std::chrono::steady_clock::now();
    while (!timers_.empty() && timers_.top().time <= now) {
        const Timer due = timers_.top();
        timers_.pop();
        if (due.job->timer_ != due.time) continue;  // an earlier one took its place
        due.job->timer_.reset();
        // A job that was woken meanwhile is running or queued already; its next slice looks at the clock itself.
        if (due.job->state_ == Job::State::idle) enqueue(due.job);
    }
}

void EnginePool::after_slice(const std::shared_ptr<Job>& job, NextSlice next) {
    job->state_ = Job::State::idle;
    const bool woken = std::exchange(job->woken_, false);
    if (woken || next.when == NextSlice::When::at_once) {
        enqueue(job);
    } else if (next.when == NextSlice::When::at_time && (!job->timer_ || next.time < *job->timer_)) {
        job->timer_ = next.time;
        timers_.push({next.time, job});
        changed_.notify_one();
    }
}

void EnginePool::work(std::size_t thread) {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        queue_due_timers();
        if (queue_.empty()) {
            if (timers_.empty()) {
                changed_.wait(lock);
            } else {
                const auto until = timers_.top().time;
                changed_.wait_until(lock, until);
            }
            continue;
        }
        std::shared_ptr<Job> job = std::move(queue_.front());
        queue_.pop_front();
        job->state_ = Job::State::running;
        in_slice_[thread] = true;
        lock.unlock();
        const NextSlice next = job->slice();
        lock.lock();
        if (auto answers = slice_ended(thread); !answers.empty()) {
            lock.unlock();
            for (const auto& answer : answers) answer();
            lock.lock();
        }
        if (!stopping_) after_slice(job, next);
    }
}

}  // namespace replayd::stream
