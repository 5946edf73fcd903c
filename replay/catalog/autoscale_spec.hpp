#pragma once
// Replicas that are added and removed while a run goes on. [autoscale] states times that all pools share,
// [pool.autoscale] the rule of one pool; `replicas` of such a pool is then the most that it may have.

#include <cstdint>

#include "replay/base/units.hpp"

namespace replayd {

/// What a pool's number of replicas follows.
enum class AutoscaleRule {
    /// Share in use of what the pool has, at `target`: of prefill pools, of the time since the last look, in steps; of
    /// others, of the KV blocks or of the sequences that may run, whichever is more.
    utilisation,
    queue,      ///< requests that wait, `target` of them for each replica; and no fewer replicas than were busy
    /// Predicted TTFT and TPOT, at `target` times the objectives of [slo]: as many replicas as the prompts that come
    /// take, and those that wait take within the TTFT; and as few as decode what is there with steps within the TPOT.
    objective,
};

/// Of one pool.
struct PoolAutoscaleSpec {
    AutoscaleRule rule = AutoscaleRule::utilisation;
    double target = 0;               ///< above 0; see the rule
    std::int64_t replicas_min = 1;   ///< never fewer; 1 or more
    std::int64_t replicas_start = 1; ///< that serve from the beginning, replicas_min or more

    bool operator==(const PoolAutoscaleSpec&) const = default;
};

/// Of all pools. Defaults of Kubernetes' HorizontalPodAutoscaler where it has them: kubernetes.io/docs, "Horizontal Pod
/// Autoscaling" (sync period 15 s, stabilisation of scale-down 300 s; number of replicas = ⌈current × metric /
/// target⌉).
struct AutoscaleSpec {
    Duration interval{15 * k_ns_per_s};     ///< between two looks
    Duration startup{120 * k_ns_per_s};     ///< from a replica's start, from where on it costs, until it takes requests
    Duration down_after{300 * k_ns_per_s};  ///< replicas are removed when so long fewer were enough
    /// A pool that needs replicas takes those that the other pool can spare, as soon as they are drained: then their
    /// start takes so long, as the weights are there. 0: the pools keep to themselves.
    Duration take_over{0};

    bool operator==(const AutoscaleSpec&) const = default;
};

}  // namespace replayd
