// `replayctl afd-ratio` and `cost step` on an AFD pool, from outside.

#include <gtest/gtest.h>

#include <algorithm>

#include <boost/json.hpp>

#include "tests/daemon/replayctl/replayctl_process.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

json::object result_of(const std::vector<std::string>& arguments) {
    const Said said = run_replayctl(arguments);
    EXPECT_EQ(said.status, 0) << said.err;
    return said.status == 0 ? json::parse(said.out).as_object() : json::object{};
}

// Step-3 at 4K with 6,144 requests: the report's own deployment, 2A2F, is the best that fits and is on time.
TEST(AfdRatio, finds_the_published_number_of_servers_for_step_3) {
    const json::object result = result_of({"afd-ratio", "--scenario", "step-3-h100-afd", "--decode", "6144x4096",
                                           "--attention-servers", "4", "--ffn-servers", "3", "--json"});
    int best = 0;
    double most = 0;
    for (const json::value& point : result.at("items").as_array()) {
        const bool allowed = point.at("fits").as_bool() && point.at("on_time").as_bool();
        const double rate = point.at("tokens_per_gpu_s").to_number<double>();
        if (allowed) most = std::max(most, rate);
        if (!point.at("best").as_bool()) continue;
        ++best;
        EXPECT_TRUE(allowed);
        EXPECT_EQ(point.at("attention_servers"), 2);
        EXPECT_EQ(point.at("ffn_servers"), 2);
    }
    EXPECT_EQ(best, 1);
    EXPECT_EQ(result.at("items").as_array().size(), 12U);
    for (const json::value& point : result.at("items").as_array()) {
        if (point.at("best").as_bool()) {
            EXPECT_DOUBLE_EQ(point.at("tokens_per_gpu_s").to_number<double>(), most);
        }
    }
}

TEST(AfdRatio, says_what_is_wrong) {
    const Said no_pool = run_replayctl({"afd-ratio", "--scenario", "llama-3.1-8b-h100-pd", "--decode", "64x100"});
    EXPECT_EQ(no_pool.err, "replayctl: scenario \"llama-3.1-8b-h100-pd\" has no pool with [pool.afd]\n");
    const Said no_load = run_replayctl({"afd-ratio", "--scenario", "step-3-h100-afd", "--decode", "64"});
    EXPECT_EQ(no_load.err,
              "replayctl: --decode is \"64\": expected SEQUENCESxCONTEXT of one replica, e.g. 6144x4096, whole numbers "
              "up to 1,000,000,000\n");
}

// The operators of both roles sum to the step, and what transfers take is hidden or exposed.
TEST(AfdStep, operators_sum_to_the_step_and_the_network_is_taken_apart) {
    const json::object result = result_of({"cost", "step", "--scenario", "deepseek-v3-h800-afd", "--pool", "decode",
                                           "--decode", "128x2000", "--json"});
    const json::object& step = result.at("afd").as_object();
    std::int64_t sum = 0;
    for (const json::value& row : result.at("items").as_array()) sum += row.at("total_ns").to_number<std::int64_t>();
    EXPECT_EQ(sum, step.at("step_ns").to_number<std::int64_t>());
    EXPECT_EQ(step.at("hidden_network_ns").to_number<std::int64_t>() +
                  step.at("exposed_network_ns").to_number<std::int64_t>(),
              step.at("network_ns").to_number<std::int64_t>());
    EXPECT_EQ(step.at("stages"), 3);
    EXPECT_EQ(step.at("moe_layer").as_array().size(), 3U);
    EXPECT_FALSE(step.at("timeline").as_array().empty());
}

}  // namespace
}  // namespace replayd::ctl
