// /api/v1/searches: files of searches in a folder, as the daemon tells them.

#include <gtest/gtest.h>

#include <algorithm>

#include "harness.hpp"
#include "storage/search_store.hpp"
#include "tests/daemon/files/temporary_file.hpp"

namespace replayd::test {
namespace {

namespace json = boost::json;

/// Two axes of two: with gpus_max 3 replicas of 4 GPUs are too many.
constexpr const char* k_spec = R"(base = "test-mixed"
load = 2.0
gpus_max = 3
[objective]
ttft_p99_ms = 100
[price]
"H100-SXM" = 2.5
[[axis]]
key = "pool.batching.max_sequences"
values = [4, 64]
[[axis]]
key = "pool.replicas"
values = [1, 2]
)";

search::Measured served(std::int64_t gpus, std::int64_t ttft_ms) {
    search::Measured out;
    out.possible = true;
    out.gpus = gpus;
    out.price_per_hour = 2.5 * static_cast<double>(gpus);
    out.requests = out.finished = out.within_slo = 600;
    out.ttft_p99 = Duration(ttft_ms * 1'000'000);
    out.output_tokens = Tokens(60'000);
    out.span = Duration(60'000'000'000);
    out.hash = "h" + std::to_string(gpus);
    return out;
}

class SearchRoutes : public testing::Test {
protected:
    SearchRoutes() {
        auto store = storage::SearchStore::open(folder_.path("s.db"),
                                                {"abc", "0.1.0", k_spec, k_mixed_toml, "traces/t.jsonl", 600});
        EXPECT_TRUE(store);
        EXPECT_TRUE(store->add({0, 600}, "", served(1, 300)));
        EXPECT_TRUE(store->add({1, 600}, "", served(2, 80)));
        search::Measured impossible;
        impossible.reason = "4 GPUs: more than gpus_max = 3";
        EXPECT_TRUE(store->add({3, 600}, "", impossible));
        (void)folder_.holding("notes.txt", "nothing of ours");
    }

    files::TemporaryFolder folder_;
    TestDaemon daemon_{[this](config::DaemonConfig& config) { config.search_dirs = {folder_.path("")}; }};
};

TEST_F(SearchRoutes, list_the_searches_of_the_folder) {
    const json::value body = daemon_.get("/api/v1/searches").body;
    ASSERT_EQ(body.at("items").as_array().size(), 1U) << body;
    const json::value& item = body.at("items").at(0);
    EXPECT_EQ(item,
              json::parse(R"({"file":"s.db","id":"abc","base":"test-mixed","trace":"traces/t.jsonl","arrivals":600,
        "engine_version":"0.1.0","method":"grid",
        "objective":{"ttft_p99_ns":100000000,"tpot_p99_ns":null,"e2e_p99_ns":null,"attainment":null},
        "load":2E0,"candidates":4,"trials":3,"possible":2})"));
    EXPECT_EQ(body.at("troubles"), json::array());
    EXPECT_EQ(body.at("folders").as_array().size(), 1U);
}

TEST_F(SearchRoutes, tell_what_was_found_skipped_and_not_possible) {
    const json::value body = daemon_.get("/api/v1/searches/s.db/abc").body;
    EXPECT_EQ(body.at("tried"), 3) << body;
    EXPECT_EQ(body.at("skipped"), 1);
    EXPECT_EQ(body.at("ended"), false);  // a grid wants its fourth candidate
    EXPECT_EQ(body.at("gpus_max"), 3);
    const json::array& results = body.at("results").as_array();
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[0].at("candidate"), 1);  // the one that holds comes first
    EXPECT_EQ(results[0].at("holds"), true);
    EXPECT_EQ(results[0].at("settings"), json::parse(R"(["pool.batching.max_sequences=4","pool.replicas=2"])"));
    EXPECT_DOUBLE_EQ(results[0].at("output_tokens_per_s_per_gpu").as_double(), 500);
    EXPECT_EQ(results[0].at("front_throughput_ttft"), true);
    EXPECT_EQ(results[1].at("holds"), false);
    EXPECT_EQ(results[1].at("front_ttft"), true);
    EXPECT_EQ(body.at("not_possible"),
              json::parse(R"([{"reason":"4 GPUs: more than gpus_max = 3","count":1,"candidate":3,
                  "settings":["pool.batching.max_sequences=64","pool.replicas=2"]}])"));
    EXPECT_EQ(daemon_.get("/api/v1/searches/s.db/abc?limit=1").body.at("left_out"), 1);
}

// Without the price of each candidate it cannot be told what `cheapest` wants next; once it has tried all, it has
// ended.
TEST_F(SearchRoutes, tell_that_cheapest_has_ended_once_nothing_is_untried) {
    const std::string spec = std::string(k_spec) + "[method]\nkind = \"cheapest\"\n";
    auto store =
        storage::SearchStore::open(folder_.path("c.db"), {"def", "0.1.0", spec, k_mixed_toml, "traces/t.jsonl", 600});
    ASSERT_TRUE(store) << store.error().message;
    const auto ended = [&] { return daemon_.get("/api/v1/searches/c.db/def").body.at("ended"); };
    for (const std::int64_t candidate : {0, 1, 2}) {
        ASSERT_TRUE(store->add({candidate, 600}, "", served(candidate + 1, 300)));
    }
    EXPECT_TRUE(ended().is_null());
    ASSERT_TRUE(store->add({3, 600}, "", served(4, 200)));
    EXPECT_EQ(ended(), true);  // none holds
}

// The text of a candidate is a scenario that the daemon takes, with what the candidate sets.
TEST_F(SearchRoutes, hand_out_a_candidate_as_a_scenario) {
    const HttpAnswer answer = daemon_.get("/api/v1/searches/s.db/abc/candidates/1");
    ASSERT_EQ(answer.status, 200U) << answer.body;
    EXPECT_EQ(answer.text("scenario"), "test-mixed-c1");
    const HttpAnswer added = daemon_.post("/api/v1/scenarios", answer.text("toml"), "application/toml");
    ASSERT_EQ(added.status, 201U) << added.body;
    EXPECT_EQ(added.text("name"), "test-mixed-c1");
    EXPECT_EQ(added.body.at("gpus"), 2) << added.body;
}

TEST_F(SearchRoutes, answer_sql_on_a_file) {
    const auto ask = [&](const std::string& sql) {
        return daemon_.post("/api/v1/query", json::serialize(json::object{{"sql", sql}, {"search", "s.db"}}));
    };
    EXPECT_EQ(ask("SELECT count(*) FROM trial WHERE possible").body.at("rows"), json::parse("[[2]]"));
    EXPECT_EQ(ask("DELETE FROM trial").status, 400U);
    EXPECT_EQ(ask("SELECT count(*) FROM run").status, 400U);  // the history is another file
}

struct BadPath {
    const char* target;
    unsigned status;
    const char* detail;
};

TEST_F(SearchRoutes, say_what_is_not_there) {
    const BadPath bad[] = {
        {"/api/v1/searches/none.db/abc", 404,
         "no file of searches \"none.db\" in the folders that the daemon was given"},
        {"/api/v1/searches/notes.txt/abc", 404,
         "no file of searches \"notes.txt\" in the folders that the daemon was given"},
        {"/api/v1/searches/s.db/abc/candidates/4", 404, "no candidate 4: the search has 0 to 3"},
        {"/api/v1/searches/s.db/abc?limit=0", 400, "limit is \"0\": expected an integer from 1 to 20000"}};
    for (const BadPath& each : bad) {
        const HttpAnswer answer = daemon_.get(each.target);
        EXPECT_EQ(answer.status, each.status) << each.target;
        EXPECT_EQ(answer.text("detail"), each.detail);
    }
    EXPECT_EQ(daemon_.get("/api/v1/searches/s.db/abd").status, 404U);
    EXPECT_EQ(daemon_.get("/api/v1/searches/%2e%2e%2fs.db/abc").status, 404U);
}

TEST_F(SearchRoutes, a_damaged_file_is_told_and_hides_no_other) {
    std::string text = files::contents(folder_.path("s.db"));
    std::fill(text.begin() + 100, text.end(), '\xff');
    (void)folder_.holding("a.db", text);
    const json::value body = daemon_.get("/api/v1/searches").body;
    EXPECT_EQ(body.at("items").as_array().size(), 1U) << body;
    ASSERT_EQ(body.at("troubles").as_array().size(), 1U) << body;
    EXPECT_TRUE(body.at("troubles").at(0).as_string().starts_with("a.db cannot be read: ")) << body;
}

TEST(SearchFolders, a_daemon_without_folders_says_so) {
    TestDaemon daemon;
    EXPECT_EQ(daemon.get("/api/v1/searches").body, json::parse(R"({"items":[],"folders":[],"troubles":[]})"));
    EXPECT_EQ(daemon.get("/api/v1/searches/s.db/abc").text("detail"),
              "no file of searches \"s.db\": the daemon was started without --searches FOLDER");
}

}  // namespace
}  // namespace replayd::test
