#pragma once
// What a step of an AFD replica costs: the micro-batches of all its attention ranks through the chain attention →
// network → FFN → network, layer by layer (pipeline.hpp), after the embedding and before the head.
//
// Per stage the slowest attention rank, the busiest card and the slowest expert rank count: an FFN server begins when
// the rows of all attention servers are there, an attention server goes on when all partial results are. Stated
// simplifications: requests of a rank count as alike (shape_of_stage), so that one shorter than the mean, or a prompt
// that moves the border of a stage, may make a step shorter; embedding, head, sampling and the host are paid once per
// step for the whole batch, not overlapped with the layers; no jitter.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "replay/cost/afd/afd_operators.hpp"
#include "replay/cost/afd/pipeline.hpp"
#include "replay/cost/afd/stage_split.hpp"
#include "replay/cost/afd/wire.hpp"
#include "replay/cost/cost_model.hpp"
#include "replay/cost/group_cost.hpp"

namespace replayd::afd {

/// What a stage passes in a layer. With ffn_overlap each is a resource of its own; without, gather, FFN and reduce are
/// one.
enum Resource : std::size_t { k_attention, k_forward, k_gather, k_ffn, k_reduce, k_return, k_resources };
inline constexpr std::array<std::string_view, k_resources> k_resource_names = {"attention", "forward", "gather",
                                                                               "ffn",       "reduce",  "return"};

/// Times of one stage in a layer.
using StageTimes = std::array<Duration, k_resources>;

/// One step taken apart, for people, metrics and the page.
struct StepView {
    Duration total{0};
    Duration head{0};                          ///< of `total`: embedding, head, sampling, host
    Duration without_network{0};               ///< what the step would take if transfers took no time
    std::int64_t announced = 0;                ///< stages of the step
    std::vector<StageTimes> dense;             ///< of each stage in a dense layer; empty where the model has none
    std::vector<StageTimes> experts;           ///< in an MoE layer
    std::vector<std::int64_t> rows;            ///< of each stage over all ranks, as sent
    std::array<Duration, k_resources> busy{};  ///< over all layers and stages
    std::int64_t messages = 0;                 ///< that each attention server sends to each FFN server
    std::int64_t forward_bytes = 0;            ///< over the busiest attention GPU's card, whole step
    std::int64_t return_bytes = 0;

    /// What the network adds to the step.
    [[nodiscard]] Duration exposed_network() const { return total - without_network; }
    /// Transfers that run while something else does.
    [[nodiscard]] Duration hidden_network() const {
        const Duration network = busy[k_forward] + busy[k_return];
        return network > exposed_network() ? network - exposed_network() : Duration(0);
    }
    /// Share of the step in which a resource does nothing for the layers: its bubbles.
    [[nodiscard]] double idle_share(Resource resource) const {
        const Duration layers = total - head;
        return layers.value > 0 ? 1 - to_seconds(busy[resource]) / to_seconds(layers) : 0;
    }
};

/// Passes over ranks that only decode and are not slower than one seen before: attention is monotone. Stays true while
/// all of them go on decoding, each context growing by its sequences.
class SlowerDecodes {
public:
    /// False where a shape that was admitted has as many rows and as much context, or more.
    [[nodiscard]] bool may_be(const StepShape& shape) {
        if (shape.decode_sequences <= most_.decode_sequences && shape.decode_context <= most_.decode_context)
            return false;
        if (shape.decode_sequences >= most_.decode_sequences && shape.decode_context >= most_.decode_context)
            most_ = shape;
        return true;
    }

private:
    StepShape most_;
};

class AfdCost final : public CostModel, public GroupCost {
public:
    /// `pool.afd` is set and has passed pool_problems(). Error `invalid_argument` as check_support and Operator::make
    /// say.
    [[nodiscard]] static Result<std::unique_ptr<const AfdCost>> make(const ModelSpec& model, const PoolSpec& pool);

    std::int64_t stages() const override { return 1; }

    /// A rank's step while the other ranks are idle.
    void step(const StepShape& shape, std::span<Duration> out) const override;

    /// Less than any step that holds the shape: the sums of a rank do not say which request has which context, so that
    /// its longest stage is only known to have an equal share. One stage of that share, alone in the pipeline.
    void alone(const StepShape& shape, std::span<Duration> out) const override;
    [[nodiscard]] bool alone_is_step() const override { return false; }

    void next_decode_steps(const StepShape& shape, std::span<Duration> out) const override;

    [[nodiscard]] std::vector<OperatorCost> explain(const StepShape& shape) const override;

    void step(std::span<const StepShape> ranks, std::span<Duration> out) const override;
    void next_decode_steps(std::span<const StepShape> ranks, std::span<Duration> out) const override;

    /// The step in which rank i of the replica does `ranks[i]`; at least one has work, and those left out are idle.
    [[nodiscard]] Duration step_of(std::span<const StepShape> ranks) const;

    /// The same taken apart.
    [[nodiscard]] StepView view(std::span<const StepShape> ranks) const;

    /// Its visits to layers [first, first + count).
    [[nodiscard]] std::vector<Visit> timeline(std::span<const StepShape> ranks, std::int64_t first,
                                              std::int64_t count) const;

    /// Operators of the step, per GPU of the slowest rank of each role, `count` over layers and stages. The last row
    /// takes away what runs at the same time as something else, so that totals sum to the step.
    [[nodiscard]] std::vector<OperatorCost> explain(std::span<const StepShape> ranks) const;

    [[nodiscard]] std::int64_t ranks() const { return ranks_; }

private:
    /// The models of the parts that a step is priced with.
    struct Parts {
        std::unique_ptr<const CostModel> layers;  ///< attention, columns k_dense_layer and k_moe_layer
        std::unique_ptr<const CostModel> head;
        std::unique_ptr<const CostModel> ffn;                  ///< columns of FfnColumn
        std::unique_ptr<const CostModel> attention_operators;  ///< for explain: runs of one stage in a step
        std::unique_ptr<const CostModel> ffn_operators;
        std::array<Duration, k_head> padding;  ///< attention of a stage without requests: one row, no metadata
    };

    /// Times of all stages of a step, on the stack: [stage][resource] of a dense and of an MoE layer.
    struct Chains {
        std::size_t stages = 0;
        std::size_t resources = 0;
        std::array<Duration, k_stages_max * k_chain_max> dense;
        std::array<Duration, k_stages_max * k_chain_max> experts;
    };

    /// What a role's GPUs compute with where transfer kernels keep SMs from them.
    struct SmShare {
        std::int64_t all = 1;
        std::int64_t left = 1;
        [[nodiscard]] Duration slowed(Duration time) const { return Duration(time.value * all / left); }
    };

    AfdCost(const ModelSpec& model, const PoolSpec& pool, Parts parts);

    [[nodiscard]] std::int64_t stages_of(std::span<const StepShape> ranks) const;
    [[nodiscard]] StageRows rows_of_idle(std::span<const StepShape> ranks) const;
    void raise_to(const StepShape& shape, std::array<Duration, k_head>& slowest) const;
    void set_attention(const std::array<Duration, k_head>& slowest, StageTimes& dense, StageTimes& experts) const;
    /// `dense` and `experts` are of attention, the rest follows from `rows`.
    void add_rest(StageRows rows, StageTimes& dense, StageTimes& experts) const;
    /// Rows that the stage sends.
    StageRows stage_times(std::span<const StepShape> ranks, std::int64_t stages, std::int64_t stage, StageTimes& dense,
                          StageTimes& experts) const;
    void append(const StageTimes& times, Duration* chain) const;
    [[nodiscard]] Chains chains(std::span<const StepShape> ranks) const;
    [[nodiscard]] std::array<LayerTimes, 3> layer_runs(const Chains& chains) const;
    [[nodiscard]] Chains empty_chains(std::int64_t stages) const;

    struct DecodingStage;
    [[nodiscard]] DecodingStage decoding_stage(std::span<const StepShape> ranks, std::int64_t stages,
                                               std::int64_t stage) const;
    void decode_on(DecodingStage& stage) const;
    void next_heads(std::span<const StepShape> ranks, std::span<Duration> out) const;

    [[nodiscard]] Duration layers_of(const Chains& chains) const;
    [[nodiscard]] Duration head(std::span<const StepShape> ranks) const;
    [[nodiscard]] std::size_t busiest(std::span<const StepShape> ranks) const;

    AfdSpec afd_;
    std::int64_t ranks_;
    std::int64_t graph_tokens_max_;
    std::int64_t dense_before_;
    std::int64_t moe_layers_;
    std::int64_t dense_after_;
    SmShare attention_sms_;
    SmShare ffn_sms_;
    Wire forward_;
    Wire back_;
    Parts parts_;
};

}  // namespace replayd::afd
