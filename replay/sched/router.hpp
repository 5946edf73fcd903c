#pragma once
// Which replica of a pool takes a request.

#include <cstdint>
#include <optional>
#include <span>

#include "replay/base/random.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/sched/replica_state.hpp"

namespace replayd {

/// A router of one pool. A value: copying it copies its counter and its random stream.
class Router {
public:
    Router(RouterKind kind, std::uint64_t seed) : kind_(kind), random_(seed) {}

    /// Picks among the pool's replicas that `eligible` allows: round robin over the pool, a seeded draw, or
    /// the smallest number of outstanding requests or tokens (first replica on ties). Nothing if none is
    /// eligible; the state of the router then stays as it was. O(replicas).
    template <class Eligible>
    [[nodiscard]] std::optional<std::size_t> pick(std::span<const ReplicaState> replicas, Eligible&& eligible) {
        switch (kind_) {
            case RouterKind::round_robin: return pick_round_robin(replicas, eligible);
            case RouterKind::random: return pick_random(replicas, eligible);
            case RouterKind::least_outstanding:
                return pick_least(replicas, eligible, [](const ReplicaState& r) { return r.outstanding_requests; });
            case RouterKind::least_tokens:
                return pick_least(replicas, eligible, [](const ReplicaState& r) { return r.outstanding_tokens; });
            case RouterKind::lor:
                return pick_least(replicas, eligible,
                                  [](const ReplicaState& r) { return static_cast<std::int64_t>(r.waiting.size()); });
        }
        return std::nullopt;
    }

private:
    template <class Eligible>
    std::optional<std::size_t> pick_round_robin(std::span<const ReplicaState> replicas, Eligible& eligible) {
        for (std::size_t tried = 0; tried < replicas.size(); ++tried) {
            const std::size_t candidate = (next_ + tried) % replicas.size();
            if (!eligible(replicas[candidate])) continue;
            next_ = candidate + 1;
            return candidate;
        }
        return std::nullopt;
    }

    template <class Eligible>
    std::optional<std::size_t> pick_random(std::span<const ReplicaState> replicas, Eligible& eligible) {
        std::uint64_t count = 0;
        for (const ReplicaState& replica : replicas) count += eligible(replica) ? 1 : 0;
        if (count == 0) return std::nullopt;
        std::uint64_t skip = random_.below(count);
        for (std::size_t i = 0; i < replicas.size(); ++i) {
            if (eligible(replicas[i]) && skip-- == 0) return i;
        }
        return std::nullopt;
    }

    template <class Eligible, class Load>
    static std::optional<std::size_t> pick_least(std::span<const ReplicaState> replicas, Eligible& eligible, Load load) {
        std::optional<std::size_t> best;
        for (std::size_t i = 0; i < replicas.size(); ++i) {
            if (eligible(replicas[i]) && (!best || load(replicas[i]) < load(replicas[*best]))) best = i;
        }
        return best;
    }

    RouterKind kind_;
    std::size_t next_ = 0;
    Random random_;
};

}  // namespace replayd
