#pragma once
// Takes old streams out of the history while the daemon runs, as [retention] of the configuration says: a bounded step
// at a time, on a thread of its own, so that commits of the log have their turn between two steps.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "daemon/config/config.hpp"
#include "storage/prune.hpp"

namespace replayd::app {

/// What has gone since the start.
struct RetentionCounts {
    std::int64_t streams = 0;
    std::int64_t rows = 0;
};

/// How a stream leaves the daemon's memory; called on the thread of the turns.
struct Farewell {
    /// Forgets the stream and keeps its name from being given out. False: it is not over here, and stays.
    std::function<bool(const std::string& name)> retire;
    /// Its rows are gone: the name is free.
    std::function<void(const storage::StreamOver& stream)> gone;
};

class Retention {
public:
    Retention(std::string history_path, config::Retention rules, Farewell farewell);
    /// As `stop`.
    ~Retention();
    Retention(const Retention&) = delete;
    Retention& operator=(const Retention&) = delete;

    /// Starts the thread, which looks at once and then every minute.
    void start();
    /// Ends the thread after the step that it is in; the next start goes on.
    void stop();
    /// Goes by other rules from the next look on. Any thread.
    void set(config::Retention rules);

    /// One step: chooses a stream that has to go, or deletes at most storage::k_prune_step_rows rows of the one chosen.
    /// True: call again; false: nothing has to go at `now_ms`, wall milliseconds since the Unix epoch. Errors: those of
    /// the history, after which a later call goes on. Of one thread: that of `start`, or a test's instead.
    [[nodiscard]] Result<bool> turn(std::int64_t now_ms);

    /// Any thread.
    [[nodiscard]] RetentionCounts counts() const { return {streams_.load(), rows_.load()}; }

private:
    void work();
    [[nodiscard]] bool wait(std::chrono::milliseconds time);
    [[nodiscard]] config::Retention rules() const;
    [[nodiscard]] Result<bool> choose(const config::Retention& rules, std::int64_t now_ms);
    [[nodiscard]] Result<void> leave();

    const std::string history_path_;
    const Farewell farewell_;
    std::optional<storage::Pruner> pruner_;
    std::optional<storage::StreamOver> going_;
    std::int64_t going_rows_ = 0;
    std::atomic<std::int64_t> streams_{0};
    std::atomic<std::int64_t> rows_{0};

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    config::Retention rules_;
    bool changed_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace replayd::app
