// Micro-batches of attention/FFN disaggregation: the edge cases of the review, one claim each.

#include "replay/cost/afd/stage_split.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace replayd::afd {
namespace {

StepShape decodes(std::int64_t sequences, std::int64_t context) {
    StepShape shape;
    shape.decode_sequences = shape.sampled_sequences = sequences;
    shape.decode_context = context;
    return shape;
}

StepShape prompts(std::int64_t sequences, std::int64_t tokens_each) {
    StepShape shape;
    shape.prefill_sequences = shape.sampled_sequences = sequences;
    shape.prefill_tokens = shape.prefill_context = sequences * tokens_each;
    shape.prefill_pairs = sequences * tokens_each * (tokens_each + 1) / 2;
    shape.prefill_squares = sequences * tokens_each * tokens_each;
    return shape;
}

std::vector<std::int64_t> sizes(std::int64_t requests, std::int64_t stages) {
    std::vector<std::int64_t> out;
    for (std::int64_t i = 0; i < stages; ++i) out.push_back(requests_of_stage(requests, stages, i));
    return out;
}

using Sizes = std::vector<std::int64_t>;

TEST(AfdStageSplit, no_request_fills_no_stage) {
    EXPECT_EQ(sizes(0, 3), (Sizes{0, 0, 0}));
    EXPECT_EQ(effective_stages(3, 0), 0);
}

TEST(AfdStageSplit, one_request_leaves_the_other_stages_empty) {
    EXPECT_EQ(sizes(1, 3), (Sizes{1, 0, 0}));
    EXPECT_EQ(effective_stages(3, 1), 1);
}

TEST(AfdStageSplit, one_request_less_than_stages_leaves_the_last_one_empty) {
    EXPECT_EQ(sizes(2, 3), (Sizes{1, 1, 0}));
    EXPECT_EQ(effective_stages(3, 2), 2);
}

TEST(AfdStageSplit, as_many_requests_as_stages_are_one_each) {
    EXPECT_EQ(sizes(3, 3), (Sizes{1, 1, 1}));
}

TEST(AfdStageSplit, one_request_more_than_stages_goes_to_the_first) {
    EXPECT_EQ(sizes(4, 3), (Sizes{2, 1, 1}));
}

TEST(AfdStageSplit, one_stage_holds_everything) {
    EXPECT_EQ(sizes(385, 1), (Sizes{385}));
}

TEST(AfdStageSplit, more_requests_than_stages_never_announce_more_than_configured) {
    EXPECT_EQ(effective_stages(3, 1'000), 3);
}

// Floor plus remainder as in the reference, not the ceiling: the remainder may be larger than one row.
TEST(AfdStageSplit, capacity_of_a_stage_is_the_quotient_plus_the_remainder) {
    EXPECT_EQ(stage_capacity(385, 3), 129);
    EXPECT_EQ(stage_capacity(386, 3), 130);
    EXPECT_EQ(stage_capacity(384, 3), 128);
    EXPECT_EQ(stage_capacity(2, 3), 2);
}

TEST(AfdStageSplit, every_split_fits_the_capacity_of_its_stages) {
    for (std::int64_t rows = 0; rows <= 400; ++rows) {
        for (std::int64_t stages = 1; stages <= 6; ++stages) {
            EXPECT_LE(requests_of_stage(rows, stages, 0), stage_capacity(rows, stages));
        }
    }
}

TEST(AfdStageSplit, rows_beyond_the_capacity_are_an_error_that_names_both) {
    EXPECT_TRUE(check_capacity(129, 2, 129));
    const auto refused = check_capacity(130, 2, 129);
    ASSERT_FALSE(refused);
    EXPECT_EQ(
        refused.error().message,
        "afd: stage 2 has 130 rows: expected at most 129, what its buffers hold; raise batching.max_sequences or lower "
        "afd.stages");
}

// The reference takes the maximum over the lengths of a stage before it looks whether there are any.
TEST(AfdStageSplit, a_stage_without_requests_is_padding) {
    EXPECT_TRUE(is_padding(shape_of_stage(decodes(2, 2'000), 3, 2)));
    EXPECT_FALSE(is_padding(shape_of_stage(decodes(2, 2'000), 3, 1)));
}

TEST(AfdStageSplit, a_stage_of_requests_without_tokens_is_padding) {
    StepShape stage;
    stage.prefill_sequences = 2;
    EXPECT_TRUE(is_padding(stage));
}

TEST(AfdStageSplit, a_padding_stage_still_sends_one_row) {
    EXPECT_EQ(sent_rows(StepShape{}, 512), 1);
}

TEST(AfdStageSplit, an_idle_attention_server_sends_a_row_for_every_stage) {
    for (std::int64_t stage = 0; stage < 3; ++stage) {
        EXPECT_EQ(sent_rows(shape_of_stage(StepShape{}, 3, stage), 0), 1);
    }
}

TEST(AfdStageSplit, rows_are_sent_padded_to_the_captured_graph) {
    EXPECT_EQ(sent_rows(decodes(129, 0), 512), 136);
    EXPECT_EQ(sent_rows(decodes(128, 0), 512), 128);
    EXPECT_EQ(sent_rows(decodes(513, 0), 512), 513);  // larger than any graph: eager
    EXPECT_EQ(sent_rows(decodes(129, 0), 0), 129);    // no graphs
}

TEST(AfdStageSplit, padding_to_the_graph_leaves_the_context_alone) {
    EXPECT_EQ(shape_of_stage(decodes(387, 387 * 1'000), 3, 0).decode_context, 129 * 1'000);
}

TEST(AfdStageSplit, with_announced_stages_messages_follow_the_effective_ones) {
    EXPECT_EQ(messages_per_step(61, effective_stages(3, 2)), 122);
}

TEST(AfdStageSplit, with_padding_every_stage_of_every_layer_is_a_message) {
    EXPECT_EQ(messages_per_step(61, 3), 183);
}

TEST(AfdStageSplit, prompts_are_cut_where_their_tokens_balance) {
    EXPECT_EQ(token_cuts(Sizes{100, 100, 100, 100, 100, 100}, 3), (Sizes{0, 2, 4, 6}));
    EXPECT_EQ(token_cuts(Sizes{300, 10, 10, 280}, 2), (Sizes{0, 1, 4}));
    EXPECT_EQ(token_cuts(Sizes{10, 10, 280, 300}, 2), (Sizes{0, 3, 4}));
}

TEST(AfdStageSplit, a_single_prompt_is_never_cut) {
    EXPECT_EQ(token_cuts(Sizes{4'096}, 3), (Sizes{0, 0, 1, 1}));
}

TEST(AfdStageSplit, prompts_without_tokens_are_cut_anywhere_but_inside_the_row) {
    EXPECT_EQ(token_cuts(Sizes{0, 0}, 2).back(), 2);
    EXPECT_EQ(token_cuts(Sizes{}, 2), (Sizes{0, 0, 0}));
}

// The sums of a step know a mean length only; with equal lengths that is no approximation.
TEST(AfdStageSplit, sums_are_cut_like_the_list_of_requests_they_stand_for) {
    constexpr unsigned k_seed = 5;
    SCOPED_TRACE(k_seed);
    std::mt19937 random(k_seed);
    for (int i = 0; i < 2'000; ++i) {
        const std::int64_t running = static_cast<std::int64_t>(random() % 40);
        const std::int64_t joining = 1 + static_cast<std::int64_t>(random() % 5);
        const std::int64_t length = 1 + static_cast<std::int64_t>(random() % 600);
        const std::int64_t stages = 1 + static_cast<std::int64_t>(random() % 5);
        Sizes tokens(static_cast<std::size_t>(running), 1);
        tokens.insert(tokens.end(), static_cast<std::size_t>(joining), length);
        const Sizes cuts = token_cuts(tokens, stages);
        StepShape rank = decodes(running, running * 500);
        rank += prompts(joining, length);
        for (std::int64_t stage = 0; stage < stages; ++stage) {
            const auto begin = tokens.begin() + cuts[static_cast<std::size_t>(stage)];
            const auto end = tokens.begin() + cuts[static_cast<std::size_t>(stage + 1)];
            ASSERT_EQ(rows_of(shape_of_stage(rank, stages, stage)), std::accumulate(begin, end, std::int64_t{0}))
                << running << " decodes, " << joining << " prompts of " << length << ", stage " << stage << " of "
                << stages;
        }
    }
}

TEST(AfdStageSplit, the_stages_of_a_step_add_up_to_it) {
    constexpr unsigned k_seed = 6;
    SCOPED_TRACE(k_seed);
    std::mt19937 random(k_seed);
    const auto below = [&](std::int64_t bound) {
        return static_cast<std::int64_t>(random() % static_cast<unsigned>(bound));
    };
    for (int i = 0; i < 2'000; ++i) {
        StepShape rank = decodes(below(500), 0);
        rank.decode_context = rank.decode_sequences * (1 + below(9'000)) + below(100);
        if (i % 2 == 0) rank += prompts(1 + below(6), 1 + below(3'000));
        if (rank.decode_sequences == 0) rank.decode_context = 0;
        const std::int64_t stages = 1 + below(6);
        StepShape sum;
        for (std::int64_t stage = 0; stage < stages; ++stage) sum += shape_of_stage(rank, stages, stage);
        ASSERT_EQ(sum, rank) << "case " << i;
    }
}

}  // namespace
}  // namespace replayd::afd
