#include "replay/cost/cost_model.hpp"

#include <string>

#include "replay/cost/afd/afd_cost.hpp"
#include "replay/cost/analytic_cost.hpp"
#include "replay/cost/calibrated_cost.hpp"
#include "replay/cost/linear_cost.hpp"
#include "replay/cost/speculative_cost.hpp"
#include "replay/cost/tables/profile_cost.hpp"

namespace replayd {

void CostModel::next_decode_steps(const StepShape& shape, std::span<Duration> out) const {
    StepShape next = shape;
    for (Duration& each : out) {
        next.decode_context += next.decode_sequences;
        step(next, std::span(&each, 1));
    }
}

bool is_priced_as_afd(const Scenario& scenario, const PoolSpec& pool) {
    return pool.afd && scenario.cost == CostSource::analytic;
}

namespace {

Result<std::unique_ptr<const CostModel>> make_uncalibrated(const Scenario& scenario, const PoolSpec& pool) {
    if (pool.parallel.pipeline < 1) {
        return fail(Code::invalid_argument, "pool \"" + pool.name + "\": parallel.pipeline is " +
                                                std::to_string(pool.parallel.pipeline) +
                                                ": expected 1 or more stages");
    }
    if (scenario.cost == CostSource::linear) return cost::make_linear_cost(scenario.linear, pool.parallel.pipeline);
    if (pool.afd && scenario.cost == CostSource::profile) {
        return fail(Code::invalid_argument, "pool \"" + pool.name +
                                                "\": cost.source is \"profile\": expected analytic or linear "
                                                "with [pool.afd], whose roles no profile tells apart");
    }
    if (is_priced_as_afd(scenario, pool)) return afd::AfdCost::make(scenario.model, pool);
    if (scenario.cost == CostSource::profile) {
        if (!pool.profile) {
            return fail(Code::invalid_argument,
                        "pool \"" + pool.name + "\": cost.source is \"profile\" and no profile was read");
        }
        if (pool.runtime.moe_overlap != MoeOverlap::none) {
            return fail(Code::invalid_argument,
                        "pool \"" + pool.name +
                            "\": runtime.moe_overlap is set: expected \"none\" with "
                            "cost.source = \"profile\", which prices operators one after another");
        }
        if (pool.speculation) {
            return fail(Code::invalid_argument,
                        "pool \"" + pool.name +
                            "\": cost.source is \"profile\": expected analytic or linear "
                            "with [pool.speculation], since no profile times the verification of drafts");
        }
        return cost::make_profile_cost(scenario.model, pool, *pool.profile);
    }
    auto model = cost::make_analytic_cost(scenario.model, pool);
    if (!model || !pool.speculation || pool.speculation->method != DraftMethod::mtp) return model;
    return cost::make_speculative_cost(std::move(*model), scenario.model, pool);
}

}  // namespace

Result<std::unique_ptr<const CostModel>> make_cost_model(const Scenario& scenario, const PoolSpec& pool) {
    if (pool.afd && scenario.calibration.changes_anything()) {
        return fail(Code::invalid_argument, "pool \"" + pool.name +
                                                "\": cost.calibration is set: expected none with [pool.afd], "
                                                "whose steps are no sum of one rank's");
    }
    auto model = make_uncalibrated(scenario, pool);
    if (!model || !scenario.calibration.changes_anything()) return model;
    return cost::make_calibrated_cost(std::move(*model), scenario.calibration);
}

}  // namespace replayd
