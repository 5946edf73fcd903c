// Combinations that no operator can price are refused here, each with one message.

#include <algorithm>
#include <string>
#include <utility>

#include "replay/cost/composition.hpp"
#include "replay/cost/moe_strategy.hpp"

namespace replayd::cost {
namespace {

/// Collects the first problem: `require(condition, field, value, expected)`.
class Checker {
public:
    explicit Checker(std::string subject) : subject_(std::move(subject)) {}

    Checker& require(bool holds, const std::string& field, const std::string& value, const std::string& expected) {
        if (!holds && problem_.empty()) problem_ = subject_ + ": " + field + " is " + value + ": expected " + expected;
        return *this;
    }
    Checker& require(bool holds, const std::string& field, std::int64_t value, const std::string& expected) {
        return require(holds, field, std::to_string(value), expected);
    }
    [[nodiscard]] Result<void> result() const {
        if (problem_.empty()) return {};
        return fail(Code::invalid_argument, problem_);
    }
    [[nodiscard]] bool failed() const { return !problem_.empty(); }

private:
    std::string subject_;
    std::string problem_;
};

/// `value` divides into `parts` without a rest.
bool splits(std::int64_t value, std::int64_t parts) { return value >= parts && value % parts == 0; }

std::string multiple_of_tensor(std::int64_t tensor) {
    return "a multiple of the pool's tensor = " + std::to_string(tensor);
}

void check_parallel(Checker& check, const ModelSpec& model, const ParallelSpec& parallel) {
    check.require(parallel.tensor >= 1, "parallel.tensor", parallel.tensor, "1 or more")
        .require(parallel.data >= 1, "parallel.data", parallel.data, "1 or more")
        .require(parallel.expert >= 1, "parallel.expert", parallel.expert, "1 or more")
        .require(parallel.pipeline <= model.layers, "parallel.pipeline", parallel.pipeline,
                 "at most the " + std::to_string(model.layers) + " layers of model \"" + model.name + "\"");
    if (check.failed()) return;
    const std::int64_t group = parallel.tensor * parallel.data;
    check
        .require(parallel.expert == 1 || model.moe.has_value(), "parallel.expert", parallel.expert,
                 "1, since model \"" + model.name + "\" has no experts")
        .require(group % parallel.expert == 0, "parallel.expert", parallel.expert,
                 "1 or a divisor of tensor × data = " + std::to_string(group));
    if (model.moe) {
        check.require(splits(model.moe->experts + parallel.redundant_experts, parallel.expert), "parallel.expert",
                      parallel.expert,
                      "a divisor of the " + std::to_string(model.moe->experts) + " experts of model \"" + model.name +
                          '"' +
                          (parallel.redundant_experts == 0
                               ? ""
                               : " with " + std::to_string(parallel.redundant_experts) + " redundant ones"));
    }
}

/// What keeps every field of a step within k_field_max, so that a query cannot overflow.
void check_sizes(Checker& check, const ModelSpec& model, const PoolSpec& pool) {
    const std::int64_t budget = pool.batching.max_batched_tokens.value;
    const std::int64_t sequences = pool.batching.max_sequences;
    const std::int64_t context = pool.max_context.value > 0 ? pool.max_context.value : model.max_context;
    const std::int64_t tokens_max = at(k_field_max, Field::prefill_tokens);
    check
        .require(budget >= 1 && budget <= tokens_max, "batching.max_batched_tokens", budget,
                 "1 to " + std::to_string(tokens_max))
        .require(sequences >= 1 && sequences <= tokens_max, "batching.max_sequences", sequences,
                 "1 to " + std::to_string(tokens_max))
        .require(context >= 1, "max_context", context, "1 or more");
    if (check.failed()) return;
    const std::int64_t context_max = std::min(at(k_field_max, Field::decode_context) / sequences,
                                              at(k_field_max, Field::prefill_pairs) / budget);
    check.require(context <= context_max, "max_context", context,
                  "at most " + std::to_string(context_max) + " with max_batched_tokens = " + std::to_string(budget) +
                      " and max_sequences = " + std::to_string(sequences));
}

void check_types(Checker& check, const PoolSpec& pool) {
    check.require(pool.weights != DataType::fp32, "weights", "fp32", "bf16, fp8, int8 or int4")
        .require(pool.kv.dtype != DataType::fp32 && pool.kv.dtype != DataType::int4, "kv.dtype",
                 pool.kv.dtype == DataType::int4 ? "int4" : "fp32", "bf16, fp8 or int8");
}

void check_gpu(Checker& check, const PoolSpec& pool) {
    const GpuSpec& gpu = pool.gpu;
    const std::string of = " of gpu \"" + gpu.name + "\"";
    check.require(gpu.hbm_bytes_per_s > 0, "hbm_bytes_per_s" + of, "0", "its peak memory bandwidth")
        .require(gpu.bf16_flops > 0, "bf16_flops" + of, "0", "its peak dense bf16 rate")
        .require(gpu.gpus_per_node >= 1, "gpus_per_node" + of, gpu.gpus_per_node, "1 or more");
    if (check.failed()) return;
    const std::int64_t gpus = pool.parallel.gpus();
    const bool in_node = gpu.nvlink_bytes_per_s > 0 || gpu.pcie_bytes_per_s > 0;
    check
        .require(gpus == 1 || in_node, "nvlink_bytes_per_s" + of, "0",
                 "a link inside the node (nvlink or pcie), since a replica has " + std::to_string(gpus) + " GPUs")
        .require(gpus <= gpu.gpus_per_node || gpu.nic_bytes_per_s > 0, "nic_bytes_per_s" + of, "0",
                 "a network, since a replica of " + std::to_string(gpus) + " GPUs spans nodes of " +
                     std::to_string(gpu.gpus_per_node));
}

void check_heads(Checker& check, const ModelSpec& model, std::int64_t tensor) {
    const AttentionSpec& attention = model.attention;
    const std::string of = " of model \"" + model.name + "\"";
    check.require(splits(attention.q_heads, tensor), "attention.q_heads" + of, attention.q_heads,
                  multiple_of_tensor(tensor));
    if (attention.kind == AttentionKind::gqa) {
        const std::int64_t kv_heads = attention.kv_heads;
        const bool fits = kv_heads > 0 && (splits(kv_heads, tensor) || tensor % kv_heads == 0);
        check.require(fits, "attention.kv_heads" + of, kv_heads,
                      "a multiple or a divisor of the pool's tensor = " + std::to_string(tensor));
    }
    if (model.linear_attention) {
        check
            .require(splits(model.linear_attention->k_heads, tensor), "linear_attention.k_heads" + of,
                     model.linear_attention->k_heads, multiple_of_tensor(tensor))
            .require(splits(model.linear_attention->v_heads, tensor), "linear_attention.v_heads" + of,
                     model.linear_attention->v_heads, multiple_of_tensor(tensor))
            .require(model.linear_attention->full_attention_interval >= 1,
                     "linear_attention.full_attention_interval" + of, model.linear_attention->full_attention_interval,
                     "1 or more");
    }
}

void check_model(Checker& check, const ModelSpec& model) {
    const std::string of = " of model \"" + model.name + "\"";
    check.require(model.hidden >= 1, "hidden" + of, model.hidden, "1 or more")
        .require(model.vocab >= 1, "vocab" + of, model.vocab, "1 or more");
    if (model.moe) {
        const MoeSpec& moe = *model.moe;
        check.require(moe.top_k >= 1 && moe.top_k <= moe.experts, "moe.top_k" + of, moe.top_k,
                      "1 to the number of experts, " + std::to_string(moe.experts));
    }
    const bool has_dense = !model.moe || model.moe->first_dense_layers > 0;
    check.require(!has_dense || model.ffn >= 1, "ffn" + of, model.ffn, "1 or more, since it has dense layers");
}

}  // namespace

Result<void> check_support(const ModelSpec& model, const PoolSpec& pool) {
    Checker check("pool \"" + pool.name + "\"");
    check_parallel(check, model, pool.parallel);
    check_types(check, pool);
    check_model(check, model);
    check_sizes(check, model, pool);
    check_gpu(check, pool);
    if (!check.failed()) check_heads(check, model, pool.parallel.tensor);
    if (check.failed() || !model.moe) return check.result();
    const auto strategy = choose_moe_strategy(moe_strategy_query(model, pool));
    if (!strategy) return fail(strategy.error().code, "pool \"" + pool.name + "\": " + strategy.error().message);
    return {};
}

}  // namespace replayd::cost
