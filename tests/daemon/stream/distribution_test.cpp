// Distributions of finished requests: vLLM's edges, the scenario's objectives among them, what is observed of a
// request.

#include "daemon/stream/distribution.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "replay/catalog/scenario.hpp"

namespace replayd::stream {
namespace {

std::int64_t total(const Distribution& distribution) {
    return std::accumulate(distribution.counts.begin(), distribution.counts.end(), std::int64_t{0});
}

TEST(RequestDistributions, objectives_are_edges_once) {
    Scenario scenario;
    scenario.slo.ttft = Duration(2 * k_ns_per_s);        // between two of vLLM's edges
    scenario.slo.tpot = Duration(50 * k_ns_per_ms);      // one of them
    const RequestDistributions with(&scenario);
    const RequestDistributions without(nullptr);
    EXPECT_EQ(with.ttft.edges.size(), without.ttft.edges.size() + 1);
    EXPECT_EQ(std::count(with.ttft.edges.begin(), with.ttft.edges.end(), 2.0), 1);
    EXPECT_TRUE(std::is_sorted(with.ttft.edges.begin(), with.ttft.edges.end()));
    EXPECT_EQ(with.tpot.edges, without.tpot.edges);
}

// Token edges are vLLM's 1-2-5 series, up to the longest context of the scenario.
TEST(RequestDistributions, token_edges_end_at_the_context) {
    Scenario scenario;
    scenario.pools.resize(1);
    scenario.pools[0].max_context = Tokens(60);
    EXPECT_EQ(RequestDistributions(&scenario).prompt_tokens.edges, (std::vector<double>{1, 2, 5, 10, 20, 50}));
}

TEST(RequestDistributions, a_request_counts_once_and_its_gaps_each) {
    RequestRecord record;
    record.prompt = Tokens(7);
    record.output = Tokens(5);
    record.scheduled = VirtualTime(1 * k_ns_per_s);
    record.first_token = VirtualTime(3 * k_ns_per_s);
    record.finished = VirtualTime(7 * k_ns_per_s);
    RequestDistributions requests(nullptr);
    requests.observe(record);
    EXPECT_EQ(total(requests.ttft), 1);
    EXPECT_EQ(total(requests.inter_token), 4);
    EXPECT_DOUBLE_EQ(requests.inter_token.sum, 4);
    EXPECT_DOUBLE_EQ(requests.queue.sum + requests.prefill.sum + requests.decode.sum, requests.e2e.sum);
    EXPECT_DOUBLE_EQ(requests.inference.sum, 6);
    EXPECT_DOUBLE_EQ(requests.output_tokens.sum, 5);
}

TEST(RequestDistributions, a_single_token_has_no_gap_and_a_rejected_request_nothing) {
    RequestRecord record;
    record.output = Tokens(1);
    RequestDistributions requests(nullptr);
    requests.observe(record);
    record.outcome = Outcome::rejected;
    requests.observe(record);
    EXPECT_EQ(total(requests.ttft), 1);
    EXPECT_EQ(total(requests.tpot), 0);
    EXPECT_EQ(total(requests.inter_token), 0);
}

}  // namespace
}  // namespace replayd::stream
