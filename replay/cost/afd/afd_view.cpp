// A step of an AFD replica taken apart for people.

#include <algorithm>
#include <string>

#include "replay/cost/afd/afd_cost.hpp"

namespace replayd::afd {
namespace {

/// Adds the operators of one more stage to those of the same names.
void merge(std::vector<OperatorCost>& into, const std::vector<OperatorCost>& stage) {
    for (const OperatorCost& op : stage) {
        const auto same =
            std::find_if(into.begin(), into.end(), [&](const OperatorCost& o) { return o.name == op.name; });
        if (same == into.end()) {
            into.push_back(op);
        } else {
            same->count += op.count;
            same->total += op.total;
        }
    }
}

OperatorCost transfer(std::string name, std::int64_t runs, Duration total, Duration latency, double bytes) {
    OperatorCost op;
    op.name = std::move(name);
    op.count = runs;
    op.fixed = latency;
    op.memory = Duration(total.value / runs) - latency;
    op.total = total;
    op.bytes = bytes / static_cast<double>(runs);
    op.provenance = "analytic; RDMA at DeepEP's share of the card";
    return op;
}

}  // namespace

StepView AfdCost::view(std::span<const StepShape> ranks) const {
    StepView out;
    out.announced = stages_of(ranks);
    out.head = head(ranks);
    out.total = step_of(ranks);
    Chains free = chains(ranks);
    const std::int64_t layers[] = {dense_before_ + dense_after_, moe_layers_};
    double forward = 0;
    double back = 0;
    for (std::int64_t stage = 0; stage < out.announced; ++stage) {
        StageTimes dense{};
        StageTimes experts{};
        const StageRows rows = stage_times(ranks, out.announced, stage, dense, experts);
        out.rows.push_back(rows.all);
        forward += forward_.attention_bytes(rows);
        back += back_.attention_bytes(rows);
        for (std::size_t r = 0; r < k_resources; ++r) out.busy[r] += dense[r] * layers[0] + experts[r] * layers[1];
        if (layers[0] > 0) out.dense.push_back(dense);
        out.experts.push_back(experts);
        for (StageTimes* times : {&dense, &experts}) (*times)[k_forward] = (*times)[k_return] = Duration(0);
        append(dense, free.dense.data() + static_cast<std::size_t>(stage) * free.resources);
        append(experts, free.experts.data() + static_cast<std::size_t>(stage) * free.resources);
    }
    Pipeline pipeline(out.announced, static_cast<std::int64_t>(free.resources));
    out.without_network = out.head + pipeline.run(layer_runs(free));
    const std::int64_t all_layers = layers[0] + layers[1];
    out.messages = messages_per_step(all_layers, out.announced);
    out.forward_bytes = static_cast<std::int64_t>(forward) * all_layers;
    out.return_bytes = static_cast<std::int64_t>(back) * all_layers;
    return out;
}

std::vector<Visit> AfdCost::timeline(std::span<const StepShape> ranks, std::int64_t first, std::int64_t count) const {
    const Chains times = chains(ranks);
    std::vector<Visit> visits;
    Pipeline pipeline(static_cast<std::int64_t>(times.stages), static_cast<std::int64_t>(times.resources));
    (void)pipeline.run(layer_runs(times), first, count, visits);
    return visits;
}

std::size_t AfdCost::busiest(std::span<const StepShape> ranks) const {
    std::size_t out = 0;
    Duration longest{-1};
    for (std::size_t i = 0; i < ranks.size(); ++i) {
        Duration time{0};
        step(ranks[i], std::span(&time, 1));
        if (time > longest) {
            longest = time;
            out = i;
        }
    }
    return out;
}

std::vector<OperatorCost> AfdCost::explain(std::span<const StepShape> ranks) const {
    const StepView step = view(ranks);
    const StepShape& rank = ranks[busiest(ranks)];
    std::vector<OperatorCost> out = parts_.head->explain(rank);
    std::vector<OperatorCost> attention;
    std::vector<OperatorCost> ffn;
    for (std::int64_t stage = 0; stage < step.announced; ++stage) {
        const StepShape shape = shape_of_stage(rank, step.announced, stage);
        if (!is_padding(shape)) merge(attention, parts_.attention_operators->explain(shape));
        StepShape rows;
        rows.decode_sequences = step.rows[static_cast<std::size_t>(stage)];
        merge(ffn, parts_.ffn_operators->explain(rows));
    }
    out.insert(out.end(), attention.begin(), attention.end());
    if (step.busy[k_forward].value > 0) {
        out.push_back(transfer("network.forward", step.messages, step.busy[k_forward], forward_.latency(),
                               static_cast<double>(step.forward_bytes)));
    }
    out.insert(out.end(), ffn.begin(), ffn.end());
    if (step.busy[k_return].value > 0) {
        out.push_back(transfer("network.return", step.messages, step.busy[k_return], back_.latency(),
                               static_cast<double>(step.return_bytes)));
    }
    OperatorCost overlap;
    overlap.name = "at the same time";
    overlap.count = 1;
    overlap.total = step.total;
    for (const OperatorCost& op : out) overlap.total -= op.total;
    overlap.provenance = "pipeline of " + std::to_string(step.announced) + " stages";
    out.push_back(std::move(overlap));
    return out;
}

std::vector<OperatorCost> AfdCost::explain(const StepShape& shape) const {
    return rows_of(shape) > 0 ? explain(std::span(&shape, 1)) : std::vector<OperatorCost>{};
}

}  // namespace replayd::afd
