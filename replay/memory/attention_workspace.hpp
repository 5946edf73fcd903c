#pragma once
// Size of the workspace that a FlashInfer FA2 batch-prefill plan needs, from the plan's inputs on the host.
// Source: flashinfer-ai/flashinfer at fb28d7242, include/flashinfer/attention/scheduler.cuh and utils.cuh; tags 0.2.0
// to 0.6.17 compared. FA3 and other backends need no float workspace.

#include <cstdint>
#include <span>

#include "replay/base/error.hpp"
#include "replay/base/units.hpp"

namespace replayd {

/// How the rows of a tile are chosen; the name is the first FlashInfer version with the rule.
enum class TileRule {
    v020,   ///< 0.2.0 to 0.6.13
    v0614,  ///< 0.6.14 to 0.6.17: heads of 512 and more get tiles of 16 or 32
    head,   ///< as v0614, and 16 rows where only the query-key head is that wide
};

struct WorkspaceInput {
    std::span<const std::int64_t> q_rows;    ///< query rows of each request
    std::span<const std::int64_t> kv_pages;  ///< KV pages of each request, as many as q_rows
    std::int64_t q_heads = 0;                ///< on this rank; a multiple of kv_heads
    std::int64_t kv_heads = 0;
    std::int64_t head_dim_qk = 0;
    std::int64_t head_dim_vo = 0;
    std::int64_t page_tokens = 1;
    std::int64_t sm_count = 0;
    bool graph = false;                ///< planning for a CUDA graph, at capture or replay
    std::int64_t graph_rows_max = 0;   ///< graph only: rows at the first plan; more are refused
    std::int64_t window = -1;          ///< sliding window to the left; -1: none
    std::int64_t fixed_chunk_pages = 0;  ///< above 0: no search (0.4.0 and later)
    std::int64_t uniform_q_rows = 0;   ///< graph only, above 0: every request has so many rows (0.6.16 and later)
    std::int64_t colocated_ctas = 0;   ///< thread blocks that another kernel takes (0.5.3 and later)
    bool split_disabled = false;       ///< one chunk per request (0.4.0 and later)
    TileRule rule = TileRule::v020;
    bool before_sm80 = false;          ///< compute capability 7.x never has tiles of 16
    std::int64_t kv_value_bytes = 2;   ///< TileRule::head: of one key or value
    std::int64_t shared_memory_max = 0;  ///< TileRule::head: bytes that a thread block may use; 0: never too few
};

struct WorkspacePlan {
    std::int64_t tile = 0;         ///< query rows, heads folded in, per thread block
    std::int64_t batch_max = 0;    ///< work items that the GPU holds at once
    std::int64_t chunk_pages = 0;
    bool split = false;            ///< partial results are merged, which is what needs the float workspace
    std::int64_t work_items = 0;
    std::int64_t padded_items = 0;
    Bytes float_bytes{0};
    Bytes int_bytes{0};            ///< a separate, fixed buffer: growing the float one never cures it
};

/// Rows of a tile for an average of `packed_rows` rows (heads folded in).
[[nodiscard]] std::int64_t tile_rows(std::int64_t packed_rows, std::int64_t head_dim_qk, std::int64_t head_dim_vo,
                                     TileRule rule, bool before_sm80);

/// The plan; no requests give an empty plan of 0 bytes. Error `invalid_argument` names the input at fault: heads that
/// do not divide, negative lengths, more rows than at capture, or more work items than a graph is padded for.
[[nodiscard]] Result<WorkspacePlan> plan_workspace(const WorkspaceInput& input);

}  // namespace replayd
