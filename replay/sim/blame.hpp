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
    other_ranks,            ///< its data-parallel rank was idle while the other ranks of the replica went through a step
    // why its KV cache did not move (transfer_wait)
    destination_kv,         ///< no decode replica has the KV blocks for it
    destination_sequences,  ///< the decode replicas run as many requests as they may
    link,                   ///< other KV caches on the same link
    // who else was in its steps (batch_interference)
    other_prefill,          ///< prompt tokens of others
    other_decodes,          ///< decodes of others
    slower_rank,            ///< another data-parallel rank of the replica had more to do in them
    pipeline,               ///< in pipeline-parallel pools, where it is not taken apart: other batches and members
};
inline constexpr std::size_t k_blame_causes = 14;
/// Those that a replica has clocks for, from step_in_flight on in order.
inline constexpr std::size_t k_replica_causes = 6;

/// Stable names, indexed by BlameCause.
inline constexpr std::array<std::string_view, k_blame_causes> k_blame_cause_names = {
    "decided_ahead",         "step_in_flight", "token_budget", "sequence_limit", "kv_blocks",     "batch_rule",  "other_ranks", "destination_kv",
    "destination_sequences", "link",         "other_prefill",  "other_decodes", "slower_rank", "pipeline"};

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

/// Clocks of `Causes` causes, the first of which has the number `first`; one of them runs.
template <std::size_t Causes, BlameCause First>
class BlameClocks {
public:
    /// What the clocks show at one moment.
    using Reading = std::array<std::int64_t, Causes>;

    /// From now on `cause` runs.
    void turn(VirtualTime now, BlameCause cause) {
        shown_[running_] += now.ns - since_.ns;
        since_ = now;
        running_ = static_cast<std::size_t>(cause) - static_cast<std::size_t>(First);
    }
    [[nodiscard]] Reading read(VirtualTime now) const {
        Reading reading = shown_;
        reading[running_] += now.ns - since_.ns;
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
    Reading shown_{};
    VirtualTime since_;
    std::size_t running_ = 0;
};

using ReplicaClocks = BlameClocks<k_replica_causes, BlameCause::step_in_flight>;
using DestinationClocks = BlameClocks<2, BlameCause::destination_kv>;

}  // namespace replayd
