// What a step of an AFD replica costs: published points of Step-3 from first principles, and the rules between roles.

#include "replay/cost/afd/afd_cost.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/replay/cost/cost_fixture.hpp"
#include "tests/replay/cost/equal_stages.hpp"

namespace replayd::afd {
namespace {

using cost_test::decode_step;
using cost_test::prefill_step;

/// Step-3 as its report deploys it: servers of 8 GPUs, DP attention, FFN servers with TP 8 inside and EP between them.
Scenario step3(std::int64_t attention_servers, std::int64_t ffn_servers, DataType kv,
               const std::string& gpu = "H100-SXM") {
    Scenario out = cost_test::scenario("Step-3", gpu, {.data = 8 * attention_servers});
    PoolSpec& pool = out.pools.front();
    pool.weights = DataType::fp8;
    pool.kv.dtype = kv;
    pool.max_context = Tokens(16'384);
    AfdSpec afd;
    afd.attention_servers = attention_servers;
    afd.ffn_servers = ffn_servers;
    afd.connector = AfdConnector::stepmesh;
    afd.latency = Duration(7'500);
    afd.wire = DataType::fp8;
    afd.ffn = {pool.gpu, 8, ffn_servers, 0};
    pool.afd = afd;
    return out;
}

std::unique_ptr<const AfdCost> cost_of(const Scenario& scenario) {
    auto made = AfdCost::make(scenario.model, scenario.pools.front());
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
}

std::vector<StepShape> alike(const AfdCost& cost, std::int64_t rows, std::int64_t context) {
    return std::vector<StepShape>(static_cast<std::size_t>(cost.ranks()), decode_step(rows, context));
}

double tokens_per_gpu_s(const Scenario& scenario, std::int64_t rows, std::int64_t context) {
    const auto cost = cost_of(scenario);
    const double batch = static_cast<double>(rows * cost->ranks());
    const double gpus = static_cast<double>(scenario.pools.front().gpus_per_replica());
    return batch / gpus / to_seconds(cost->step_of(alike(*cost, rows, context)));
}

// Step-3 report, table 8: three micro-batches, no speculation. It names the GPUs as "Hopper"; H100-SXM is priced.
TEST(Step3, two_attention_and_two_ffn_servers_reach_4039_tokens_per_gpu_and_second_within_10_percent) {
    EXPECT_NEAR(tokens_per_gpu_s(step3(2, 2, DataType::fp8), 384, 4'096) / 4'039, 1, 0.10);
}

TEST(Step3, three_and_two_servers_with_bf16_attention_reach_3321_within_10_percent) {
    EXPECT_NEAR(tokens_per_gpu_s(step3(3, 2, DataType::bf16), 252, 4'096) / 3'321, 1, 0.10);
}

TEST(Step3, four_and_two_servers_with_8k_of_context_reach_2643_within_10_percent) {
    EXPECT_NEAR(tokens_per_gpu_s(step3(4, 2, DataType::fp8), 192, 8'192) / 2'643, 1, 0.10);
}

// NVLink of half the width shows in the chain: the gathers no longer hide. What the H800 would give is a fact of the
// model.
TEST(Step3, on_h800_the_narrower_nvlink_costs_a_ninth) {
    const double h100 = tokens_per_gpu_s(step3(2, 2, DataType::fp8), 384, 4'096);
    EXPECT_NEAR(tokens_per_gpu_s(step3(2, 2, DataType::fp8, "H800"), 384, 4'096) / h100, 0.89, 0.02);
}

/// The operators that table 9 of the report times: core attention and the products before and after it.
double attention_layer_us(const std::string& gpu, std::int64_t context) {
    Scenario scenario = cost_test::scenario("Step-3", gpu);
    scenario.pools.front().weights = DataType::fp8;
    scenario.pools.front().max_context = Tokens(context);
    scenario.model.max_context = context;
    const auto model = cost_test::model_of(scenario);
    double sum = 0;
    for (const OperatorCost& op : model->explain(decode_step(64, context))) {
        if (op.name.starts_with("attention.") && op.name != "attention.norm") {
            sum += static_cast<double>(op.total.value) / static_cast<double>(op.count) / 1e3;
        }
    }
    return sum;
}

TEST(Step3, an_attention_layer_of_64_sequences_takes_what_table_9_says_within_10_percent) {
    EXPECT_NEAR(attention_layer_us("H800", 8'192) / 281, 1, 0.10);
    EXPECT_NEAR(attention_layer_us("H800", 32'768) / 791, 1, 0.10);
    EXPECT_NEAR(attention_layer_us("H20", 32'768) / 1'452, 1, 0.10);
}

// The products of H20 are priced with the H100's law scaled by peaks; they are too slow, and at 8K they count.
TEST(Step3, an_attention_layer_at_8k_on_h20_comes_out_a_fifth_above_table_9) {
    EXPECT_NEAR(attention_layer_us("H20", 8'192) / 438, 1.21, 0.02);
}

TEST(AfdCost, the_volume_of_a_stage_is_that_of_stepmeshs_table) {
    const Scenario scenario = step3(2, 2, DataType::fp8);
    // 128 rows of each GPU: one byte a value with scales and the experts' ids there, two bytes back, from 2 servers.
    const auto cost = cost_of(scenario);
    const StepView view = cost->view(alike(*cost, 384, 4'096));
    const double stages = static_cast<double>(view.messages);
    const double forward = static_cast<double>(view.forward_bytes) / stages;
    EXPECT_NEAR(forward, 2 * 128 * (7'168 + 4 * 7'168 / 128 + 3 * 8), 1);
    EXPECT_NEAR(static_cast<double>(view.return_bytes) / stages, 3.5 * (1 << 20), 1);
}

TEST(AfdCost, equal_stages_of_a_model_without_dense_layers_follow_the_closed_form) {
    Scenario scenario = step3(2, 2, DataType::fp8);
    scenario.model.moe->first_dense_layers = scenario.model.moe->last_dense_layers = 0;
    const auto cost = cost_of(scenario);
    const StepView view = cost->view(alike(*cost, 384, 4'096));
    ASSERT_EQ(view.announced, 3);
    EXPECT_EQ(view.total, view.head + equal_stages(view.experts.front(), 3, 61));
}

TEST(AfdCost, without_overlap_gather_ffn_and_reduce_are_one_resource) {
    Scenario scenario = step3(2, 2, DataType::fp8);
    scenario.model.moe->first_dense_layers = scenario.model.moe->last_dense_layers = 0;
    scenario.pools.front().afd->ffn_overlap = false;
    const auto cost = cost_of(scenario);
    const StepView view = cost->view(alike(*cost, 384, 4'096));
    const StageTimes& t = view.experts.front();
    const std::vector<Duration> chain = {t[k_attention], t[k_forward], t[k_gather] + t[k_ffn] + t[k_reduce],
                                         t[k_return]};
    EXPECT_EQ(view.total, view.head + equal_stages(chain, 3, 61));
}

TEST(AfdCost, more_attention_servers_leave_the_ffn_alone) {
    const auto two = cost_of(step3(2, 2, DataType::fp8));
    const auto four = cost_of(step3(4, 2, DataType::fp8));
    const StepView narrow = two->view(alike(*two, 384, 4'096));
    const StepView wide = four->view(alike(*four, 192, 4'096));
    EXPECT_EQ(narrow.rows, wide.rows);
    EXPECT_EQ(narrow.experts.front()[k_ffn], wide.experts.front()[k_ffn]);
    EXPECT_EQ(narrow.experts.front()[k_forward], wide.experts.front()[k_forward]);  // the FFN's cards are the busy ones
    EXPECT_LT(wide.experts.front()[k_attention], narrow.experts.front()[k_attention]);
}

TEST(AfdCost, the_slowest_attention_rank_holds_everyone) {
    const auto cost = cost_of(step3(2, 2, DataType::fp8));
    std::vector<StepShape> ranks = alike(*cost, 30, 1'000);
    const Duration even = cost->step_of(ranks);
    ranks[7] = decode_step(30, 15'000);
    const StepView uneven = cost->view(ranks);
    EXPECT_GT(uneven.total, even);
    std::vector<StepShape> all_long = alike(*cost, 30, 15'000);
    EXPECT_EQ(cost->step_of(all_long), uneven.total);
}

TEST(AfdCost, a_rank_left_out_is_an_idle_one) {
    const auto cost = cost_of(step3(2, 2, DataType::fp8));
    std::vector<StepShape> ranks(static_cast<std::size_t>(cost->ranks()));
    ranks[0] = decode_step(100, 2'000);
    EXPECT_EQ(cost->step_of(ranks), cost->step_of(std::span(ranks).first(1)));
    Duration alone{0};
    cost->step(ranks[0], std::span(&alone, 1));
    EXPECT_EQ(alone, cost->step_of(ranks));
}

// Every other server sends a row for each of its GPUs.
TEST(AfdCost, idle_ranks_send_padding) {
    const auto cost = cost_of(step3(2, 2, DataType::fp8));
    const std::vector<StepShape> ranks = {decode_step(3, 2'000)};
    EXPECT_EQ(cost->view(ranks).rows, (std::vector<std::int64_t>{16, 16, 16}));
}

TEST(AfdCost, fewer_requests_than_stages_announce_fewer_stages) {
    const auto cost = cost_of(step3(2, 2, DataType::fp8));
    const StepView view = cost->view(alike(*cost, 2, 1'000));
    EXPECT_EQ(view.announced, 2);
    EXPECT_EQ(view.messages, 2 * 61);
}

TEST(AfdCost, in_padding_mode_every_stage_is_sent) {
    Scenario scenario = step3(2, 2, DataType::fp8);
    scenario.pools.front().afd->empty_stages = AfdEmptyStages::pad;
    const auto cost = cost_of(scenario);
    const StepView view = cost->view(alike(*cost, 2, 1'000));
    EXPECT_EQ(view.announced, 3);
    EXPECT_EQ(view.messages, 3 * 61);
    EXPECT_EQ(view.rows, (std::vector<std::int64_t>{16, 16, 16}));
    EXPECT_LT(view.experts[2][k_attention], view.experts[0][k_attention]);  // no core attention without metadata
    const auto announcing = cost_of(step3(2, 2, DataType::fp8));
    EXPECT_GE(view.total, announcing->step_of(alike(*announcing, 2, 1'000)));
}

TEST(AfdCost, transfer_and_ffn_see_rows_padded_to_the_graph_and_attention_does_not) {
    const auto cost = cost_of(step3(2, 2, DataType::fp8));
    const StepView exact = cost->view(alike(*cost, 3 * 136, 1'000));
    const StepView padded = cost->view(alike(*cost, 3 * 129, 1'000));
    EXPECT_EQ(exact.rows, padded.rows);
    EXPECT_EQ(exact.experts[0][k_ffn], padded.experts[0][k_ffn]);
    EXPECT_EQ(exact.experts[0][k_forward], padded.experts[0][k_forward]);
    EXPECT_LT(padded.experts[0][k_attention], exact.experts[0][k_attention]);
}

TEST(AfdCost, the_dummy_connector_has_no_network) {
    Scenario scenario = step3(2, 2, DataType::fp8);
    scenario.pools.front().afd->connector = AfdConnector::dummy;
    const auto cost = cost_of(scenario);
    const StepView view = cost->view(alike(*cost, 384, 4'096));
    EXPECT_EQ(view.experts[0][k_forward], Duration(0));
    EXPECT_EQ(view.experts[0][k_return], Duration(0));
    EXPECT_EQ(view.exposed_network(), Duration(0));
}

TEST(AfdCost, kernels_of_a_connector_slow_the_computation_by_the_sms_they_take) {
    Scenario scenario = step3(2, 2, DataType::fp8);
    const auto rdma = cost_of(scenario);
    scenario.pools.front().afd->connector = AfdConnector::p2p;
    scenario.pools.front().afd->connector_sms = 33;
    const auto kernels = cost_of(scenario);
    const StepView free = rdma->view(alike(*rdma, 384, 4'096));
    const StepView taxed = kernels->view(alike(*kernels, 384, 4'096));
    EXPECT_EQ(taxed.experts[0][k_ffn].value, free.experts[0][k_ffn].value * 132 / 99);
    EXPECT_EQ(taxed.experts[0][k_return], free.experts[0][k_return]);
}

TEST(AfdCost, replicated_rows_need_no_gather_and_more_network) {
    Scenario scenario = step3(2, 2, DataType::fp8);
    scenario.pools.front().parallel = {.tensor = 8, .data = 2};
    const auto sliced = cost_of(scenario);
    scenario.pools.front().afd->ffn_input_replicated = true;
    const auto replicated = cost_of(scenario);
    const StepView a = sliced->view(alike(*sliced, 384, 1'000));
    const StepView b = replicated->view(alike(*replicated, 384, 1'000));
    EXPECT_GT(a.experts[0][k_gather], Duration(0));
    EXPECT_EQ(b.experts[0][k_gather], Duration(0));
    EXPECT_GT(b.experts[0][k_forward], a.experts[0][k_forward]);
}

TEST(AfdCost, a_partial_result_comes_from_every_ffn_server) {
    const auto one = cost_of(step3(2, 1, DataType::fp8));
    const auto two = cost_of(step3(2, 2, DataType::fp8));
    const auto bytes = [](const AfdCost& cost) { return cost.view(alike(cost, 384, 4'096)).return_bytes; };
    EXPECT_EQ(2 * bytes(*one), bytes(*two));
}

TEST(AfdCost, roles_may_have_different_gpus) {
    Scenario scenario = step3(2, 2, DataType::fp8);
    const auto same = cost_of(scenario);
    scenario.pools.front().afd->ffn.gpu = Catalog::built_in().gpu("H20").value();
    const auto mixed = cost_of(scenario);
    const StepView a = same->view(alike(*same, 384, 4'096));
    const StepView b = mixed->view(alike(*mixed, 384, 4'096));
    EXPECT_EQ(a.experts[0][k_attention], b.experts[0][k_attention]);
    EXPECT_GT(b.experts[0][k_ffn], a.experts[0][k_ffn]);
}

TEST(AfdCost, operators_sum_to_the_step_and_say_where_they_come_from) {
    const auto cost = cost_of(step3(2, 2, DataType::fp8));
    const std::vector<StepShape> ranks = alike(*cost, 384, 4'096);
    Duration sum{0};
    for (const OperatorCost& op : cost->explain(ranks)) {
        EXPECT_FALSE(op.provenance.empty()) << op.name;
        sum += op.total;
    }
    EXPECT_EQ(sum, cost->step_of(ranks));
}

TEST(AfdCost, the_timeline_of_a_layer_fits_into_the_step) {
    const auto cost = cost_of(step3(2, 2, DataType::fp8));
    const std::vector<StepShape> ranks = alike(*cost, 384, 4'096);
    const std::vector<Visit> visits = cost->timeline(ranks, 30, 2);
    ASSERT_EQ(visits.size(), 2 * 3 * std::size_t{k_resources});
    for (const Visit& visit : visits) EXPECT_LT(visit.end, cost->step_of(ranks));
}

// The ledger relies on it: what a request would cost alone is part of any step that holds it, whoever else is in there.
TEST(AfdCost, no_step_is_shorter_than_what_one_of_its_requests_costs_alone) {
    constexpr unsigned k_seed = 3;
    SCOPED_TRACE(k_seed);
    std::mt19937 random(k_seed);
    const auto below = [&](std::int64_t bound) {
        return static_cast<std::int64_t>(random() % static_cast<unsigned>(bound));
    };
    for (const AfdEmptyStages mode : {AfdEmptyStages::announce, AfdEmptyStages::pad}) {
        Scenario scenario = step3(2, 2, DataType::fp8);
        scenario.pools.front().afd->empty_stages = mode;
        const auto cost = cost_of(scenario);
        EXPECT_FALSE(cost->alone_is_step());
        for (int i = 0; i < 2'000; ++i) {
            std::vector<StepShape> ranks(1 + static_cast<std::size_t>(below(cost->ranks())));
            StepShape mine;
            for (StepShape& rank : ranks) {
                for (std::int64_t n = below(8); n > 0; --n) {
                    mine = below(6) == 0 ? prefill_step(1, 1 + below(3'000)) : decode_step(1, 1 + below(16'000));
                    rank += mine;
                }
            }
            if (rows_of(mine) == 0) continue;
            Duration alone{0};
            cost->alone(mine, std::span(&alone, 1));
            ASSERT_LE(alone, cost->step_of(ranks)) << "case " << i;
        }
    }
}

// A request below the mean context may make its rank's other stages look shorter: the sums do not say where the long
// ones are.
TEST(AfdCost, longer_contexts_or_requests_no_shorter_than_the_mean_never_cost_less) {
    constexpr unsigned k_seed = 4;
    SCOPED_TRACE(k_seed);
    std::mt19937 random(k_seed);
    const auto below = [&](std::int64_t bound) {
        return static_cast<std::int64_t>(random() % static_cast<unsigned>(bound));
    };
    const auto cost = cost_of(step3(2, 2, DataType::fp8));
    for (int i = 0; i < 2'000; ++i) {
        std::vector<StepShape> ranks(static_cast<std::size_t>(cost->ranks()));
        for (StepShape& rank : ranks) rank = decode_step(below(300), 1 + below(8'000));
        ranks[0] += decode_step(1, 1'000);
        const Duration before = cost->step_of(ranks);
        StepShape& grown = ranks[static_cast<std::size_t>(below(cost->ranks()))];
        const std::int64_t mean =
            grown.decode_sequences > 0 ? ceil_div(grown.decode_context, grown.decode_sequences) : 1;
        if (grown.decode_sequences > 0 && below(2) == 0) {
            grown.decode_context += 1 + below(4'000);
        } else {
            grown += decode_step(1, mean + below(4'000));
        }
        ASSERT_LE(before, cost->step_of(ranks)) << "case " << i;
    }
}

// Rows stay, contexts grow: idle ranks, ranks with fewer requests than stages, and both modes of empty stages.
TEST(AfdCost, next_decode_steps_equal_single_steps) {
    std::mt19937_64 random(17);
    const auto draw = [&](std::int64_t most) {
        return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most + 1));
    };
    for (const bool pad : {false, true}) {
        Scenario scenario = step3(2, 2, DataType::fp8);
        scenario.pools.front().afd->empty_stages = pad ? AfdEmptyStages::pad : AfdEmptyStages::announce;
        const auto cost = cost_of(scenario);
        for (int round = 0; round < 60; ++round) {
            std::vector<StepShape> ranks;
            for (std::int64_t i = draw(cost->ranks() - 1); i > 0; --i) {
                const std::int64_t sequences = draw(round % 2 == 0 ? 4 : 300);
                ranks.push_back(decode_step(sequences, 1 + draw(9'000)));
            }
            ranks.push_back(decode_step(1 + draw(20), 1 + draw(9'000)));
            std::vector<Duration> steps(static_cast<std::size_t>(1 + draw(40)));
            cost->next_decode_steps(ranks, steps);
            for (const Duration step : steps) {
                for (StepShape& rank : ranks) rank.decode_context += rank.decode_sequences;
                ASSERT_EQ(step.value, cost->step_of(ranks).value) << "round " << round;
            }
        }
    }
}

TEST(AfdCost, measured_profiles_cannot_price_two_roles) {
    Scenario scenario = step3(2, 2, DataType::fp8);
    scenario.cost = CostSource::profile;
    const auto refused = make_cost_model(scenario, scenario.pools.front());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message,
              "pool \"only\": cost.source is \"profile\": expected analytic or linear with [pool.afd], whose roles no "
              "profile tells "
              "apart");
}

}  // namespace
}  // namespace replayd::afd
