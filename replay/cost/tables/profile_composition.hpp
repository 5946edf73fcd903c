#pragma once
// Lays a profile over the composed operators of a step.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/cost/operator.hpp"
#include "replay/cost/tables/step_profile.hpp"

namespace replayd::cost {

/// Where the time of an operator comes from.
enum class TimedBy : std::uint8_t { rows, sampled, attention, law };

/// One operator of a profiled step, in execution order.
struct ProfiledOperator {
    std::string name;
    std::vector<std::int64_t> counts;             ///< runs per step on each pipeline stage
    TimedBy timed_by = TimedBy::law;
    std::function<double(double x)> us;           ///< of one run, by rows or sampled sequences
    double x_max = 0;                             ///< last measured argument
    std::vector<Operator> composed;               ///< what it stands for; with `law` the one that is priced
    std::string provenance;
};

/// All operators of a step of `pool`. Error `invalid_argument` where the profile fits none of the model's operators.
[[nodiscard]] Result<std::vector<ProfiledOperator>> compose_profiled(const ModelSpec& model, const PoolSpec& pool,
                                                                     const StepProfile& profile);

}  // namespace replayd::cost
