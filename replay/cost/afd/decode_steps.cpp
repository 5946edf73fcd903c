// Consecutive steps of an AFD replica that only decode: rows stay as they are, so that from step to step nothing but
// attention changes. Network, FFN servers and which ranks can be the slowest are found once for all of them.

#include <algorithm>

#include "replay/base/assert.hpp"
#include "replay/cost/afd/afd_cost.hpp"

namespace replayd::afd {

/// A micro-batch whose requests decode on.
struct AfdCost::DecodingStage {
    std::vector<StepShape> slowest;  ///< the ranks that may be
    StageTimes dense{};
    StageTimes experts{};
};

AfdCost::DecodingStage AfdCost::decoding_stage(std::span<const StepShape> ranks, std::int64_t stages,
                                               std::int64_t stage) const {
    DecodingStage out;
    StageRows rows = rows_of_idle(ranks);
    SlowerDecodes slower;
    for (const StepShape& rank : ranks) {
        const StepShape shape = shape_of_stage(rank, stages, stage);
        rows.add(sent_rows(shape, graph_tokens_max_));
        if (!is_padding(shape) && slower.may_be(shape)) out.slowest.push_back(shape);
    }
    set_attention(parts_.padding, out.dense, out.experts);
    add_rest(rows, out.dense, out.experts);
    return out;
}

void AfdCost::decode_on(DecodingStage& stage) const {
    if (stage.slowest.empty()) return;
    std::array<Duration, k_head> slowest = parts_.padding;
    for (StepShape& shape : stage.slowest) {
        // Its share of the rank's context grows by exactly the requests it has.
        shape.decode_context += shape.decode_sequences;
        raise_to(shape, slowest);
    }
    set_attention(slowest, stage.dense, stage.experts);
}

/// What the heads of steps to come take, each into its place of `out`.
void AfdCost::next_heads(std::span<const StepShape> ranks, std::span<Duration> out) const {
    std::vector<Duration> times(out.size());
    std::fill(out.begin(), out.end(), Duration(0));
    SlowerDecodes slower;
    for (const StepShape& rank : ranks) {
        if (is_padding(rank) || !slower.may_be(rank)) continue;
        parts_.head->next_decode_steps(rank, times);
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::max(out[i], attention_sms_.slowed(times[i]));
    }
}

void AfdCost::next_decode_steps(const StepShape& shape, std::span<Duration> out) const {
    next_decode_steps(std::span(&shape, 1), out);
}

void AfdCost::next_decode_steps(std::span<const StepShape> ranks, std::span<Duration> out) const {
    const std::int64_t count = stages_of(ranks);
    REPLAYD_ASSERT(count > 0);
    std::vector<DecodingStage> stages;
    for (std::int64_t i = 0; i < count; ++i) stages.push_back(decoding_stage(ranks, count, i));
    next_heads(ranks, out);
    Chains chains = empty_chains(count);
    for (Duration& each : out) {
        for (std::size_t i = 0; i < stages.size(); ++i) {
            decode_on(stages[i]);
            append(stages[i].dense, chains.dense.data() + i * chains.resources);
            append(stages[i].experts, chains.experts.data() + i * chains.resources);
        }
        each += layers_of(chains);
    }
}

}  // namespace replayd::afd
