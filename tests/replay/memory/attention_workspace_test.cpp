// Plans of the attention workspace against the worked vectors of the specification, and the engine's buffer policy.

#include "replay/memory/attention_workspace.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <sstream>
#include <tuple>
#include <vector>

#include "replay/memory/planned_workspace.hpp"
#include "replay/memory/workspace_buffer.hpp"
#include "tests/replay/memory/fixture.hpp"

namespace replayd {
namespace {

std::vector<std::int64_t> integers(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::int64_t> out;
    for (std::int64_t value = 0; in >> value;) out.push_back(value);
    return out;
}

std::vector<std::string> cells(const std::string& line) {
    std::istringstream in(line);
    std::vector<std::string> out;
    for (std::string cell; std::getline(in, cell, ',');) out.push_back(cell);
    return out;
}

/// A plan's inputs that own their spans.
struct Case {
    std::vector<std::int64_t> q;
    std::vector<std::int64_t> pages;
    WorkspaceInput input;

    Result<WorkspacePlan> plan() {
        input.q_rows = q;
        input.kv_pages = pages;
        return plan_workspace(input);
    }
};

Case make(std::vector<std::int64_t> q, std::vector<std::int64_t> pages, std::int64_t heads = 32, std::int64_t kv = 8,
          std::int64_t dim = 128, std::int64_t page = 64) {
    Case c{std::move(q), std::move(pages), {}};
    c.input.q_heads = heads;
    c.input.kv_heads = kv;
    c.input.head_dim_qk = c.input.head_dim_vo = dim;
    c.input.page_tokens = page;
    c.input.sm_count = 132;
    return c;
}

// Every public vector, to the byte: tile, batch, chunk, split, work items, padding, float and int region.
TEST(AttentionWorkspace, equals_the_golden_vectors) {
    const auto text = shared_text("golden_models/golden_attention_workspace.csv");
    if (!text) GTEST_SKIP() << "no vectors at " << shared_path("golden_models");
    std::istringstream in(*text);
    std::string line;
    std::getline(in, line);
    int rows = 0;
    for (; std::getline(in, line); ++rows) {
        const auto c = cells(line);
        const auto value = [&](std::size_t column) { return std::stoll(c.at(column)); };
        Case plan = make(integers(c[9]), integers(c[10]), value(2), value(3), value(4), value(5));
        plan.input.sm_count = value(1);
        plan.input.window = value(6);
        plan.input.graph = value(7) == 1;
        plan.input.graph_rows_max = value(8);
        const auto got = plan.plan();
        ASSERT_TRUE(got) << c[0] << got.error().message;
        EXPECT_EQ(got->tile, value(11)) << c[0];
        EXPECT_EQ(got->batch_max, value(12)) << c[0];
        EXPECT_EQ(got->chunk_pages, value(13)) << c[0];
        EXPECT_EQ(got->split, value(14) == 1) << c[0];
        EXPECT_EQ(got->work_items, value(15)) << c[0];
        EXPECT_EQ(got->padded_items, value(16)) << c[0];
        EXPECT_EQ(got->float_bytes.value, value(17)) << c[0];
        EXPECT_EQ(got->int_bytes.value, value(18)) << c[0];
    }
    std::cout << rows << " vectors\n";
    EXPECT_GE(rows, 150);
}

// The tile changes where the rule says: 16|17 and 64|65 packed rows, heads of 256 and 512.
TEST(AttentionWorkspace, changes_tiles_at_the_boundaries) {
    const auto tile = [](std::int64_t rows, std::int64_t qk, std::int64_t vo, TileRule rule) {
        return tile_rows(rows, qk, vo, rule, false);
    };
    EXPECT_EQ(tile(16, 128, 128, TileRule::v020), 16);
    EXPECT_EQ(tile(17, 128, 128, TileRule::v020), 64);
    EXPECT_EQ(tile(64, 128, 128, TileRule::v020), 64);
    EXPECT_EQ(tile(65, 128, 128, TileRule::v020), 128);
    EXPECT_EQ(tile(65, 255, 255, TileRule::v020), 128);
    EXPECT_EQ(tile(65, 256, 256, TileRule::v020), 64);
    EXPECT_EQ(tile(33, 512, 512, TileRule::v020), 64);
    EXPECT_EQ(tile(32, 512, 512, TileRule::v0614), 16);
    EXPECT_EQ(tile(33, 512, 512, TileRule::v0614), 32);
    EXPECT_EQ(tile(65, 511, 511, TileRule::v0614), 64);
    EXPECT_EQ(tile(65, 576, 128, TileRule::v0614), 128);
    EXPECT_EQ(tile(65, 576, 128, TileRule::head), 16);
    EXPECT_EQ(tile_rows(8, 128, 128, TileRule::v020, true), 64) << "compute capability 7.x never has 16";
}

// The newest rule leaves the smallest tile where a thread block's shared memory holds too little: 384-wide keys and
// values need 110,592 bytes, which a consumer GPU (99 KiB) lacks and an H100 (227 KiB) has.
TEST(AttentionWorkspace, leaves_small_tiles_that_do_not_fit) {
    Case wide = make({1}, {64}, 8, 8, 384);
    wide.input.rule = TileRule::head;
    wide.input.shared_memory_max = 227 * 1024;
    EXPECT_EQ(wide.plan().value().tile, 16);
    wide.input.shared_memory_max = 99 * 1024;
    EXPECT_EQ(wide.plan().value().tile, 64);
    wide.input.kv_value_bytes = 1;
    EXPECT_EQ(wide.plan().value().tile, 16) << "fp8 halves it";
    wide.input.kv_value_bytes = 2;
    wide.input.rule = TileRule::v0614;
    EXPECT_EQ(wide.plan().value().tile, 16);
}

/// The most that any batch of a graph of `rows` rows may need: every number of requests, by the planner itself.
Bytes worst_capture(const ModelSpec& model, const PoolSpec& pool, std::int64_t rows) {
    Bytes most{0};
    for (std::int64_t requests = 1; requests <= std::min(rows, pool.batching.max_sequences); ++requests) {
        std::vector<std::int64_t> q(static_cast<std::size_t>(requests), 1);
        q[0] = rows - requests + 1;
        const std::vector<std::int64_t> pages(q.size(), 64);
        WorkspaceInput input;
        input.q_rows = q;
        input.kv_pages = pages;
        input.q_heads = model.attention.q_heads / pool.parallel.tensor;
        input.kv_heads = ceil_div(model.attention.kv_heads, pool.parallel.tensor);
        input.head_dim_qk = input.head_dim_vo = model.attention.head_dim;
        input.page_tokens = pool.kv.block.value;
        input.sm_count = pool.gpu.sm_count;
        input.graph = true;
        input.graph_rows_max = rows;
        most = std::max(most, plan_workspace(input).value().float_bytes);
    }
    return most;
}

// The planner looks at a few batches of each captured size; no other batch needs more.
TEST(PlannedWorkspace, reserves_for_the_worst_batch_of_a_graph) {
    for (const auto& [name, sequences, tensor] : {std::tuple{"Llama-3.1-8B", 512, 1}, {"Llama-3.1-8B", 256, 4},
                                                  {"Qwen3-Next-80B-A3B", 512, 1}, {"Llama-3-70B", 64, 8}}) {
        const Scenario s = scenario_of(name, "H100-SXM",
                                       "parallel = { tensor = " + std::to_string(tensor) +
                                           " }\nbatching = { max_sequences = " + std::to_string(sequences) +
                                           " }\nruntime = { attention = 'flashinfer' }\n");
        for (const std::int64_t rows : {1, 17, 64, 96, 512}) {
            EXPECT_EQ(captured_need(s.model, s.pools[0], rows), worst_capture(s.model, s.pools[0], rows))
                << name << ' ' << sequences << ' ' << rows;
        }
    }
}

// No requests: no plan. An empty request counts as one chunk and no tile. Equal chunk and context: no split.
TEST(AttentionWorkspace, at_its_edges) {
    EXPECT_EQ(make({}, {}).plan().value().float_bytes, Bytes(0));
    EXPECT_EQ(make({1}, {0}).plan().value().work_items, 1);
    const WorkspacePlan whole = make({4096}, {64}).plan().value();
    EXPECT_FALSE(whole.split);
    EXPECT_EQ(whole.chunk_pages, 64);
    EXPECT_EQ(whole.float_bytes, Bytes(0));
    Case fixed = make({256}, {512});
    fixed.input.fixed_chunk_pages = 512;
    EXPECT_FALSE(fixed.plan().value().split);
    fixed.input.fixed_chunk_pages = 64;
    EXPECT_EQ(fixed.plan().value().work_items, 64);
    fixed.input.split_disabled = true;
    EXPECT_EQ(fixed.plan().value().work_items, 8);
    Case uniform = make({4, 4}, {64, 64});
    uniform.input.graph = true;
    uniform.input.graph_rows_max = 8;
    uniform.input.uniform_q_rows = 4;
    EXPECT_EQ(uniform.plan().value().tile, 16) << "4 rows x 4 heads of a group";
    Case pod = make({256}, {512});
    pod.input.colocated_ctas = 132;
    EXPECT_EQ(pod.plan().value().batch_max, 16);
}

// What cannot be planned is refused with the numbers.
TEST(AttentionWorkspace, refuses_what_it_cannot_plan) {
    const auto message = [](Case c) { return c.plan().error().message; };
    EXPECT_EQ(message(make({1}, {1}, 30, 8)), "attention plan: q_heads is 30: expected a multiple of kv_heads = 8");
    EXPECT_EQ(message(make({1}, {1}, 32, 0)), "attention plan: kv_heads is 0: expected 1 or more");
    EXPECT_EQ(message(make({1, -1}, {1, 1})), "attention plan: q_rows of request 1 is -1: expected 0 or more");
    EXPECT_EQ(message(make({1}, {-2})), "attention plan: kv_pages of request 0 is -2: expected 0 or more");
    EXPECT_EQ(message(make({1}, {})), "attention plan: the number of kv_pages is 0: expected as many as q_rows, 1");
    EXPECT_EQ(message(make({1}, {1}, 32, 8, 128, 0)), "attention plan: page_tokens is 0: expected 1 or more");
    Case replay = make({1025}, {64});
    replay.input.graph = true;
    replay.input.graph_rows_max = 1024;
    EXPECT_EQ(message(replay),
              "attention plan: the sum of q_rows is 1025: expected at most the 1024 rows that the graph was "
              "captured with; capture again");
    Case fixed = make({4096}, {512});
    fixed.input.graph = true;
    fixed.input.graph_rows_max = 4096;
    fixed.input.fixed_chunk_pages = 1;
    EXPECT_EQ(message(fixed),
              "attention plan: the number of work items is 65536: expected at most the 128 that the graph is "
              "padded for; raise fixed_chunk_pages");
}

// The buffer is the next power of two, never below the default; an exact power stays.
TEST(WorkspaceBuffer, is_allocated_in_powers_of_two) {
    EXPECT_EQ(workspace_allocation(Bytes(0)), Bytes(128LL << 20));
    EXPECT_EQ(workspace_allocation(Bytes(128LL << 20)), Bytes(128LL << 20));
    EXPECT_EQ(workspace_allocation(Bytes((128LL << 20) + 1)), Bytes(256LL << 20));
    EXPECT_EQ(workspace_allocation(Bytes(2'430'566'400)), Bytes(4096LL << 20));
    // Twenty graphs of 78.6 MiB: 2.5 GiB in a pool, 128 MiB shared.
    const std::vector<Bytes> needs(20, Bytes(82'427'904));
    EXPECT_EQ(retained_workspace(needs, false), Bytes(20 * (128LL << 20)));
    EXPECT_EQ(retained_workspace(needs, true), Bytes(128LL << 20));
    EXPECT_EQ(retained_workspace({}, false), Bytes(0));
}

// Ordinary prefill grows and plans again; a replay does neither and names the sizes.
TEST(WorkspaceBuffer, grows_outside_of_a_replay_only) {
    WorkspaceBuffer buffer;
    const Bytes small(100LL << 20);
    const Bytes large(200LL << 20);
    EXPECT_EQ(buffer.prepare(buffer.capacity(), WorkspaceBuffer::Phase::eager).value(), Bytes(0)) << "exactly full";
    EXPECT_EQ(buffer.prepare(small, WorkspaceBuffer::Phase::capture).value(), Bytes(0));
    EXPECT_EQ(buffer.prepare(small, WorkspaceBuffer::Phase::replay).value(), Bytes(0));
    const auto refused = buffer.prepare(large, WorkspaceBuffer::Phase::replay);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::failed_state);
    EXPECT_EQ(refused.error().message,
              "attention workspace: a captured graph needs 209715200 bytes, the buffer has 134217728 "
              "and the largest capture needed 104857600: a buffer cannot grow under a graph; capture "
              "the largest batch first");
    EXPECT_EQ(buffer.prepare(large, WorkspaceBuffer::Phase::eager).value(), Bytes(128LL << 20));
    EXPECT_EQ(buffer.capacity(), Bytes(256LL << 20));
    EXPECT_EQ(buffer.high_water(), large);
    EXPECT_EQ(buffer.captured(), small);
    EXPECT_FALSE(buffer.prepare(small + Bytes(1), WorkspaceBuffer::Phase::replay)) << "fits, but was never captured";
}

}  // namespace
}  // namespace replayd
