#include "replay/cost/linear_cost.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "replay/base/assert.hpp"

namespace replayd::cost {
namespace {

/// Largest coefficient. With it 1,000,000 tokens stay below the range of a Duration (3.6e18 < 9.2e18 ns).
constexpr std::int64_t k_coefficient_max_ns = 3'600 * k_ns_per_s;

class LinearCost final : public CostModel {
public:
    LinearCost(const LinearCostSpec& spec, std::int64_t stages) : spec_(spec), stages_(stages) {}

    std::int64_t stages() const override { return stages_; }

    void step(const StepShape& shape, std::span<Duration> out) const override {
        REPLAYD_ASSERT(static_cast<std::int64_t>(out.size()) == stages_);
        std::fill(out.begin(), out.end(), stage_time(shape));
    }

    std::vector<OperatorCost> explain(const StepShape& shape) const override {
        if (!has_work(shape)) return {};
        return {
            part("step", stages_, spec_.step),
            part("prefill_token", stages_ * shape.prefill_tokens, spec_.prefill_token),
            part("decode_sequence", stages_ * (shape.decode_sequences + shape.draft_tokens), spec_.decode_sequence)};
    }

private:
    static bool has_work(const StepShape& shape) { return shape.prefill_tokens + shape.decode_sequences > 0; }

    Duration stage_time(const StepShape& shape) const {
        if (!has_work(shape)) return Duration(0);
        return spec_.step + spec_.prefill_token * shape.prefill_tokens +
               spec_.decode_sequence * (shape.decode_sequences + shape.draft_tokens);
    }

    static OperatorCost part(std::string name, std::int64_t count, Duration each) {
        OperatorCost cost;
        cost.name = std::move(name);
        cost.count = count;
        cost.fixed = each;
        cost.total = each * count;
        cost.provenance = "linear";
        return cost;
    }

    LinearCostSpec spec_;
    std::int64_t stages_;
};

Result<void> check_coefficient(const char* name, Duration value) {
    if (value.value >= 0 && value.value <= k_coefficient_max_ns) return {};
    return fail(Code::invalid_argument,
                std::string("linear cost: ") + name + " is " + std::to_string(value.value) +
                    " ns: expected 0 to 3600000000000 ns (one hour)");
}

}  // namespace

Result<std::unique_ptr<const CostModel>> make_linear_cost(const LinearCostSpec& spec, std::int64_t stages) {
    const std::pair<const char*, Duration> coefficients[] = {{"step_us", spec.step},
                                                             {"prefill_token_us", spec.prefill_token},
                                                             {"decode_seq_us", spec.decode_sequence}};
    for (const auto& [name, value] : coefficients) {
        if (auto ok = check_coefficient(name, value); !ok) return tl::unexpected(ok.error());
    }
    const bool always_takes_time =
        spec.step.value > 0 || (spec.prefill_token.value > 0 && spec.decode_sequence.value > 0);
    if (!always_takes_time) {
        return fail(Code::invalid_argument,
                    "linear cost: step_us is 0, so a step could take no time: expected step_us > 0, or both "
                    "prefill_token_us and decode_seq_us > 0");
    }
    return std::make_unique<const LinearCost>(spec, stages);
}

}  // namespace replayd::cost
