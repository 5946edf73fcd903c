#include "replay/memory/attention_workspace.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace replayd {
namespace {

constexpr std::int64_t k_blocks_per_sm = 2;
constexpr std::int64_t k_least_chunk_tokens = 128;
constexpr std::int64_t k_float_bytes = 4;
constexpr std::int64_t k_id_bytes = 4;
constexpr std::int64_t k_very_wide_head = 512;

std::string number(std::int64_t value) { return std::to_string(value); }

tl::unexpected<Error> wrong(const std::string& field, std::int64_t value, const std::string& expected) {
    return fail(Code::invalid_argument, "attention plan: " + field + " is " + number(value) + ": expected " + expected);
}

Result<void> check(const WorkspaceInput& in, std::int64_t rows) {
    if (in.q_rows.size() != in.kv_pages.size()) {
        return wrong("the number of kv_pages", static_cast<std::int64_t>(in.kv_pages.size()),
                     "as many as q_rows, " + number(static_cast<std::int64_t>(in.q_rows.size())));
    }
    if (in.kv_heads < 1) return wrong("kv_heads", in.kv_heads, "1 or more");
    if (in.q_heads < 1 || in.q_heads % in.kv_heads != 0) {
        return wrong("q_heads", in.q_heads, "a multiple of kv_heads = " + number(in.kv_heads));
    }
    if (in.page_tokens < 1) return wrong("page_tokens", in.page_tokens, "1 or more");
    for (std::size_t i = 0; i < in.q_rows.size(); ++i) {
        const std::string of = " of request " + std::to_string(i);
        if (in.q_rows[i] < 0) return wrong("q_rows" + of, in.q_rows[i], "0 or more");
        if (in.kv_pages[i] < 0) return wrong("kv_pages" + of, in.kv_pages[i], "0 or more");
    }
    if (in.graph && rows > in.graph_rows_max) {
        return wrong(
            "the sum of q_rows", rows,
            "at most the " + number(in.graph_rows_max) + " rows that the graph was captured with; capture again");
    }
    return {};
}

/// The search for the chunk length, over the tiles and visible pages of every request.
class ChunkSearch {
public:
    ChunkSearch(const WorkspaceInput& in, std::int64_t tile, std::int64_t batch_max) : batch_max_(batch_max) {
        const std::int64_t group = in.q_heads / in.kv_heads;
        for (std::size_t i = 0; i < in.q_rows.size(); ++i) {
            tiles_.push_back(ceil_div(in.q_rows[i] * group, tile));
            std::int64_t pages = in.kv_pages[i];
            if (in.window >= 0) pages = std::min(ceil_div(in.window + tile, in.page_tokens), pages);
            pages_.push_back(std::max<std::int64_t>(pages, 1));
            most_ = std::max(most_, pages_.back());
        }
    }

    /// Work items with chunks of `pages` pages.
    [[nodiscard]] std::int64_t items(std::int64_t pages) const {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < tiles_.size(); ++i) sum += tiles_[i] * ceil_div(pages_[i], pages);
        return sum;
    }

    /// The shortest chunk whose work items the GPU holds at once, or the longest if none does.
    [[nodiscard]] std::int64_t shortest(std::int64_t least) const {
        std::int64_t low = least;
        std::int64_t high = most_;
        while (low < high) {
            const std::int64_t middle = (low + high) / 2;
            if (items(middle) > batch_max_) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    [[nodiscard]] std::int64_t most() const { return most_; }

private:
    std::int64_t batch_max_;
    std::vector<std::int64_t> tiles_;
    std::vector<std::int64_t> pages_;
    std::int64_t most_ = 1;
};

/// The average length, heads folded in, that the tile is chosen for.
std::int64_t packed_average(const WorkspaceInput& in, std::int64_t rows) {
    const std::int64_t group = in.q_heads / in.kv_heads;
    const auto requests = static_cast<std::int64_t>(in.q_rows.size());
    if (!in.graph) return rows * group / requests;
    if (in.uniform_q_rows > 0) return in.uniform_q_rows * group;
    // A graph must serve any batch of its size: all requests but one may have a single row.
    return (in.graph_rows_max - requests + 1) * group;
}

/// A tile of 16 whose keys and values do not fit into shared memory becomes one of 64 (TileRule::head).
std::int64_t fitting_tile(const WorkspaceInput& in, std::int64_t tile) {
    constexpr std::int64_t k_small_tile = 16;
    constexpr std::int64_t k_query_bytes = 2;
    constexpr std::int64_t k_kv_rows = 16 * 4;
    if (in.rule != TileRule::head || tile != k_small_tile || in.shared_memory_max == 0) return tile;
    if (in.head_dim_qk >= k_very_wide_head || in.head_dim_vo >= k_very_wide_head) return tile;
    const std::int64_t need = k_small_tile * in.head_dim_qk * k_query_bytes +
                              (in.head_dim_qk + in.head_dim_vo) * k_kv_rows * in.kv_value_bytes;
    return need > in.shared_memory_max ? 64 : tile;
}

void choose_chunk(const WorkspaceInput& in, const ChunkSearch& search, WorkspacePlan& plan) {
    if (in.split_disabled) {
        plan.chunk_pages = search.most();
        plan.split = false;
    } else if (in.fixed_chunk_pages > 0) {
        plan.chunk_pages = in.fixed_chunk_pages;
        plan.split = plan.chunk_pages < search.most();
    } else {
        plan.chunk_pages = search.shortest(std::max<std::int64_t>(k_least_chunk_tokens / in.page_tokens, 1));
        plan.split = in.graph || plan.chunk_pages < search.most();
    }
    plan.work_items = search.items(plan.chunk_pages);
}

std::int64_t padded_items(const WorkspaceInput& in, const WorkspacePlan& plan) {
    if (!in.graph) return plan.work_items;
    const std::int64_t group = in.q_heads / in.kv_heads;
    const auto requests = static_cast<std::int64_t>(in.q_rows.size());
    const std::int64_t tiles = in.uniform_q_rows > 0 ? requests * ceil_div(in.uniform_q_rows * group, plan.tile)
                                                     : ceil_div(in.graph_rows_max * group, plan.tile) + requests - 1;
    return std::max(plan.batch_max, tiles);
}

/// A bump allocator that only counts.
class Bump {
public:
    void take(std::int64_t bytes, std::int64_t alignment = 16) {
        size_ = ceil_div(size_, alignment) * alignment + bytes;
    }
    [[nodiscard]] Bytes size() const { return Bytes(size_); }

private:
    std::int64_t size_ = 0;
};

Bytes float_bytes(const WorkspaceInput& in, const WorkspacePlan& plan) {
    Bump region;
    if (plan.split) {
        // The factor is all query heads, although the tile folds the heads of a group in already.
        region.take(k_float_bytes * in.q_heads * plan.padded_items * plan.tile * in.head_dim_vo);
        region.take(k_float_bytes * in.q_heads * plan.padded_items * plan.tile);
    }
    return region.size();
}

Bytes int_bytes(const WorkspaceInput& in, const WorkspacePlan& plan, std::int64_t rows) {
    Bump region;
    for (int array = 0; array < 3; ++array) region.take(k_id_bytes * plan.padded_items);
    region.take(k_id_bytes * (static_cast<std::int64_t>(in.q_rows.size()) + 1));
    region.take(k_id_bytes, 1);
    if (in.graph) region.take(k_id_bytes);
    if (plan.split) {
        region.take(k_id_bytes * ((in.graph ? in.graph_rows_max : rows) + 1));
        region.take(plan.padded_items);
    }
    return region.size();
}

}  // namespace

std::int64_t tile_rows(std::int64_t packed_rows, std::int64_t head_dim_qk, std::int64_t head_dim_vo, TileRule rule,
                       bool before_sm80) {
    constexpr std::int64_t k_wide_head = 256;
    if (rule != TileRule::v020 && head_dim_vo >= k_very_wide_head) return packed_rows <= 32 ? 16 : 32;
    if (rule == TileRule::head && head_dim_qk >= k_very_wide_head) return 16;
    if (packed_rows > 64 && head_dim_vo < k_wide_head) return 128;
    return packed_rows > 16 || before_sm80 ? 64 : 16;
}

Result<WorkspacePlan> plan_workspace(const WorkspaceInput& in) {
    const std::int64_t rows = std::accumulate(in.q_rows.begin(), in.q_rows.end(), std::int64_t{0});
    if (auto checked = check(in, rows); !checked) return tl::unexpected(checked.error());
    if (in.q_rows.empty()) return WorkspacePlan{};
    WorkspacePlan plan;
    plan.tile =
        fitting_tile(in, tile_rows(packed_average(in, rows), in.head_dim_qk, in.head_dim_vo, in.rule, in.before_sm80));
    plan.batch_max = std::max<std::int64_t>(0, k_blocks_per_sm * in.sm_count - in.colocated_ctas) / in.kv_heads;
    choose_chunk(in, ChunkSearch(in, plan.tile, plan.batch_max), plan);
    plan.padded_items = padded_items(in, plan);
    if (plan.work_items > plan.padded_items) {
        return wrong(
            "the number of work items", plan.work_items,
            "at most the " + number(plan.padded_items) + " that the graph is padded for; raise fixed_chunk_pages");
    }
    plan.float_bytes = float_bytes(in, plan);
    plan.int_bytes = int_bytes(in, plan, rows);
    return plan;
}

}  // namespace replayd
