#pragma once
// This process's share of the runs of shared streams. At every turn it renews its leases, records what has finished,
// and takes runs that nobody has as long as it has fewer than an even share: runs that are open, divided by the nodes
// that are there. A run begins with the stream's log from its beginning, whoever computed it before. A process that
// comes later takes runs of later streams and of nodes that go; what runs is not moved.
//
// A process that starts again computes its unfinished runs on once their leases are its own again.
//
// In a partition a process that is cut off computes what it has. The others take its runs when its leases have run out;
// when it is back it finds them taken and stops its own, or, where nobody took them, takes them up again, before it
// reads on in the log (LeaseClock).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemon/nats/lease_clock.hpp"
#include "daemon/nats/leases.hpp"
#include "daemon/stream/shared_run.hpp"
#include "daemon/stream/stream_registry.hpp"
#include "storage/query.hpp"

namespace replayd::nats {

/// One thread at a time.
class Share {
public:
    /// `clock` is told of every renewal.
    Share(std::unique_ptr<Leases> leases, LeaseClock& clock, stream::StreamRegistry& registry, std::string node,
          std::string history_path)
        : leases_(std::move(leases)),
          clock_(clock),
          registry_(registry),
          node_(std::move(node)),
          history_path_(std::move(history_path)) {}

    /// The runs of this stream are shared from now on.
    void add(const std::shared_ptr<stream::Stream>& stream, const stream::Opening& opening);
    /// Whether every scenario of the opening has an outcome.
    [[nodiscard]] Result<bool> over(const stream::Opening& opening);
    /// One turn. Error: NATS did not answer; the next turn goes on.
    [[nodiscard]] Result<void> turn();
    /// Streams with runs that have no outcome yet.
    [[nodiscard]] const std::set<std::shared_ptr<stream::Stream>>& open_streams() const { return streams_; }
    /// Runs of shared streams by stream and scenario.
    using Holders = std::map<std::string, std::map<std::string, stream::SharedRun>>;
    /// Who has which run, as of the latest turn. Streams that were over before this process began are not in it.
    [[nodiscard]] const Holders& holders() const { return holders_; }
    /// Removes the outcomes of a stream that is forgotten.
    void forget(const stream::Opening& opening);
    /// Gives the leases back, so that others need not wait. After the last turn.
    void leave();

private:
    struct SharedRun {
        std::shared_ptr<stream::Stream> stream;
        stream::SharedScenario scenario;
        std::shared_ptr<stream::RunWorker> worker;  ///< null: not here; held until the lease is ours
        std::uint64_t lease = 0;                    ///< revision; 0: not ours
        bool never_here = false;                    ///< this process cannot compute it
    };
    using Clock = LeaseClock::Clock;
    using Runs = std::map<std::string, SharedRun>;  ///< open ones, by key

    [[nodiscard]] Result<void> renew_all();
    [[nodiscard]] Result<std::optional<std::uint64_t>> take_open(const std::string& key);
    [[nodiscard]] Result<void> settle_all();
    [[nodiscard]] Result<void> take_some();
    /// Whether the run has an outcome, which is recorded where this process knows it first.
    [[nodiscard]] Result<bool> settled(const std::string& key, SharedRun& run);
    [[nodiscard]] Result<void> take(const std::string& key, SharedRun& run);
    [[nodiscard]] Result<void> begin(const std::string& key, SharedRun& run);
    [[nodiscard]] Result<void> record(const std::string& key, const SharedRun& run, const Outcome& outcome);
    [[nodiscard]] Result<std::optional<Outcome>> finished_here(const SharedRun& run) const;
    [[nodiscard]] Result<void> look_who_has_them();
    void note_outcome(const SharedRun& run, const Outcome& outcome);
    void give_up(SharedRun& run, const char* why);
    void close_streams();
    [[nodiscard]] std::size_t held() const;

    const std::unique_ptr<Leases> leases_;
    LeaseClock& clock_;
    stream::StreamRegistry& registry_;
    const std::string node_;
    const std::string history_path_;
    Runs runs_;
    Holders holders_;
    Clock::time_point takes_from_{};  ///< until then it renews leases and takes none
    std::set<std::shared_ptr<stream::Stream>> streams_;  ///< with open runs
};

}  // namespace replayd::nats
