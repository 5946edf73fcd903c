#pragma once
// Which replica of a pool takes a request.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "replay/base/random.hpp"
#include "replay/base/tournament.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/sched/replica_state.hpp"

namespace replayd {

/// How often vllm_balancer counts: vllm-project/vllm v0.19, vllm/v1/engine/coordinator.py
/// (min_stats_update_interval_ms).
inline constexpr Duration k_balancer_interval{100 * k_ns_per_ms};

/// The router of one pool. A value: copying it copies its counter and its random stream.
class Router {
public:
    /// May bring the replica up to now first, which leaves it as many free blocks as it seemed to have, or fewer.
    using Eligible = std::function<bool(const ReplicaState&)>;

    Router(const PoolSpec& pool, std::uint64_t seed);

    /// As below among all of them.
    [[nodiscard]] std::size_t pick(std::span<const ReplicaState> replicas, const Arrival& arrival);
    /// Picks among the pool's replicas that `eligible` allows, by the pool's RouterKind; the first replica on
    /// ties. Nothing if none is eligible; the state of the router then stays as it was. O(replicas), for
    /// prefix_aware times the matched hashes.
    [[nodiscard]] std::optional<std::size_t> pick(std::span<const ReplicaState> replicas, const Arrival& arrival,
                                                  const Eligible& eligible);

    /// So many requests are outstanding at a replica of the pool from now on, which least_outstanding goes by.
    void note_outstanding(std::size_t replica, std::int64_t requests) {
        if (kind_ == RouterKind::least_outstanding) outstanding_.set(static_cast<std::int32_t>(replica), requests);
    }

    /// What vllm_balancer goes by until the next count: 4 × waiting + running of each replica as of now. What it routes
    /// meanwhile counts as waiting. Of other kinds: nothing happens. Source: vllm-project/vllm v0.19,
    /// vllm/v1/engine/core_client.py (DPLBAsyncMPClient.get_core_engine_for_request).
    void count(std::span<const ReplicaState> replicas);

private:
    [[nodiscard]] std::optional<std::size_t> round_robin(std::span<const ReplicaState> replicas,
                                                         const Eligible& eligible);
    [[nodiscard]] std::optional<std::size_t> draw(std::span<const ReplicaState> replicas, const Eligible& eligible);
    [[nodiscard]] std::optional<std::size_t> by_outstanding(std::span<const ReplicaState> replicas,
                                                            const Eligible& eligible) const;
    [[nodiscard]] std::optional<std::size_t> by_session(std::span<const ReplicaState> replicas, const Arrival& arrival,
                                                        const Eligible& eligible) const;
    [[nodiscard]] std::optional<std::size_t> by_scores(std::span<const ReplicaState> replicas,
                                                       const Eligible& eligible);
    [[nodiscard]] double prefix_cost(const ReplicaState& replica, const Arrival& arrival) const;

    RouterKind kind_;
    double match_weight_;
    double load_weight_;
    std::size_t next_ = 0;
    std::vector<std::int64_t> scores_;  ///< vllm_balancer
    Tournament outstanding_;            ///< least_outstanding: requests of each replica
    Random random_;
};

}  // namespace replayd
