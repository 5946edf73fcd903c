// `replayctl plan` from outside: what-if settings, pools that do not fit, concurrency, pinned blocks, model files.

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/daemon/replayctl/replayctl_process.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

json::object first_pool(const Said& said) {
    return json::parse(said.out).at("items").as_array().at(0).at("pools").as_array().at(0).as_object();
}

constexpr const char* k_pair = "llama-3.1-8b-h100-pd";

// A setting changes the plan as if it stood in the file, and a wrong one is refused like one.
TEST(Plan, answers_what_if) {
    const Said plain = run_replayctl({"plan", "--scenario", k_pair, "--json"});
    const Said wider =
        run_replayctl({"plan", "--scenario", k_pair, "--json", "--what-if", "prefill.parallel.tensor=2"});
    ASSERT_EQ(wider.status, 0) << wider.err;
    EXPECT_GT(first_pool(wider).at("blocks").as_int64(), first_pool(plain).at("blocks").as_int64());
    const Said wrong = run_replayctl({"plan", "--scenario", k_pair, "--what-if", "prefill.parallel.tensor=3"});
    EXPECT_EQ(wrong.status, 2);
    EXPECT_NE(wrong.err.find("pool.parallel.tensor = 3: expected a divisor of the 32 query heads"), std::string::npos)
        << wrong.err;
    const Said none = run_replayctl({"plan", "--scenario", k_pair, "--what-if", "tensor"});
    EXPECT_EQ(none.status, 2);
    EXPECT_NE(none.err.find("override \"tensor\": expected KEY=VALUE, such as decode.parallel.tensor=4"),
              std::string::npos);
}

// A pool that does not fit still shows its table; every proposal, given back as --what-if, fits.
TEST(Plan, proposes_what_fits) {
    const std::vector<std::string> misfit = {"plan", "--scenario", "llama-3-70b-h200-mixed", "--json", "--what-if",
                                             "mixed.parallel.tensor=1"};
    const Said said = run_replayctl(misfit);
    EXPECT_EQ(said.status, 2);
    const json::object pool = first_pool(said);
    EXPECT_GT(pool.at("missing_bytes").as_int64(), 0);
    ASSERT_FALSE(pool.at("remedies").as_array().empty());
    for (const json::value& remedy : pool.at("remedies").as_array()) {
        std::vector<std::string> again = misfit;
        for (const json::value& setting : remedy.at("settings").as_array()) {
            again.insert(again.end(), {"--what-if", std::string(setting.as_string())});
        }
        const Said cured = run_replayctl(again);
        EXPECT_EQ(cured.status, 0) << json::serialize(remedy) << cured.err;
        EXPECT_EQ(first_pool(cured).at("blocks").as_int64(), remedy.at("blocks").as_int64());
    }
    const Said table =
        run_replayctl({"plan", "--scenario", "llama-3-70b-h200-mixed", "--what-if", "mixed.parallel.tensor=1"});
    EXPECT_NE(table.out.find("does not fit: 7.70 GiB are missing"), std::string::npos) << table.out;
    EXPECT_NE(table.out.find("fits with --what-if mixed.weights=fp8: "), std::string::npos) << table.out;
}

// Each line says whether it is physics, a habit of the engine or an assumption, those beside the budget too.
TEST(Plan, tells_the_basis_of_each_line) {
    const Said said = run_replayctl({"plan", "--scenario", k_pair, "--json"});
    const json::object pool = first_pool(said);
    EXPECT_EQ(pool.at("items").at(0).at("basis").as_string(), "physics");
    EXPECT_EQ(pool.at("items").as_array().back().at("basis").as_string(), "assumption");
    EXPECT_EQ(pool.at("outside").at(0).at("basis").as_string(), "assumption");
    const Said table = run_replayctl({"plan", "--scenario", k_pair});
    EXPECT_NE(table.out.find("  basis"), std::string::npos) << table.out;
    EXPECT_NE(table.out.find("  habit"), std::string::npos) << table.out;
}

// Lengths ask for the concurrency; a pinned count is compared with what fits and with the fraction that gives it.
TEST(Plan, tells_concurrency_and_pinned_blocks) {
    const Said said = run_replayctl({"plan", "--scenario", k_pair, "--json", "--prompt", "1000", "--output", "200",
                                     "--what-if", "pool.kv.num_blocks=4000"});
    ASSERT_EQ(said.status, 0) << said.err;
    const json::object pool = first_pool(said);
    EXPECT_EQ(pool.at("concurrency").at("blocks_per_request").as_int64(), 63);
    EXPECT_EQ(pool.at("concurrency").at("pool").as_int64(), 2 * (4000 / 63));
    EXPECT_EQ(pool.at("concurrency").at("binding").as_string(), "KV blocks");
    EXPECT_TRUE(pool.at("pinned").as_bool());
    EXPECT_GT(pool.at("pinned_fraction").as_double(), 0.3);
    EXPECT_LT(pool.at("pinned_fraction").as_double(), 0.32);
    EXPECT_GT(pool.at("margin_bytes").as_int64(), 0);
    EXPECT_EQ(pool.at("outside").as_array().size(), 2u);
    // The fraction, set instead of the count, gives the count.
    const std::string fraction = std::to_string(pool.at("pinned_fraction").as_double());
    const Said unpinned =
        run_replayctl({"plan", "--scenario", k_pair, "--json", "--what-if", "pool.kv.memory_fraction=" + fraction});
    ASSERT_EQ(unpinned.status, 0) << unpinned.err;
    EXPECT_EQ(first_pool(unpinned).at("blocks").as_int64(), 4000);
    const Said table = run_replayctl({"plan", "--scenario", k_pair, "--what-if", "pool.kv.num_blocks=4000"});
    EXPECT_NE(
        table.out.find(
            "pinned by kv.num_blocks, 24,203 fewer than the 28,203 that fit; memory_fraction 0.302971 would give them"),
        std::string::npos)
        << table.out;
}

}  // namespace
}  // namespace replayd::ctl
