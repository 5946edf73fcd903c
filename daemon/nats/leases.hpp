#pragma once
// Who computes which run, and what came of it: two key-value buckets of JetStream.
//
// A lease is a key that the server itself forgets when it has not been renewed for the lease's time, so no clocks of
// machines are compared. It is made only where there is none and renewed only at the revision that its owner wrote
// last: the revision is the fencing token, and of two that try, one succeeds. An outcome is made only where there is
// none and never changed, so a run that two processes finish (each is right, for runs are deterministic) is recorded
// once. A process that is cut off computes on; it can record nothing until it is back, and then finds its lease gone.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/nats/connection.hpp"
#include "daemon/nats/names.hpp"
#include "replay/base/error.hpp"

namespace replayd::nats {

/// How a run ended, wherever it did.
struct Outcome {
    std::string node;     ///< who computed it
    std::string state;    ///< finished, failed or stopped
    std::string hash;     ///< of a finished one
    std::string failure;  ///< of a failed one
};

/// One thread at a time. Errors: `unavailable` where asking again may help, `io` else.
class Leases {
public:
    struct Settings {
        std::string node;
        std::chrono::seconds lease{10};
        std::int64_t replicas = 1;
    };
    /// Makes the buckets if they are not there. Error `invalid_argument` when others made them with another lease time.
    [[nodiscard]] static Result<std::unique_ptr<Leases>> open(const Connection& connection, const Names& names,
                                                              Settings settings);
    ~Leases();
    Leases(const Leases&) = delete;
    Leases& operator=(const Leases&) = delete;

    /// How long a lease lasts that is not renewed.
    [[nodiscard]] std::chrono::seconds lease_time() const { return settings_.lease; }

    /// Takes the lease, or takes it up again after a restart of this node. Its revision; nothing when another node has
    /// it.
    [[nodiscard]] Result<std::optional<std::uint64_t>> take(const std::string& key);
    /// The node that has the lease; empty when none has.
    [[nodiscard]] Result<std::string> holder(const std::string& key);
    /// The new revision; nothing when it is no longer ours.
    [[nodiscard]] Result<std::optional<std::uint64_t>> renew(const std::string& key, std::uint64_t revision);
    /// Gives it back. Errors do not matter: it runs out by itself.
    void drop(const std::string& key);

    /// Says that this node is there, and how many are.
    [[nodiscard]] Result<std::size_t> count_nodes();

    [[nodiscard]] Result<std::optional<Outcome>> outcome(const std::string& key);
    /// Records it unless there is one; returns the one that stands.
    [[nodiscard]] Result<Outcome> record(const std::string& key, const Outcome& outcome);
    void forget_outcome(const std::string& key);

private:
    struct State;
    Leases(std::unique_ptr<State> state, Settings settings);

    std::unique_ptr<State> state_;
    const Settings settings_;
};

}  // namespace replayd::nats
