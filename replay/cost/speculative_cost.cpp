#include "replay/cost/speculative_cost.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <vector>

#include "replay/base/assert.hpp"
#include "replay/cost/analytic_cost.hpp"
#include "replay/cost/composition.hpp"

namespace replayd::cost {
namespace {

constexpr double k_bf16_bytes = 2;

/// A multi-token-prediction layer as a model of one layer, like the last of `model`.
ModelSpec draft_layer(ModelSpec model) {
    model.layers = 1;
    model.linear_attention.reset();
    model.attention.sliding_window = 0;
    if (model.moe) model.moe->first_dense_layers = model.moe->last_dense_layers = 0;
    return model;
}

/// One pass, without what the host does once per step.
std::vector<OperatorSpec> compose_draft(const ModelSpec& model, const PoolSpec& pool) {
    const ModelSpec layer = draft_layer(model);
    std::vector<OperatorSpec> pass = compose(layer, pool);
    std::erase_if(pass, [](const OperatorSpec& op) { return op.name == "host"; });
    Composer entry(layer, pool);
    // Embedding and hidden state are read and written.
    entry.add_elementwise("norms", 4 * k_bf16_bytes * static_cast<double>(layer.hidden), entry.layers.all);
    entry.add_gemm("projection", 2 * layer.hidden, layer.hidden, entry.layers.all);
    std::vector<OperatorSpec> begin = entry.take();
    const auto embedded =
        std::find_if(pass.begin(), pass.end(), [](const OperatorSpec& op) { return op.name == "attention.norm"; });
    pass.insert(embedded, std::make_move_iterator(begin.begin()), std::make_move_iterator(begin.end()));
    return pass;
}

/// The first pass: the rows of the step, of which one per sequence goes through the head.
StepShape first_pass(StepShape shape) {
    shape.sampled_sequences -= shape.draft_tokens;
    return shape;
}

/// Each further pass: one token of every sequence that a step made a token of. A prompt that ended counts with the
/// contexts of all prompts of the step, of which most are its own.
StepShape further_pass(const StepShape& shape) {
    StepShape next;
    next.decode_sequences = next.sampled_sequences = shape.sampled_sequences - shape.draft_tokens;
    next.decode_context = shape.decode_context;
    if (next.decode_sequences > shape.decode_sequences) next.decode_context += shape.prefill_context;
    return next;
}

class SpeculativeCost final : public CostModel {
public:
    SpeculativeCost(std::unique_ptr<const CostModel> target, std::unique_ptr<const CostModel> draft,
                    std::int64_t passes)
        : target_(std::move(target)), draft_(std::move(draft)), passes_(passes) {
        REPLAYD_ASSERT(target_->stages() == 1 && draft_->stages() == 1);
    }

    [[nodiscard]] std::int64_t stages() const override { return 1; }

    void step(const StepShape& shape, std::span<Duration> out) const override {
        target_->step(shape, out);
        out[0] += time_of(*draft_, first_pass(shape));
        const StepShape further = further_pass(shape);
        if (passes_ > 1 && further.decode_sequences > 0) out[0] += (passes_ - 1) * time_of(*draft_, further);
    }

    [[nodiscard]] std::vector<OperatorCost> explain(const StepShape& shape) const override {
        std::vector<OperatorCost> costs = target_->explain(shape);
        add(costs, first_pass(shape), 1, "draft.");
        const StepShape further = further_pass(shape);
        if (passes_ > 1 && further.decode_sequences > 0) add(costs, further, passes_ - 1, "draft.further.");
        return costs;
    }

private:
    static Duration time_of(const CostModel& cost, const StepShape& shape) {
        std::array<Duration, 1> time{};
        cost.step(shape, time);
        return time[0];
    }
    void add(std::vector<OperatorCost>& costs, const StepShape& shape, std::int64_t passes, const char* prefix) const {
        for (OperatorCost& cost : draft_->explain(shape)) {
            cost.name = prefix + cost.name;
            cost.count *= passes;
            cost.hidden = passes * cost.hidden;
            cost.total = passes * cost.total;
            costs.push_back(std::move(cost));
        }
    }

    std::unique_ptr<const CostModel> target_;
    std::unique_ptr<const CostModel> draft_;
    std::int64_t passes_;  ///< drafts of a step
};

}  // namespace

Result<std::unique_ptr<const CostModel>> make_speculative_cost(std::unique_ptr<const CostModel> target,
                                                               const ModelSpec& model, const PoolSpec& pool) {
    REPLAYD_ASSERT(pool.speculation && pool.speculation->method == DraftMethod::mtp);
    auto draft = make_operator_cost(compose_draft(model, pool), 1, pool.batching.max_batched_tokens.value, pool.name);
    if (!draft) return tl::unexpected(draft.error());
    return std::make_unique<const SpeculativeCost>(std::move(target), std::move(*draft), pool.speculation->tokens);
}

}  // namespace replayd::cost
