#pragma once
// How tokens choose experts, and where the experts lie: the [moe_routing] table of a scenario.

#include <vector>

namespace replayd {

enum class RoutingLaw {
    uniform,    ///< every expert is as likely as any other
    zipf,       ///< the i-th most popular expert has weight i^-exponent; which expert that is, is drawn per layer
    histogram,  ///< as counted
};

/// One number per expert: tokens that chose it. Only the proportions matter.
using ExpertCounts = std::vector<double>;

struct MoeRoutingSpec {
    RoutingLaw law = RoutingLaw::uniform;
    double exponent = 0;               ///< zipf: above 0
    std::vector<ExpertCounts> counts;  ///< histogram: one entry per counted layer, which stand for all layers alike
    /// Experts are placed, and the redundant ones chosen, by an EPLB plan. Without one, expert e lies on rank
    /// e / (experts of a rank), and the redundant experts are copies of the first ones.
    bool eplb = false;
    std::vector<ExpertCounts> plan_counts;  ///< histogram: what the plan was made from, older; empty: `counts`
    /// zipf: share of the experts whose popularity has changed hands since the plan was made, 0 to 1.
    double plan_drift = 0;

    bool operator==(const MoeRoutingSpec&) const = default;
};

}  // namespace replayd
