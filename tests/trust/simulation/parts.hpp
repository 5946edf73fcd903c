#pragma once
// What surrounds the daemon's own classes in a simulation: time, threads and sockets that do something only when the
// seeded scheduler picks them.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/net/websocket.hpp"
#include "daemon/stream/engine_pool.hpp"
#include "daemon/stream/observer.hpp"
#include "daemon/stream/tasks.hpp"
#include "replay/base/random.hpp"

namespace replayd::trust {

using SimTime = std::chrono::steady_clock::time_point;

/// Time passes a little with every look, and in jumps.
class SimClock {
public:
    explicit SimClock(Random& random) : random_(random) {}
    SimTime now() { return now_ += std::chrono::microseconds(random_.below(4'000)); }
    void jump(std::chrono::milliseconds by) { now_ += by; }

private:
    Random& random_;
    SimTime now_{};
};

/// Stands for TaskPool: any of the first few tasks may be next, as if each had a thread.
class SimTasks final : public stream::Tasks {
public:
    bool try_submit(std::function<void()> task) override;
    void submit(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
    [[nodiscard]] bool waiting() const { return !tasks_.empty(); }
    void run_one(Random& random);

private:
    std::deque<std::function<void()>> tasks_;
};

/// Stands for EnginePool.
class SimJobs final : public stream::Jobs {
public:
    void wake(const std::shared_ptr<stream::Job>& job) override;
    [[nodiscard]] bool waiting() const { return !woken_.empty(); }
    /// A slice of any job that is due.
    void run_one(Random& random);
    /// Wakes the jobs whose time has come.
    void look_at(SimTime now);

private:
    struct Timer {
        SimTime time;
        std::shared_ptr<stream::Job> job;
    };
    std::vector<std::shared_ptr<stream::Job>> woken_;
    std::vector<Timer> timers_;
};

/// The daemon's side of one connection: frames wait in both directions until they are delivered.
class SimSocket final : public net::WebSocket {
public:
    void send(std::string message, bool binary) override;
    void close(std::uint16_t code, std::string reason) override;
    void pause_reading(bool paused) override { paused_ = paused; }
    [[nodiscard]] std::size_t queued_bytes() const override { return 0; }
    [[nodiscard]] std::string peer() const override { return "simulated"; }

    struct Frame {
        std::string bytes;
        bool binary = true;
    };
    std::deque<Frame> to_client;
    std::deque<Frame> to_server;
    [[nodiscard]] bool closed() const { return closed_; }
    [[nodiscard]] bool paused() const { return paused_; }

private:
    bool closed_ = false;
    bool paused_ = false;
};

class NobodyWatches final : public stream::Observer {
public:
    void on_requests(const stream::RunIdentity&, std::span<const RequestRecord>) override {}
    void on_window(const stream::RunIdentity&, const std::shared_ptr<const WindowRecord>&) override {}
    void on_streams_changed() override {}
};

}  // namespace replayd::trust
