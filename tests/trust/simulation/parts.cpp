#include "tests/trust/simulation/parts.hpp"

#include <algorithm>
#include <utility>

namespace replayd::trust {
namespace {

constexpr std::size_t k_task_threads = 4;
constexpr std::size_t k_tasks_max = 8;

}  // namespace

bool SimTasks::try_submit(std::function<void()> task) {
    if (tasks_.size() >= k_tasks_max) return false;
    tasks_.push_back(std::move(task));
    return true;
}

void SimTasks::run_one(Random& random) {
    const auto at = static_cast<std::ptrdiff_t>(random.below(std::min(tasks_.size(), k_task_threads)));
    const std::function<void()> task = std::move(tasks_[static_cast<std::size_t>(at)]);
    tasks_.erase(tasks_.begin() + at);
    task();
}

void SimJobs::wake(const std::shared_ptr<stream::Job>& job) {
    if (std::find(woken_.begin(), woken_.end(), job) == woken_.end()) woken_.push_back(job);
}

void SimJobs::run_one(Random& random) {
    const auto at = static_cast<std::ptrdiff_t>(random.below(woken_.size()));
    const std::shared_ptr<stream::Job> job = woken_[static_cast<std::size_t>(at)];
    woken_.erase(woken_.begin() + at);
    const stream::NextSlice next = job->slice();
    if (next.when == stream::NextSlice::When::at_once) wake(job);
    if (next.when == stream::NextSlice::When::at_time) timers_.push_back({next.time, job});
}

void SimJobs::look_at(SimTime now) {
    for (const Timer& timer : timers_) {
        if (timer.time <= now) wake(timer.job);
    }
    std::erase_if(timers_, [now](const Timer& timer) { return timer.time <= now; });
}

void SimSocket::send(std::string message, bool binary) {
    if (!closed_) to_client.push_back({std::move(message), binary});
}

void SimSocket::close(std::uint16_t /*code*/, std::string /*reason*/) {
    closed_ = true;
    to_server.clear();
}

}  // namespace replayd::trust
