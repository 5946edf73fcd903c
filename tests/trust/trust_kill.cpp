// The daemon is killed with SIGKILL at random instants while two clients feed a stream each, and started again, over
// and over: what a client was told is durable must be there, nothing twice, and finished runs end in the hash of the
// engine alone.

#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "daemon/protocol/codec.hpp"
#include "replay/base/random.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/sim/run.hpp"
#include "storage/integrity.hpp"
#include "tests/trust/daemon_process.hpp"
#include "tests/trust/part.hpp"

namespace replayd::trust {
namespace {

constexpr std::size_t k_arrivals = 1'500;
constexpr std::size_t k_batch_max = 4;
constexpr std::uint64_t k_kill_within_us = 20'000;
constexpr int k_streams_per_history = 40;

constexpr const char* k_scenario = R"(name = "killed"
model = "Llama-3.1-8B"
gpu = "H100-SXM"
window_s = 1
[cost]
source = "linear"
step_us = 5000
prefill_token_us = 50
decode_sequence_us = 100
[[pool]]
name = "all"
role = "mixed"
replicas = 2
kv = { num_blocks = 2000 }
)";

std::vector<Arrival> make_arrivals(std::uint64_t seed) {
    Random random(seed);
    std::vector<Arrival> arrivals(k_arrivals);
    std::int64_t at = 0;
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        at += static_cast<std::int64_t>(random.below(40)) * k_ns_per_ms;
        arrivals[i].id = "r" + std::to_string(i);
        arrivals[i].at = VirtualTime(at);
        arrivals[i].prompt = Tokens(static_cast<std::int64_t>(1 + random.below(400)));
        arrivals[i].output = Tokens(static_cast<std::int64_t>(1 + random.below(40)));
    }
    return arrivals;
}

class NoSink final : public RecordSink {
public:
    void on_request(RequestRecord&&) override {}
    void on_window(WindowRecord&&) override {}
};

std::string engine_hash(const std::vector<Arrival>& arrivals) {
    auto compiled = compile(*parse_scenario(k_scenario, "scenario"));
    NoSink sink;
    Run run(*compiled, sink);
    for (const Arrival& arrival : arrivals) run.offer(arrival);
    run.finish();
    return run.hash().to_string();
}

/// Feeds one stream through all lives of the daemon.
class Feeder {
public:
    Feeder(std::string stream, std::uint64_t seed) : stream_(std::move(stream)), arrivals_(make_arrivals(seed)) {
        Random random(seed + 1);
        for (std::size_t at = 0; at < arrivals_.size();) {
            cuts_.push_back(at);
            at = std::min(arrivals_.size(), at + 1 + random.below(k_batch_max));
        }
        cuts_.push_back(arrivals_.size());
    }

    /// Sends until everything is acknowledged or the daemon is gone. What was broken, or nothing.
    std::string feed(const net::Endpoint& daemon) {
        auto socket = net::WebSocketClient::connect(daemon, "/ingest/v1", std::string(protocol::k_subprotocol));
        if (!socket) return {};
        protocol::Hello hello;
        hello.stream = stream_;
        hello.scenarios = {"killed"};
        if (!(*socket)->send(protocol::encode_client_message(hello, true), true)) return {};
        welcomed_ = false;
        while (!done()) {
            if (welcomed_ && !send_some(**socket)) return {};
            const auto message = (*socket)->receive(std::chrono::milliseconds(welcomed_ && can_send() ? 0 : 1'000));
            if (!message) return {};
            if (!*message) continue;
            if (auto wrong = take((*message)->data); !wrong.empty()) return stream_ + ": " + wrong;
        }
        return {};
    }

    [[nodiscard]] bool done() const { return acked_ > batches(); }
    [[nodiscard]] const std::string& stream() const { return stream_; }
    [[nodiscard]] const std::vector<Arrival>& arrivals() const { return arrivals_; }
    [[nodiscard]] std::uint64_t acked() const { return acked_; }

private:
    [[nodiscard]] std::uint64_t batches() const { return cuts_.size() - 1; }
    [[nodiscard]] bool can_send() const {
        return next_ <= batches() + 1 && next_ < heard_ + 200 &&
               (next_ > batches() || static_cast<std::int64_t>(cuts_[next_]) <= allowed_);
    }

    bool send_some(net::WebSocketClient& socket) {
        for (int i = 0; i < 8 && can_send(); ++i, ++next_) {
            if (next_ > batches()) {
                if (!socket.send(protocol::encode_client_message(protocol::End{next_}, true), true)) return false;
                continue;
            }
            const auto begin = arrivals_.begin() + static_cast<std::ptrdiff_t>(cuts_[next_ - 1]);
            const auto end = arrivals_.begin() + static_cast<std::ptrdiff_t>(cuts_[next_]);
            const protocol::ArrivalBatch batch{next_, {begin, end}, std::nullopt};
            if (!socket.send(protocol::encode_client_message(batch, true), true)) return false;
        }
        return true;
    }

    std::string take(const std::string& frame) {
        const auto message = protocol::decode_server_message(frame, true);
        if (!message) return message.error().message;
        if (const auto* failure = std::get_if<protocol::Failure>(&*message)) return "refused: " + failure->message;
        if (const auto* welcome = std::get_if<protocol::Welcome>(&*message)) {
            const std::uint64_t durable = welcome->next_seq - 1 + (welcome->ended ? 1 : 0);
            if (durable < acked_) {
                return std::to_string(acked_) + " messages were acknowledged, " + std::to_string(durable) +
                       " are there";
            }
            acked_ = heard_ = durable;
            next_ = durable + 1;
            allowed_ = welcome->arrivals + static_cast<std::int64_t>(welcome->credit);
            welcomed_ = true;
            return {};
        }
        const auto& ack = std::get<protocol::Ack>(*message);
        acked_ = heard_ = std::max(acked_, ack.seq);
        allowed_ = ack.arrivals + static_cast<std::int64_t>(ack.credit);
        return {};
    }

    const std::string stream_;
    const std::vector<Arrival> arrivals_;
    std::vector<std::size_t> cuts_;  ///< batch i has the arrivals [cuts_[i - 1], cuts_[i])
    bool welcomed_ = false;
    std::uint64_t next_ = 1;
    std::uint64_t heard_ = 0;
    std::uint64_t acked_ = 0;
    std::int64_t allowed_ = 0;
};

/// What is wrong with the rows of a stream that has ended; "running" while its run is not over.
std::string examine(const std::string& history, const Feeder& feeder, const std::string& hash) {
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

/// Two streams fed through as many kills as it takes; returns how many.
class Harness {
public:
    Harness(Part& part, std::string folder)
        : part_(part), folder_(std::move(folder)), random_(part.seed().value_or(20'261'122)) {}

    std::int64_t run(std::int64_t cycles) {
        std::int64_t kills = 0;
        for (int pair = 0; kills < cycles && part_.violations() == 0; ++pair) kills += feed_pair(pair, cycles - kills);
        return kills;
    }
    [[nodiscard]] std::int64_t streams() const { return streams_; }
    [[nodiscard]] std::int64_t acked() const { return acked_; }

private:
    std::int64_t feed_pair(int pair, std::int64_t kills_max) {
        if (pair % (k_streams_per_history / 2) == 0) fresh_history();
        const std::uint64_t seed = random_.next();
        Feeder first("a-" + std::to_string(pair), seed);
        Feeder second("b-" + std::to_string(pair), seed + 100);
        std::int64_t kills = 0;
        while (!(first.done() && second.done())) {
            if (!daemon_->start()) {
                part_.violation("the daemon does not start after " + std::to_string(kills) + " kills");
                return kills;
            }
            const bool last = kills == kills_max;
            std::thread one([&] { told(first.feed(daemon_->endpoint())); });
            std::thread two([&] { told(second.feed(daemon_->endpoint())); });
            if (!last) {
                std::this_thread::sleep_for(std::chrono::microseconds(random_.below(k_kill_within_us)));
                if (daemon_->end(SIGKILL) != 128 + SIGKILL) part_.violation("the daemon ended by itself");
                ++kills;
            }
            one.join();
            two.join();
            if (last) break;
        }
        finish(first);
        finish(second);
        acked_ += static_cast<std::int64_t>(first.acked() + second.acked());
        (void)daemon_->end(SIGTERM);
        check_file();
        return kills;
    }

    void fresh_history() {
        daemon_.reset();
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_ + "/scenarios");
        std::ofstream(folder_ + "/scenarios/killed.toml") << k_scenario;
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
        if (daemon_->pid() < 0 && !daemon_->start()) return told("the daemon does not start");
        const std::string hash = engine_hash(feeder.arrivals());
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
    Random random_;
    std::mutex mutex_;
    std::unique_ptr<DaemonProcess> daemon_;
    std::int64_t streams_ = 0;
    std::int64_t acked_ = 0;
};

int run(int argc, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    Part part("kill-9", argc, argv);
    std::string folder = (std::filesystem::temp_directory_path() / "replayd-kill-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) return 1;
    Harness harness(part, folder);
    const std::int64_t kills = harness.run(part.count({300, 1'000, 10'000}));
    std::filesystem::remove_all(folder);
    return part.finish(kills, "kills under load; " + std::to_string(harness.streams()) + " streams, " +
                                  std::to_string(harness.acked()) +
                                  " acknowledged batches, hashes as of the engine alone");
}

}  // namespace
}  // namespace replayd::trust

int main(int argc, char** argv) {
    return replayd::trust::run(argc, argv);
}
