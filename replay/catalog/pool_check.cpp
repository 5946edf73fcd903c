#include "replay/catalog/pool_check.hpp"

#include <utility>

#include "replay/catalog/afd_toml.hpp"
#include "replay/catalog/speculation_toml.hpp"

namespace replayd {
namespace {

std::string number(std::int64_t value) { return std::to_string(value); }

/// One look at a pool; each check adds what it refuses.
class PoolCheck {
public:
    PoolCheck(const PoolSpec& pool, const ModelSpec& model) : pool_(pool), model_(model) {}

    std::vector<PoolProblem> run() {
        tensor();
        pipeline();
        if (pool_.afd) {
            const std::vector<PoolProblem> more = afd_problems(pool_, model_);
            problems_.insert(problems_.end(), more.begin(), more.end());
        } else if (model_.moe) {
            experts(*model_.moe);
        } else {
            dense();
        }
        batching();
        lightllm();
        prefix_cache();
        context();
        kv();
        runtime();
        const std::vector<PoolProblem> more = speculation_problems(pool_, model_);
        problems_.insert(problems_.end(), more.begin(), more.end());
        return std::move(problems_);
    }

private:
    void refuse(PoolTable table, std::string key, std::string value, std::string text) {
        problems_.push_back({table, std::move(key), std::move(value), std::move(text)});
    }

    /// Refuses a tensor width that does not divide `count` of `what`.
    void need_divisor(std::int64_t count, const std::string& what) {
        if (count % pool_.parallel.tensor == 0) return;
        refuse(PoolTable::parallel, "tensor", number(pool_.parallel.tensor),
               "expected a divisor of the " + number(count) + ' ' + what + " of " + model_.name);
    }

    void tensor() {
        const std::int64_t tensor = pool_.parallel.tensor;
        if (tensor > pool_.gpu.gpus_per_node) {
            refuse(PoolTable::parallel, "tensor", number(tensor),
                   "expected at most " + number(pool_.gpu.gpus_per_node) + ", the GPUs of one " + pool_.gpu.name +
                       " node; spread further with pipeline, data or replicas");
        }
        need_divisor(model_.attention.q_heads, "query heads");
        const std::int64_t kv_heads = model_.attention.kv_heads;
        if (kv_heads % tensor != 0 && tensor % kv_heads != 0) {
            refuse(
                PoolTable::parallel, "tensor", number(tensor),
                "expected a divisor or a multiple of the " + number(kv_heads) + " key-value heads of " + model_.name);
        }
        if (model_.linear_attention) {
            need_divisor(model_.linear_attention->k_heads, "linear-attention key heads");
            need_divisor(model_.linear_attention->v_heads, "linear-attention value heads");
        }
        if (model_.ffn > 0) need_divisor(model_.ffn, "columns of the dense FFN");
        if (model_.moe && model_.moe->shared_experts > 0) {
            need_divisor(model_.moe->shared_ffn, "columns of the shared expert");
        }
    }

    void pipeline() {
        if (pool_.parallel.pipeline <= model_.layers) return;
        refuse(PoolTable::parallel, "pipeline", number(pool_.parallel.pipeline),
               "expected at most " + number(model_.layers) + ", the layers of " + model_.name);
    }

    void dense() {
        const ParallelSpec& parallel = pool_.parallel;
        if (parallel.data > 1) {
            refuse(PoolTable::parallel, "data", number(parallel.data),
                   "expected 1: " + model_.name +
                       " has no experts for its data ranks to share; raise replicas instead");
        }
        if (parallel.expert > 1) {
            refuse(PoolTable::parallel, "expert", number(parallel.expert),
                   "expected 1: " + model_.name + " has no experts");
        }
        if (parallel.redundant_experts > 0) {
            refuse(PoolTable::parallel, "redundant_experts", number(parallel.redundant_experts),
                   "expected 0: " + model_.name + " has no experts");
        }
        if (pool_.runtime.moe == MoeBackend::tensor) {
            refuse(PoolTable::runtime, "moe", "\"tensor\"", "expected \"fused\": " + model_.name + " has no experts");
        }
        if (uses_deepep(pool_.runtime.moe)) {
            refuse(PoolTable::runtime, "moe", "a DeepEP mode",
                   "expected \"fused\": " + model_.name + " has no experts");
        }
    }

    void experts(const MoeSpec& moe) {
        const ParallelSpec& parallel = pool_.parallel;
        const std::int64_t ranks = parallel.tensor * parallel.data;
        if (ranks % parallel.expert != 0) {
            refuse(PoolTable::parallel, "expert", number(parallel.expert),
                   "expected 1 or a divisor of tensor x data = " + number(ranks));
            return;
        }
        spread(moe);
        const std::int64_t slices = ranks / parallel.expert;
        if (moe.ffn % slices != 0) {
            refuse(PoolTable::parallel, "expert", number(parallel.expert),
                   "each expert would be cut into tensor x data / expert = " + number(slices) +
                       " slices: expected a divisor of its " + number(moe.ffn) + " columns");
        }
        if (uses_deepep(pool_.runtime.moe) && slices > 1) {
            refuse(PoolTable::runtime, "moe", "a DeepEP mode",
                   "expected \"fused\": DeepEP sends tokens to whole experts, and here each is cut into " +
                       number(slices) + " slices; set parallel.expert = " + number(ranks));
        }
    }

    /// Whole experts, redundant ones included, in equal shares.
    void spread(const MoeSpec& moe) {
        const ParallelSpec& parallel = pool_.parallel;
        const std::int64_t physical = moe.experts + parallel.redundant_experts;
        if (physical % parallel.expert == 0) return;
        if (parallel.redundant_experts == 0) {
            refuse(PoolTable::parallel, "expert", number(parallel.expert),
                   "expected a divisor of the " + number(moe.experts) + " experts of " + model_.name);
            return;
        }
        refuse(PoolTable::parallel, "redundant_experts", number(parallel.redundant_experts),
               "with the " + number(moe.experts) + " experts of " + model_.name + " there are " + number(physical) +
                   ": expected a multiple of expert = " + number(parallel.expert));
    }

    void batching() {
        const BatchingSpec& batching = pool_.batching;
        const std::int64_t budget = batching.max_batched_tokens.value;
        if (budget < batching.max_sequences) {
            refuse(PoolTable::batching, "max_batched_tokens", number(budget),
                   "expected at least max_sequences = " + number(batching.max_sequences) +
                       ", one token for each running sequence");
        }
        if (!batching.chunked_prefill && budget < pool_.max_context.value) {
            refuse(PoolTable::batching, "chunked_prefill", "false",
                   "a prompt must fit into one step: expected max_batched_tokens = " + number(budget) +
                       " to be at least max_context = " + number(pool_.max_context.value) +
                       "; raise the one, lower the other or chunk");
        }
        if (!batching.chunked_prefill && batching.long_prefill_threshold.value > 0) {
            refuse(PoolTable::batching, "long_prefill_threshold", number(batching.long_prefill_threshold.value),
                   "expected 0 where chunked_prefill is false");
        }
    }

    /// LightLLM counts KV in tokens, and its admission looks at one stage only.
    void lightllm() {
        if (pool_.batching.policy != BatchPolicyKind::lightllm) return;
        if (pool_.kv.block != Tokens(1)) {
            refuse(PoolTable::kv, "block_tokens", number(pool_.kv.block.value),
                   "expected 1 with batching.policy = \"lightllm\"");
        }
        if (pool_.parallel.pipeline != 1) {
            refuse(PoolTable::parallel, "pipeline", number(pool_.parallel.pipeline),
                   "expected 1 with batching.policy = \"lightllm\"");
        }
    }

    /// The other policies take every prompt whole; a router cannot weigh what no cache holds.
    void prefix_cache() {
        if (pool_.kv.prefix_caching && pool_.batching.policy != BatchPolicyKind::vllm_v1) {
            refuse(PoolTable::kv, "prefix_caching", "true", "expected false unless batching.policy = \"vllm_v1\"");
        }
        if (pool_.kv.host.value > 0 && pool_.kv.host_bytes_per_s == 0 && pool_.gpu.pcie_bytes_per_s == 0) {
            refuse(PoolTable::kv, "host_gigabytes_per_s", "absent",
                   "expected a number above 0: the PCIe bandwidth of gpu " + pool_.gpu.name + " is 0");
        }
        if (pool_.router != RouterKind::prefix_aware) return;
        if (pool_.role == PoolRole::decode) {
            refuse(PoolTable::pool, "router", "\"prefix_aware\"",
                   "expected another router: a decode pool computes no prompts");
        } else if (!pool_.kv.prefix_caching) {
            refuse(PoolTable::pool, "router", "\"prefix_aware\"", "expected kv.prefix_caching = true with it");
        }
    }

    void context() {
        if (pool_.max_context <= Tokens(model_.max_context)) return;
        refuse(PoolTable::pool, "max_context", number(pool_.max_context.value),
               "expected at most " + number(model_.max_context) + ", the context of " + model_.name);
    }

    void kv() {
        if (!pool_.kv.flashmla) return;
        if (model_.attention.kind != AttentionKind::mla || pool_.kv.dtype != DataType::fp8) {
            refuse(PoolTable::kv, "flashmla", "true",
                   "expected false: the layout is of multi-head latent attention with dtype = \"fp8\"");
        }
    }

    void runtime() {
        const RuntimeSpec& spec = pool_.runtime;
        if (spec.draft_layers > model_.mtp_layers) {
            refuse(PoolTable::runtime, "draft_layers", number(spec.draft_layers),
                   "expected at most " + number(model_.mtp_layers) + ", the multi-token-prediction layers of " +
                       model_.name);
        }
        if (spec.attention == AttentionBackend::flashinfer && model_.attention.kind == AttentionKind::mla) {
            refuse(PoolTable::runtime, "attention", "\"flashinfer\"",
                   "expected \"flash_attention\": the prefill plan is of grouped-query attention, and " + model_.name +
                       " has latent attention");
        }
    }

    const PoolSpec& pool_;
    const ModelSpec& model_;
    std::vector<PoolProblem> problems_;
};

TableReader& reader(PoolTable table, PoolTables& tables) {
    switch (table) {
        case PoolTable::parallel: return tables.parallel;
        case PoolTable::batching: return tables.batching;
        case PoolTable::kv: return tables.kv;
        case PoolTable::runtime: return tables.runtime;
        case PoolTable::afd: return tables.afd;
        case PoolTable::pool: break;
    }
    return tables.pool;
}

}  // namespace

std::vector<PoolProblem> pool_problems(const PoolSpec& pool, const ModelSpec& model) {
    return PoolCheck(pool, model).run();
}

void check_pool(const PoolSpec& pool, const ModelSpec& model, PoolTables tables) {
    for (const PoolProblem& problem : pool_problems(pool, model)) {
        reader(problem.table, tables).refuse(problem.key, problem.value, problem.text);
    }
}

}  // namespace replayd
