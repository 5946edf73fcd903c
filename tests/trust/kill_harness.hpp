#pragma once
// Two streams fed through many lives of the daemon on one history, each of which ends in the middle of its work. After
// the last, everything acknowledged must be there, nothing twice, and finished runs end in the hash of the engine
// alone.

#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "replay/base/random.hpp"
#include "storage/integrity.hpp"
#include "tests/linear_cluster.hpp"
#include "tests/trust/daemon_process.hpp"
#include "tests/trust/kill_client.hpp"
#include "tests/trust/part.hpp"

namespace replayd::trust {

/// After the acks that a kill waits for, or after the start.
inline constexpr std::uint64_t k_kill_within_us = 3'000;
inline constexpr std::uint64_t k_kill_without_acks_within_us = 20'000;
/// Of this many kills one waits for no ack.
inline constexpr std::uint64_t k_kills_per_blind_one = 10;
inline constexpr std::uint64_t k_acks_waited_for_max = 8;
inline constexpr int k_streams_per_history = 40;

inline std::string killed_scenario() { return test::to_toml({.name = "killed", .replicas = 2}); }

/// What is wrong with the rows of a stream that has ended; "running" while its run is not over.
inline std::string examine(const std::string& history, const Feeder& feeder, const std::string& hash) {
    auto connection = storage::Connection::open(history, storage::Access::read_only);
    if (!connection) return connection.error().message;
    auto row = connection->prepare(
        "SELECT run.state, run.hash, (SELECT count(*) FROM request WHERE run_id = run.id), (SELECT count(DISTINCT "
        "sequence) "
        "FROM request WHERE run_id = run.id), (SELECT sum(arrivals) FROM arrival_batch WHERE stream_id = stream.id) "
        "FROM run JOIN stream ON stream.id = stream_id WHERE stream.name = ?");
    if (!row) return row.error().message;
    row->bind(1, feeder.stream());
    const auto there = row->step();
    if (!there || !*there) return feeder.stream() + " has no run";
    if (row->text(0) == "running") return "running";
    const auto wanted = static_cast<std::int64_t>(feeder.arrivals().size());
    if (row->text(0) != "finished" || row->text(1) != hash) {
        return feeder.stream() + " ended as " + row->text(0) + " with hash " + row->text(1) + ", expected " + hash;
    }
    for (const int column : {2, 3, 4}) {
        if (row->integer(column) != wanted) {
            return feeder.stream() + ": " + std::to_string(row->integer(column)) + " rows, expected " +
                   std::to_string(wanted);
        }
    }
    return {};
}

/// How the lives of the daemon end.
struct Death {
    /// Variables of the environment that a life begins with.
    std::function<std::vector<std::string>(Random& random)> environment = [](Random&) {
        return std::vector<std::string>();
    };
    /// The daemon may end by itself, also while it starts, with nothing worse than an exit or an abort.
    bool by_itself = false;
};

/// Two streams fed through as many lives as it takes; returns how many.
class Harness {
public:
    Harness(Part& part, std::string folder, Death death = {})
        : part_(part),
          folder_(std::move(folder)),
          death_(std::move(death)),
          random_(part.seed().value_or(20'261'122)) {}

    std::int64_t run(std::int64_t cycles) {
        std::int64_t kills = 0;
        for (int pair = 0; kills < cycles && part_.violations() == 0; ++pair) kills += feed_pair(pair, cycles - kills);
        return kills;
    }
    [[nodiscard]] std::int64_t streams() const { return streams_; }
    [[nodiscard]] std::int64_t acked() const { return acked_; }
    [[nodiscard]] std::int64_t after_acks() const { return after_acks_; }
    [[nodiscard]] std::int64_t with_unacknowledged() const { return with_unacknowledged_; }
    [[nodiscard]] std::int64_t ended_by_itself() const { return ended_by_itself_; }
    /// Lives in which clients were connected and heard nothing for a minute.
    [[nodiscard]] std::int64_t silent() const { return silent_; }

private:
    std::int64_t feed_pair(int pair, std::int64_t kills_max) {
        if (pair % (k_streams_per_history / 2) == 0) fresh_history();
        const std::uint64_t seed = random_.next();
        Feeder first("a-" + std::to_string(pair), seed);
        Feeder second("b-" + std::to_string(pair), seed + 100);
        std::int64_t kills = 0;
        while (!(first.done() && second.done())) {
            const bool last = kills == kills_max;
            if (!daemon_->start(last ? std::vector<std::string>() : death_.environment(random_))) {
                if (!last && death_.by_itself) {
                    ++kills;
                    ++ended_by_itself_;
                    continue;
                }
                part_.violation("the daemon does not start after " + std::to_string(kills) + " lives");
                return kills;
            }
            Acks acks;
            const auto feed = [&](Feeder& feeder) {
                told(feeder.feed(daemon_->endpoint(), acks));
                acks.note_end();
            };
            std::thread one([&] { feed(first); });
            std::thread two([&] { feed(second); });
            if (!last) {
                wait_for_the_instant(acks);
                judge(daemon_->end(SIGKILL));
                ++kills;
            }
            one.join();
            two.join();
            if (!last) {
                after_acks_ += first.heard_acks() || second.heard_acks() ? 1 : 0;
                with_unacknowledged_ += first.had_unacknowledged() || second.had_unacknowledged() ? 1 : 0;
            }
            if (last) break;
        }
        finish(first);
        finish(second);
        acked_ += static_cast<std::int64_t>(first.acked() + second.acked());
        (void)daemon_->end(SIGTERM);
        check_file();
        return kills;
    }

    void judge(int status) {
        if (status == 128 + SIGKILL) return;
        ++ended_by_itself_;
        if (death_.by_itself && (status == 1 || status == 128 + SIGABRT)) return;
        part_.violation("the daemon ended by itself with status " + std::to_string(status));
    }

    void wait_for_the_instant(Acks& acks) {
        if (random_.below(k_kills_per_blind_one) == 0) {
            std::this_thread::sleep_for(std::chrono::microseconds(random_.below(k_kill_without_acks_within_us)));
            return;
        }
        silent_ += acks.wait(1 + random_.below(k_acks_waited_for_max), 2) ? 0 : 1;
        std::this_thread::sleep_for(std::chrono::microseconds(random_.below(k_kill_within_us)));
    }

    void fresh_history() {
        daemon_.reset();
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_ + "/scenarios");
        std::ofstream(folder_ + "/scenarios/killed.toml") << killed_scenario();
        daemon_ = std::make_unique<DaemonProcess>(
            folder_, std::vector<std::string>{"--scenario-dir", folder_ + "/scenarios", "--engine-threads", "1"});
    }

    void told(const std::string& wrong) {
        if (wrong.empty()) return;
        const std::lock_guard lock(mutex_);
        part_.violation(wrong);
    }

    /// Waits for the run, in a daemon that lives.
    void finish(const Feeder& feeder) {
        if (!feeder.done()) return told(feeder.stream() + " was not acknowledged to its end");
        if (daemon_->pid() < 0 && !daemon_->start({})) return told("the daemon does not start");
        const std::string hash = test::engine_hash(killed_scenario(), feeder.arrivals());
        std::string verdict = "running";
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
        while (verdict == "running" && std::chrono::steady_clock::now() < deadline) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            verdict = examine(daemon_->history(), feeder, hash);
        }
        ++streams_;
        told(verdict);
    }

    void check_file() {
        const auto lines = storage::check_history(daemon_->history(), false);
        if (!lines) return told(lines.error().message);
        for (const storage::CheckLine& line : *lines) {
            if (line.broken > 0) told("not true: " + line.rule + ": " + line.first);
        }
    }

    Part& part_;
    const std::string folder_;
    const Death death_;
    Random random_;
    std::mutex mutex_;
    std::unique_ptr<DaemonProcess> daemon_;
    std::int64_t streams_ = 0;
    std::int64_t acked_ = 0;
    std::int64_t after_acks_ = 0;
    std::int64_t with_unacknowledged_ = 0;
    std::int64_t ended_by_itself_ = 0;
    std::int64_t silent_ = 0;
};

}  // namespace replayd::trust
