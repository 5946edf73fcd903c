#pragma once
// What one step of a replica costs. The engine asks `step` in its hot loop; `explain` is for people.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/base/units.hpp"
#include "replay/catalog/scenario.hpp"

namespace replayd {

/// Tokens of one tile of keys and values, the granule in which attention kernels read computed context: the page of
/// FlashMLA, and the step in which vidur looks prefill attention up.
inline constexpr std::int64_t k_kv_tile_tokens = 64;

/// The work of one step, summed over its sequences.
struct StepShape {
    std::int64_t prefill_tokens = 0;     ///< new prompt (or recomputed) tokens
    std::int64_t prefill_sequences = 0;  ///< sequences that contribute them
    /// Query-key pairs of those tokens: for a chunk of n tokens after c computed ones n·c + n·(n+1)/2.
    std::int64_t prefill_pairs = 0;
    std::int64_t prefill_context = 0;    ///< Σ (c + n): key/value tokens read by the prefill sequences
    std::int64_t decode_sequences = 0;   ///< one token each, and drafts
    std::int64_t decode_context = 0;     ///< Σ context length, the new token included
    /// Rows of the LM head: sequences that produce an output token, and drafts that are verified.
    std::int64_t sampled_sequences = 0;
    std::int64_t prefill_squares = 0;     ///< Σ n²: attention of the chunks among themselves grows with it
    std::int64_t draft_tokens = 0;       ///< that the decoding sequences verify beside their token
    std::int64_t draft_pairs = 0;        ///< query-key pairs of those
    std::int64_t prefill_past_tiles = 0;  ///< Σ ⌈c / k_kv_tile_tokens⌉: tiles of computed context that chunks read

    StepShape& operator+=(const StepShape& other) {
        prefill_tokens += other.prefill_tokens;
        prefill_sequences += other.prefill_sequences;
        prefill_pairs += other.prefill_pairs;
        prefill_context += other.prefill_context;
        decode_sequences += other.decode_sequences;
        decode_context += other.decode_context;
        sampled_sequences += other.sampled_sequences;
        prefill_squares += other.prefill_squares;
        prefill_past_tiles += other.prefill_past_tiles;
        draft_tokens += other.draft_tokens;
        draft_pairs += other.draft_pairs;
        return *this;
    }
    bool operator==(const StepShape&) const = default;
};

/// One operator of a step on one GPU of the slowest rank.
struct OperatorCost {
    std::string name;        ///< e.g. "attention.decode"
    std::int64_t count = 0;  ///< how often it runs in the step (layers)
    Duration fixed{0};       ///< per run: launches, latency
    Duration compute{0};     ///< per run: FLOPs / achievable rate
    Duration memory{0};      ///< per run: bytes / achievable bandwidth
    Duration hidden{0};      ///< of all runs: what passes while other operators of the step compute
    Duration total{0};       ///< count × (fixed + max(compute, memory)) − hidden
    double flops = 0;        ///< per run
    double bytes = 0;        ///< per run: HBM or network
    std::string provenance;  ///< "law h100_sxm/vllm scaled to h200_sxm", "analytic", "linear", …; never blank
};

class CostModel {
public:
    virtual ~CostModel() = default;

    /// Pipeline stages of the pool; `stages()` == ParallelSpec::pipeline.
    [[nodiscard]] virtual std::int64_t stages() const = 0;

    /// Time of each pipeline stage for this step, > 0 for a shape with work; `out.size()` == stages().
    /// Monotone: more work never costs less. Pure, allocates nothing, any thread.
    virtual void step(const StepShape& shape, std::span<Duration> out) const = 0;

    /// What the tokens of one request would cost without others in the step, stage by stage: never more than any step
    /// that holds them among others. A monotone `step` says just that; a model whose `step` is not (a table looked up
    /// by the mean of a batch) answers with a lower bound. The latency ledger asks it, not the step loop.
    virtual void alone(const StepShape& shape, std::span<Duration> out) const { step(shape, out); }
    /// Whether `alone` is `step`: who knows the one need not ask for the other. A model with its own `alone` says no.
    [[nodiscard]] virtual bool alone_is_step() const { return true; }

    /// Times of consecutive steps that repeat `shape`, which only decodes, on a pool of one stage: out[k] is that of
    /// the step whose contexts have grown by k + 1 tokens each. Equal to `step` for every one of them; models that
    /// can tell what changes from step to step answer many at a fraction of the cost.
    virtual void next_decode_steps(const StepShape& shape, std::span<Duration> out) const;

    /// Operators of the step in execution order. Their totals sum to the sum over stages of `step`.
    [[nodiscard]] virtual std::vector<OperatorCost> explain(const StepShape& shape) const = 0;
};

/// Whether make_cost_model() makes an afd::AfdCost of the pool.
[[nodiscard]] bool is_priced_as_afd(const Scenario& scenario, const PoolSpec& pool);

/// The cost model of one pool, composed once per scenario. Error `invalid_argument` for combinations that
/// no operator supports.
[[nodiscard]] Result<std::unique_ptr<const CostModel>> make_cost_model(const Scenario& scenario, const PoolSpec& pool);

}  // namespace replayd
