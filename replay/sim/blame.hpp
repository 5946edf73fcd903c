#pragma once
// Who is to blame for a request's waiting: for each waiting part of its ledger, what it waited for. Replicas keep
// one clock per cause, of which exactly one runs at any time, so a request's share is the difference between two
// readings, whoever else waits.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "replay/base/units.hpp"

namespace replayd {

enum class BlameCause : std::uint8_t {
    // why a replica did not take it into a step (prefill_queue, chunk_wait, decode_queue, preemption_stall)
    decided_ahead,          ///< its scheduler decides a step ahead of the one under way and had not seen it
    step_in_flight,         ///< the step under way began before it came
    token_budget,           ///< the tokens of the step went to requests before it
    sequence_limit,         ///< as many requests as may run are running
    kv_blocks,              ///< the KV blocks that it needs are held by others
    batch_rule,             ///< a rule of the policy: a static batch, the padded limit, the interval between admissions
    other_ranks,            ///< its data-parallel rank was idle while the other ranks of the replica went through a
                            ///< step
    replica_starting,       ///< tokens, sequences or blocks were short while autoscaling was starting another replica
    // why its KV cache did not move (transfer_wait)
    destination_kv,         ///< no decode replica has the KV blocks for it
    destination_sequences,  ///< the decode replicas run as many requests as they may
    destination_starting,   ///< no decode replica had room while autoscaling was starting another one
    link,                   ///< other KV caches on the same link
    // who else was in its steps (batch_interference)
    other_prefill,          ///< prompt tokens of others
    other_decodes,          ///< decodes of others
    slower_rank,            ///< another data-parallel rank of the replica had more to do in them
    pipeline,               ///< in pipeline-parallel pools, where it is not taken apart: other batches and members
};
inline constexpr std::size_t k_blame_causes = 16;
/// Those that a replica has clocks for, from step_in_flight on in order.
inline constexpr std::size_t k_replica_causes = 7;

/// Stable names, indexed by BlameCause.
inline constexpr std::array<std::string_view, k_blame_causes> k_blame_cause_names = {
    "decided_ahead",         "step_in_flight",       "token_budget",     "sequence_limit", "kv_blocks",
    "batch_rule",            "other_ranks",          "replica_starting", "destination_kv", "destination_sequences",
    "destination_starting",  "link",                 "other_prefill",    "other_decodes",  "slower_rank",
    "pipeline"};

struct Blame {
    std::array<Duration, k_blame_causes> causes{};

    Duration& operator[](BlameCause cause) { return causes[static_cast<std::size_t>(cause)]; }
    Duration operator[](BlameCause cause) const { return causes[static_cast<std::size_t>(cause)]; }
    Blame& operator+=(const Blame& other) {
        for (std::size_t i = 0; i < k_blame_causes; ++i) causes[i] += other.causes[i];
        return *this;
    }
    bool operator==(const Blame&) const = default;
};

/// Whether another replica would have helped.
[[nodiscard]] constexpr bool is_shortage(BlameCause cause) {
    return cause == BlameCause::token_budget || cause == BlameCause::sequence_limit || cause == BlameCause::kv_blocks ||
           cause == BlameCause::destination_kv || cause == BlameCause::destination_sequences;
}

/// Clocks of `Causes` causes, the first of which has the number `First`; one of them runs. `Starting` is the one that
/// replaces shortages while they are covered.
template <std::size_t Causes, BlameCause First, BlameCause Starting>
class BlameClocks {
public:
    /// What the clocks show at one moment.
    using Reading = std::array<std::int64_t, Causes>;

    /// From now on `cause` runs.
    void turn(VirtualTime now, BlameCause cause) {
        shown_[place()] += now.ns - since_.ns;
        since_ = now;
        running_ = cause;
    }
    /// While `covered`, `Starting` runs in place of causes that are shortages.
    void cover(VirtualTime now, bool covered) {
        turn(now, running_);
        covered_ = covered;
    }
    [[nodiscard]] Reading read(VirtualTime now) const {
        Reading reading = shown_;
        reading[place()] += now.ns - since_.ns;
        return reading;
    }
    /// Adds to `blame` what has passed since `from` was read. The causes add up to the time between.
    void charge(VirtualTime now, const Reading& from, Blame& blame) const {
        const Reading reading = read(now);
        for (std::size_t i = 0; i < Causes; ++i) {
            blame.causes[static_cast<std::size_t>(First) + i] += Duration(reading[i] - from[i]);
        }
    }

private:
    [[nodiscard]] std::size_t place() const {
        const BlameCause cause = covered_ && is_shortage(running_) ? Starting : running_;
        return static_cast<std::size_t>(cause) - static_cast<std::size_t>(First);
    }

    Reading shown_{};
    VirtualTime since_;
    BlameCause running_ = First;
    bool covered_ = false;
};

using ReplicaClocks = BlameClocks<k_replica_causes, BlameCause::step_in_flight, BlameCause::replica_starting>;
using DestinationClocks = BlameClocks<3, BlameCause::destination_kv, BlameCause::destination_starting>;

}  // namespace replayd
