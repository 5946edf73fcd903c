#include "replay/catalog/pool_check.hpp"

namespace replayd {
namespace {

std::string number(std::int64_t value) { return std::to_string(value); }

/// Refuses a tensor width that does not divide `count` of `what`.
void need_divisor(TableReader& table, const ModelSpec& model, std::int64_t tensor, std::int64_t count,
                  const std::string& what) {
    if (count % tensor == 0) return;
    table.refuse("tensor", number(tensor),
                 "expected a divisor of the " + number(count) + ' ' + what + " of " + model.name);
}

void check_tensor(const PoolSpec& pool, const ModelSpec& model, TableReader& table) {
    const std::int64_t tensor = pool.parallel.tensor;
    if (tensor > pool.gpu.gpus_per_node) {
        table.refuse("tensor", number(tensor),
                     "expected at most " + number(pool.gpu.gpus_per_node) + ", the GPUs of one " + pool.gpu.name +
                         " node; spread further with pipeline, data or replicas");
    }
    need_divisor(table, model, tensor, model.attention.q_heads, "query heads");
    const std::int64_t kv_heads = model.attention.kv_heads;
    if (kv_heads % tensor != 0 && tensor % kv_heads != 0) {
        table.refuse("tensor", number(tensor),
                     "expected a divisor or a multiple of the " + number(kv_heads) + " key-value heads of " + model.name);
    }
    if (model.linear_attention) {
        need_divisor(table, model, tensor, model.linear_attention->k_heads, "linear-attention key heads");
        need_divisor(table, model, tensor, model.linear_attention->v_heads, "linear-attention value heads");
    }
    if (model.ffn > 0) need_divisor(table, model, tensor, model.ffn, "columns of the dense FFN");
    if (model.moe && model.moe->shared_experts > 0) {
        need_divisor(table, model, tensor, model.moe->shared_ffn, "columns of the shared expert");
    }
}

void check_pipeline(const PoolSpec& pool, const ModelSpec& model, TableReader& table) {
    if (pool.parallel.pipeline <= model.layers) return;
    table.refuse("pipeline", number(pool.parallel.pipeline),
                 "expected at most " + number(model.layers) + ", the layers of " + model.name);
}

void check_dense(const PoolSpec& pool, const ModelSpec& model, TableReader& table) {
    if (pool.parallel.data > 1) {
        table.refuse("data", number(pool.parallel.data),
                     "expected 1: " + model.name + " has no experts for its data ranks to share; raise replicas instead");
    }
    if (pool.parallel.expert > 1) {
        table.refuse("expert", number(pool.parallel.expert), "expected 1: " + model.name + " has no experts");
    }
}

void check_experts(const PoolSpec& pool, const MoeSpec& moe, const std::string& model, TableReader& table) {
    const ParallelSpec& parallel = pool.parallel;
    const std::int64_t ranks = parallel.tensor * parallel.data;
    if (ranks % parallel.expert != 0) {
        table.refuse("expert", number(parallel.expert),
                     "expected 1 or a divisor of tensor x data = " + number(ranks));
        return;
    }
    if (moe.experts % parallel.expert != 0) {
        table.refuse("expert", number(parallel.expert),
                     "expected a divisor of the " + number(moe.experts) + " experts of " + model);
    }
    const std::int64_t slices = ranks / parallel.expert;
    if (moe.ffn % slices != 0) {
        table.refuse("expert", number(parallel.expert),
                     "each expert would be cut into tensor x data / expert = " + number(slices) +
                         " slices: expected a divisor of its " + number(moe.ffn) + " columns");
    }
}

void check_batching(const PoolSpec& pool, TableReader& table) {
    const BatchingSpec& batching = pool.batching;
    const std::int64_t budget = batching.max_batched_tokens.value;
    if (budget < batching.max_sequences) {
        table.refuse("max_batched_tokens", number(budget),
                     "expected at least max_sequences = " + number(batching.max_sequences) +
                         ", one token for each running sequence");
    }
    if (!batching.chunked_prefill && budget < pool.max_context.value) {
        table.refuse("chunked_prefill", "false",
                     "a prompt must fit into one step: expected max_batched_tokens = " + number(budget) +
                         " to be at least max_context = " + number(pool.max_context.value) +
                         "; raise the one, lower the other or chunk");
    }
    if (!batching.chunked_prefill && batching.long_prefill_threshold.value > 0) {
        table.refuse("long_prefill_threshold", number(batching.long_prefill_threshold.value),
                     "expected 0 where chunked_prefill is false");
    }
}

/// LightLLM counts KV in tokens, and its admission looks at one stage only.
void check_lightllm(const PoolSpec& pool, PoolTables tables) {
    if (pool.batching.policy != BatchPolicyKind::lightllm) return;
    if (pool.kv.block != Tokens(1)) {
        tables.kv.refuse("block_tokens", number(pool.kv.block.value), "expected 1 with batching.policy = \"lightllm\"");
    }
    if (pool.parallel.pipeline != 1) {
        tables.parallel.refuse("pipeline", number(pool.parallel.pipeline),
                               "expected 1 with batching.policy = \"lightllm\"");
    }
}

void check_context(const PoolSpec& pool, const ModelSpec& model, TableReader& table) {
    if (pool.max_context <= Tokens(model.max_context)) return;
    table.refuse("max_context", number(pool.max_context.value),
                 "expected at most " + number(model.max_context) + ", the context of " + model.name);
}

}  // namespace

void check_pool(const PoolSpec& pool, const ModelSpec& model, PoolTables tables) {
    check_tensor(pool, model, tables.parallel);
    check_pipeline(pool, model, tables.parallel);
    if (model.moe) {
        check_experts(pool, *model.moe, model.name, tables.parallel);
    } else {
        check_dense(pool, model, tables.parallel);
    }
    check_batching(pool, tables.batching);
    check_lightllm(pool, tables);
    check_context(pool, model, tables.pool);
}

}  // namespace replayd
