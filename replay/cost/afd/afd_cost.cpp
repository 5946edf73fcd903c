#include "replay/cost/afd/afd_cost.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "replay/base/assert.hpp"
#include "replay/cost/analytic_cost.hpp"
#include "replay/cost/composition.hpp"

namespace replayd::afd {
namespace {

using cost::OperatorSpec;

std::int64_t requests_of(const StepShape& shape) {
    return shape.decode_sequences + shape.prefill_sequences;
}

/// Rows of the FFN servers in a form that their operators take.
StepShape of_rows(std::int64_t rows) {
    StepShape shape;
    shape.decode_sequences = rows;
    return shape;
}

/// The operators that run in one of the columns [first, last), with those columns only.
std::vector<OperatorSpec> columns_of(const std::vector<OperatorSpec>& all, std::size_t first, std::size_t last) {
    std::vector<OperatorSpec> out;
    for (OperatorSpec op : all) {
        op.counts = {op.counts.begin() + static_cast<std::ptrdiff_t>(first),
                     op.counts.begin() + static_cast<std::ptrdiff_t>(last)};
        if (std::any_of(op.counts.begin(), op.counts.end(), [](std::int64_t n) { return n > 0; }))
            out.push_back(std::move(op));
    }
    return out;
}

/// The same with what each runs in one step instead of columns.
std::vector<OperatorSpec> runs_of(std::vector<OperatorSpec> all, std::span<const std::int64_t> layers) {
    for (OperatorSpec& op : all) {
        const std::int64_t runs =
            std::inner_product(op.counts.begin(), op.counts.end(), layers.begin(), std::int64_t{0});
        op.counts = {runs};
    }
    return all;
}

/// What each column costs for a single row of a stage without requests: kernels that need no metadata.
std::array<Duration, k_head> padding_times(const std::vector<OperatorSpec>& operators) {
    cost::FieldValues one_row{};
    one_row[static_cast<std::size_t>(cost::Field::rows)] = 1;
    std::array<Duration, k_head> out{};
    for (const OperatorSpec& spec : operators) {
        const auto op = cost::Operator::make(spec);
        REPLAYD_ASSERT(op.has_value());  // made before from the same
        for (std::size_t i = 0; i < out.size(); ++i) out[i] += Duration(op->run_ns(one_row)) * spec.counts[i];
    }
    return out;
}

/// A floor of what one of `parts` nearly equal parts holds at least in one of them.
StepShape least_share(StepShape shape, std::int64_t parts) {
    const auto some = [&](std::int64_t& field) { field = field > 0 ? std::max<std::int64_t>(1, field / parts) : 0; };
    for (std::int64_t* field : {&shape.decode_sequences, &shape.prefill_sequences, &shape.prefill_tokens}) some(*field);
    for (std::int64_t* field : {&shape.prefill_pairs, &shape.prefill_context, &shape.prefill_squares,
                                &shape.prefill_past_tiles, &shape.decode_context}) {
        *field /= parts;
    }
    return shape;
}

}  // namespace

Result<std::unique_ptr<const AfdCost>> AfdCost::make(const ModelSpec& model, const PoolSpec& pool) {
    REPLAYD_ASSERT(pool.afd && model.moe);
    if (auto ok = cost::check_support(model, pool); !ok) return tl::unexpected(ok.error());
    const std::int64_t ranks = pool.parallel.data;
    const std::int64_t rows_max = pool.batching.max_batched_tokens.value;
    const std::vector<OperatorSpec> attention = attention_operators(model, pool);
    const std::vector<OperatorSpec> ffn = ffn_operators(model, pool);
    const std::int64_t moe_layers = model.moe_layers();
    const std::int64_t dense_layers = model.layers - moe_layers;
    const std::array<std::int64_t, k_head> layers = {dense_layers, moe_layers};
    const std::array<std::int64_t, k_ffn_columns> ffn_layers = {dense_layers, moe_layers,   dense_layers,
                                                                moe_layers,   dense_layers, moe_layers};
    const std::vector<OperatorSpec> in_layers = columns_of(attention, k_dense_layer, k_head);

    Parts parts;
    struct Wanted {
        std::unique_ptr<const CostModel>& model;
        std::vector<OperatorSpec> operators;
        std::size_t columns;
        std::int64_t rows_max;
    };
    Wanted wanted[] = {{parts.layers, in_layers, k_head, rows_max},
                       {parts.head, columns_of(attention, k_head, k_attention_columns), 1, rows_max},
                       {parts.ffn, ffn, k_ffn_columns, rows_max * ranks},
                       {parts.attention_operators, runs_of(in_layers, layers), 1, 1},
                       {parts.ffn_operators, runs_of(ffn, ffn_layers), 1, 1}};
    for (Wanted& each : wanted) {
        auto made = cost::make_operator_cost(std::move(each.operators), each.columns, each.rows_max, pool.name);
        if (!made) return tl::unexpected(made.error());
        each.model = std::move(*made);
    }
    parts.padding = padding_times(in_layers);
    return std::unique_ptr<const AfdCost>(new AfdCost(model, pool, std::move(parts)));
}

AfdCost::AfdCost(const ModelSpec& model, const PoolSpec& pool, Parts parts)
    : afd_(*pool.afd),
      ranks_(pool.parallel.data),
      graph_tokens_max_(pool.runtime.cuda_graphs ? pool.runtime.graph_tokens_max : 0),
      dense_before_(model.moe->first_dense_layers),
      moe_layers_(model.moe_layers()),
      dense_after_(model.moe->last_dense_layers),
      parts_(std::move(parts)) {
    if (afd_.connector != AfdConnector::dummy) {
        forward_ = Wire(pool, forward_row_bytes(model, afd_));
        back_ = Wire(pool, return_row_bytes(model));
    }
    if (afd_.connector_sms > 0) {
        attention_sms_ = {pool.gpu.sm_count, pool.gpu.sm_count - afd_.connector_sms};
        ffn_sms_ = {afd_.ffn.gpu.sm_count, afd_.ffn.gpu.sm_count - afd_.connector_sms};
    }
}

std::int64_t AfdCost::stages_of(std::span<const StepShape> ranks) const {
    if (afd_.empty_stages == AfdEmptyStages::pad) return afd_.stages;
    std::int64_t most = 0;
    for (const StepShape& rank : ranks) most = std::max(most, requests_of(rank));
    return effective_stages(afd_.stages, most);
}

void AfdCost::add_rest(StageRows rows, StageTimes& dense, StageTimes& experts) const {
    std::array<Duration, k_ffn_columns> ffn;
    parts_.ffn->step(of_rows(rows.all), ffn);
    const auto fill = [&](StageTimes& times, Duration gather, Duration compute, Duration reduce) {
        times[k_forward] = forward_.time(rows);
        times[k_gather] = gather;
        times[k_ffn] = ffn_sms_.slowed(compute);
        times[k_reduce] = reduce;
        times[k_return] = back_.time(rows);
    };
    fill(dense, ffn[k_dense_gather], ffn[k_dense_compute], ffn[k_dense_reduce]);
    fill(experts, ffn[k_moe_gather], ffn[k_moe_compute], ffn[k_moe_reduce]);
}

StageRows AfdCost::stage_times(std::span<const StepShape> ranks, std::int64_t stages, std::int64_t stage,
                               StageTimes& dense, StageTimes& experts) const {
    std::array<Duration, k_head> slowest = parts_.padding;
    StageRows rows = rows_of_idle(ranks);
    SlowerDecodes slower;
    for (const StepShape& rank : ranks) {
        const StepShape shape = shape_of_stage(rank, stages, stage);
        rows.add(sent_rows(shape, graph_tokens_max_));
        if (is_padding(shape) || (shape.prefill_tokens == 0 && !slower.may_be(shape))) continue;
        raise_to(shape, slowest);
    }
    set_attention(slowest, dense, experts);
    add_rest(rows, dense, experts);
    return rows;
}

/// Ranks that are left out send at least one row each.
StageRows AfdCost::rows_of_idle(std::span<const StepShape> ranks) const {
    return {1, ranks_ - std::ssize(ranks)};
}

void AfdCost::raise_to(const StepShape& shape, std::array<Duration, k_head>& slowest) const {
    std::array<Duration, k_head> times;
    parts_.layers->step(shape, times);
    for (std::size_t i = 0; i < times.size(); ++i) slowest[i] = std::max(slowest[i], times[i]);
}

void AfdCost::set_attention(const std::array<Duration, k_head>& slowest, StageTimes& dense, StageTimes& experts) const {
    dense[k_attention] = attention_sms_.slowed(slowest[k_dense_layer]);
    experts[k_attention] = attention_sms_.slowed(slowest[k_moe_layer]);
}

/// With overlap six resources, without four.
void AfdCost::append(const StageTimes& times, Duration* chain) const {
    if (afd_.ffn_overlap) {
        std::copy(times.begin(), times.end(), chain);
        return;
    }
    chain[0] = times[k_attention];
    chain[1] = times[k_forward];
    chain[2] = times[k_gather] + times[k_ffn] + times[k_reduce];
    chain[3] = times[k_return];
}

AfdCost::Chains AfdCost::empty_chains(std::int64_t stages) const {
    Chains out;
    out.stages = static_cast<std::size_t>(stages);
    out.resources = afd_.ffn_overlap ? std::size_t{k_resources} : std::size_t{4};
    return out;
}

AfdCost::Chains AfdCost::chains(std::span<const StepShape> ranks) const {
    REPLAYD_ASSERT(std::ssize(ranks) <= ranks_);
    const std::int64_t stages = stages_of(ranks);
    REPLAYD_ASSERT(stages > 0);
    Chains out = empty_chains(stages);
    for (std::size_t stage = 0; stage < out.stages; ++stage) {
        StageTimes dense{};
        StageTimes experts{};
        (void)stage_times(ranks, stages, static_cast<std::int64_t>(stage), dense, experts);
        append(dense, out.dense.data() + stage * out.resources);
        append(experts, out.experts.data() + stage * out.resources);
    }
    return out;
}

std::array<LayerTimes, 3> AfdCost::layer_runs(const Chains& chains) const {
    const std::size_t size = chains.stages * chains.resources;
    const std::span<const Duration> dense(chains.dense.data(), size);
    const std::span<const Duration> experts(chains.experts.data(), size);
    return {{{dense_before_, dense}, {moe_layers_, experts}, {dense_after_, dense}}};
}

Duration AfdCost::head(std::span<const StepShape> ranks) const {
    Duration slowest{0};
    for (const StepShape& rank : ranks) {
        if (is_padding(rank)) continue;
        Duration time{0};
        parts_.head->step(rank, std::span(&time, 1));
        slowest = std::max(slowest, time);
    }
    return attention_sms_.slowed(slowest);
}

Duration AfdCost::layers_of(const Chains& chains) const {
    const Pipeline pipeline(static_cast<std::int64_t>(chains.stages), static_cast<std::int64_t>(chains.resources));
    return pipeline.run(layer_runs(chains));
}

Duration AfdCost::step_of(std::span<const StepShape> ranks) const {
    return head(ranks) + layers_of(chains(ranks));
}

void AfdCost::step(const StepShape& shape, std::span<Duration> out) const {
    REPLAYD_ASSERT(out.size() == 1);
    out.front() = rows_of(shape) > 0 ? step_of(std::span(&shape, 1)) : Duration(0);
}

void AfdCost::step(std::span<const StepShape> ranks, std::span<Duration> out) const {
    REPLAYD_ASSERT(out.size() == 1);
    out.front() = step_of(ranks);
}

void AfdCost::alone(const StepShape& shape, std::span<Duration> out) const {
    REPLAYD_ASSERT(out.size() == 1);
    out.front() = Duration(0);
    if (rows_of(shape) == 0) return;
    const StepShape stage = least_share(shape, afd_.stages);
    StageTimes dense{};
    StageTimes experts{};
    (void)stage_times(std::span(&stage, 1), 1, 0, dense, experts);
    const auto sum = [](const StageTimes& times) { return std::accumulate(times.begin(), times.end(), Duration(0)); };
    out.front() = head(std::span(&shape, 1)) + sum(dense) * (dense_before_ + dense_after_) + sum(experts) * moe_layers_;
}

}  // namespace replayd::afd
