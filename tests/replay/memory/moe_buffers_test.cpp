// Expert temporaries and DeepEP buffers against the worked tables of the MoE specification.

#include <gtest/gtest.h>

#include <vector>

#include "replay/memory/deepep_buffers.hpp"
#include "replay/memory/moe_temporaries.hpp"
#include "replay/memory/planned_moe.hpp"

namespace replayd {
namespace {

constexpr std::int64_t k_mib = 1 << 20;

MoeReceived received(std::int64_t tokens, DataType type) { return {tokens, 32, 8, 7168, 2048, type}; }

/// MiB, rounded to the nearest as the table prints them.
std::int64_t mib(Bytes bytes) { return (bytes.value + k_mib / 2) / k_mib; }

struct Row {
    std::int64_t tokens;
    std::int64_t expert_tokens;
    DataType type;
    bool masked;
    std::int64_t rows, input, upgate, down_in, down_out, peak;
};

// K = 7168, I = 2048, 32 local experts, 8 of them chosen by each token: the table of section 4, row by row.
TEST(MoeTemporaries, equal_the_worked_table) {
    const Row table[] = {
        {64, 16, DataType::bf16, true, 4096, 56, 32, 16, 56, 88},
        {64, 16, DataType::bf16, false, 4096, 56, 32, 16, 56, 88},
        {256, 64, DataType::bf16, true, 8192, 112, 64, 32, 112, 176},
        {256, 64, DataType::bf16, false, 4096, 56, 32, 16, 56, 88},
        {257, 64, DataType::bf16, true, 12288, 168, 96, 48, 168, 264},
        {8192, 2048, DataType::bf16, true, 262144, 3584, 2048, 1024, 3584, 5632},
        {8192, 2048, DataType::bf16, false, 65536, 896, 512, 256, 896, 1408},
        {8192, 2048, DataType::fp8, false, 65536, 462, 512, 132, 896, 1284},
    };
    for (const Row& row : table) {
        const MoeReceived r = received(row.tokens, row.type);
        const std::vector<std::int64_t> counts(32, row.expert_tokens);
        const MoeTemporaries t = row.masked ? masked_temporaries(r) : contiguous_temporaries(r, counts);
        EXPECT_EQ(t.rows, row.rows) << row.tokens;
        EXPECT_EQ(mib(t.input), row.input) << row.tokens;
        EXPECT_EQ(mib(t.upgate), row.upgate) << row.tokens;
        EXPECT_EQ(mib(t.down_input), row.down_in) << row.tokens;
        EXPECT_EQ(mib(t.down_output), row.down_out) << row.tokens;
        EXPECT_EQ(mib(t.peak), row.peak) << row.tokens;
    }
    const std::vector<std::int64_t> counts(32, 2048);
    EXPECT_EQ(mib(contiguous_temporaries(received(8192, DataType::fp8), counts).down_input_wide), 256);
}

// The peak is the most at one time, never the sum.
TEST(MoeTemporaries, peak_below_their_sum) {
    const MoeTemporaries t = masked_temporaries(received(256, DataType::bf16));
    EXPECT_LT(t.peak, t.received + t.input + t.upgate + t.down_input + t.down_output + t.gathered);
    EXPECT_EQ(t.peak, t.input + t.upgate);
}

// Ranks without tokens, experts without tokens, the threshold, and uneven counts.
TEST(MoeTemporaries, of_empty_ranks_and_uneven_experts) {
    EXPECT_EQ(hybrid_layout(0, 256), MoeLayout::none);
    EXPECT_EQ(hybrid_layout(256, 256), MoeLayout::masked);
    EXPECT_EQ(hybrid_layout(257, 256), MoeLayout::contiguous);
    EXPECT_EQ(masked_temporaries(received(0, DataType::bf16)).peak, Bytes(0));
    EXPECT_EQ(masked_temporaries(received(0, DataType::bf16)).layout, MoeLayout::none);
    const std::vector<std::int64_t> uneven = {0, 1, 128, 129};
    const MoeTemporaries t = contiguous_temporaries(received(200, DataType::bf16), uneven);
    EXPECT_EQ(t.rows, 0 + 128 + 128 + 256) << "an expert without tokens has no rows";
    EXPECT_EQ(t.indices, Bytes(512 * 4 + 200 * 8 * 8 + 2 * 32 * 4));
    // All choices lie on other ranks: no rows, but a result of zeros for each token.
    const std::vector<std::int64_t> none(32, 0);
    EXPECT_EQ(contiguous_temporaries(received(10, DataType::bf16), none).gathered, Bytes(10 * 7168 * 2));
}

// Low latency: 256 experts × 128 tokens are 32,768 rows however many ranks there are: 256 and 448 MiB.
TEST(MoeTemporaries, of_low_latency_do_not_depend_on_ranks) {
    for (const std::int64_t ranks : {8, 32, 64}) {
        MoeReceived r = received(0, DataType::fp8);
        r.local_experts = 256 / ranks;
        const MoeTemporaries t = low_latency_temporaries(r, ranks, 128);
        EXPECT_EQ(t.rows, 32'768);
        EXPECT_EQ(mib(t.upgate), 256);
        EXPECT_EQ(mib(t.down_output), 448);
        EXPECT_EQ(t.gathered, Bytes(0));
    }
}

struct LowLatencyRow {
    std::int64_t hidden, experts, tokens;
    double gib;
};

// The three sizes of section 6.5; the size goes to the next multiple even when aligned.
TEST(DeepEpBuffers, of_low_latency_equal_the_table) {
    const LowLatencyRow table[] = {{7168, 256, 128, 1.777}, {7168, 288, 128, 2.000}, {4096, 128, 64, 0.254}};
    for (const LowLatencyRow& row : table) {
        const Bytes bytes = low_latency_buffer(row.hidden, row.experts, row.tokens);
        EXPECT_NEAR(static_cast<double>(bytes.value) / static_cast<double>(1LL << 30), row.gib, 0.0005);
        EXPECT_EQ(bytes.value % 128, 0);
    }
    EXPECT_EQ(low_latency_buffer(7168, 256, 128), Bytes(2 * (2 * 477'102'080LL + 1024) + 128));
}

struct NormalRow {
    std::int64_t ranks, nvlink_mib, rdma_mib;
};

// 20 SMs, K = 7168: the four sizes of section 6.5.
TEST(DeepEpBuffers, of_normal_mode_equal_the_table) {
    for (const NormalRow& row : {NormalRow{8, 320, 0}, {16, 360, 88}, {32, 360, 160}, {64, 360, 320}}) {
        const NormalBuffers buffers = normal_buffers(7168, row.ranks);
        EXPECT_EQ(mib(buffers.nvlink), row.nvlink_mib) << row.ranks;
        EXPECT_EQ(mib(buffers.rdma), row.rdma_mib) << row.ranks;
    }
}

// Rounded to 64, 128 and multiples of 128; drafts multiply, tensor ranks share.
TEST(DeepEpBuffers, round_low_latency_tokens) {
    EXPECT_EQ(low_latency_tokens_max(1, 0, 1), 64);
    EXPECT_EQ(low_latency_tokens_max(64, 0, 1), 64);
    EXPECT_EQ(low_latency_tokens_max(65, 0, 1), 128);
    EXPECT_EQ(low_latency_tokens_max(129, 0, 1), 256);
    EXPECT_EQ(low_latency_tokens_max(128, 1, 1), 256);
    EXPECT_EQ(low_latency_tokens_max(256, 0, 4), 64);
}

// The distinct ranks of section 6.1: 8 choices of 256 experts reach 5.30, 6.52, 7.27 and 7.68 of 8 to 64 ranks.
TEST(ExpectedRows, follow_the_distinct_targets) {
    const std::pair<std::int64_t, double> table[] = {{8, 5.30}, {16, 6.52}, {32, 7.27}, {64, 7.68}};
    for (const auto& [ranks, targets] : table) {
        const std::int64_t rows = expected_rows(1'000'000, 256, 8, ranks);
        EXPECT_NEAR(static_cast<double>(rows * ranks) / 1e6, targets, 0.006) << ranks;
    }
    EXPECT_EQ(expected_rows(100, 256, 8, 1), 100);
}

}  // namespace
}  // namespace replayd
