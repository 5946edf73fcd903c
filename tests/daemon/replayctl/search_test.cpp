// `replayctl search` from outside: methods agree, workers and interruptions change nothing, what is wrong is said once.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <boost/json.hpp>

#include "replay/base/random.hpp"
#include "tests/daemon/replayctl/replayctl_process.hpp"
#include "tests/source_paths.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

/// Alternatives of the small scenario: a batch of up to 4 or 64 requests, 1 to 16 replicas. Bisection needs the last to
/// rise.
constexpr const char* k_axes = R"(
[[axis]]
key = "pool.batching.max_sequences"
values = [4, 64]
[[axis]]
key = "pool.replicas"
from = 1
to = 16
rising = true
)";

class Search : public testing::Test {
protected:
    /// 600 requests at 100 a second: far more than one replica serves within the objectives.
    std::string trace() {
        const std::string path = folder_.path("t.jsonl");
        const Said said = run_replayctl({"generate", path, "--count", "600", "--rate", "100", "--prompt-max", "400",
                                         "--output-max", "60", "--seed", "7"});
        EXPECT_EQ(said.status, 0) << said.err;
        return path;
    }
    std::string spec(const std::string& method, const std::string& axes = k_axes, const std::string& more = "") {
        const std::string base = folder_.holding("small.toml", k_small_scenario);
        return folder_.holding(method + ".toml", "base = \"" + base + "\"\n" + more +
                                                     "[objective]\nttft_p99_ms = 500\ntpot_p99_ms = 40\n" + axes +
                                                     "[method]\nkind = \"" + method + "\"\n");
    }
    Said searched(const std::string& search, std::vector<std::string> more = {}) {
        std::vector<std::string> arguments = {"search", search, trace(), "--json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_replayctl(arguments);
    }
    static json::object result_of(const Said& said) {
        EXPECT_EQ(said.status, 0) << said.err;
        return said.status == 0 ? json::parse(said.out).as_object() : json::object{};
    }
    static const json::object& best(const json::object& result) {
        return result.at("results").as_array().at(0).as_object();
    }

    files::TemporaryFolder folder_;
};

TEST_F(Search, bisection_finds_what_the_grid_finds_with_fewer_trials) {
    const json::object grid = result_of(searched(spec("grid")));
    const json::object bisection = result_of(searched(spec("bisection")));
    EXPECT_TRUE(best(grid).at("holds").as_bool());
    EXPECT_EQ(best(bisection).at("settings"), best(grid).at("settings"));
    EXPECT_EQ(best(bisection).at("hash"), best(grid).at("hash"));
    EXPECT_EQ(grid.at("trials").to_number<int>(), 32);
    EXPECT_LE(bisection.at("trials").to_number<int>(), 10);
}

TEST_F(Search, cheapest_finds_what_the_grid_finds) {
    const json::object grid = result_of(searched(spec("grid")));
    const json::object cheapest = result_of(searched(spec("cheapest")));
    EXPECT_EQ(best(cheapest).at("settings"), best(grid).at("settings"));
    EXPECT_EQ(best(cheapest).at("hash"), best(grid).at("hash"));
    EXPECT_LT(cheapest.at("trials").to_number<int>(), 32);
}

// What is stopped early misses in the grid, too; what holds has the same hash as there.
TEST_F(Search, a_trial_that_is_stopped_early_would_have_missed) {
    const json::object whole = result_of(searched(spec("grid")));
    const std::string text = files::contents(spec("grid"));
    const std::string early = folder_.holding("early.toml", text + "stop_early = true\n");
    const json::object stopped = result_of(searched(early));
    std::map<std::int64_t, json::object> truth;
    for (const json::value& row : whole.at("results").as_array())
        truth[row.at("candidate").to_number<std::int64_t>()] = row.as_object();
    int stops = 0;
    for (const json::value& row : stopped.at("results").as_array()) {
        const json::object& same = truth.at(row.at("candidate").to_number<std::int64_t>());
        EXPECT_EQ(row.at("holds"), same.at("holds")) << row;
        const bool stopped_early = row.as_object().contains("stopped_after");
        stops += stopped_early ? 1 : 0;
        for (const char* figure : {"hash", "ttft_p99_ns", "tpot_p99_ns", "finished", "goodput_per_s"}) {
            if (!stopped_early) {
                EXPECT_EQ(row.at(figure), same.at(figure)) << row;
            }
        }
    }
    EXPECT_GT(stops, 0);
}

// The whole answer, byte for byte.
TEST_F(Search, the_number_of_workers_changes_nothing) {
    for (const char* method : {"grid", "bisection", "halving", "cheapest"}) {
        const std::string search = spec(method);
        const Said one = searched(search, {"--workers", "1"});
        EXPECT_EQ(searched(search, {"--workers", "2"}).out, one.out) << method;
        EXPECT_EQ(searched(search, {"--workers", "4"}).out, one.out) << method;
    }
}

// A file that is no journal stays as it is, also one without a line, whose end would be cut off in a journal.
TEST_F(Search, leaves_a_file_that_is_no_journal_and_its_inputs_alone) {
    const std::string search = spec("bisection");
    const std::string other = folder_.holding("other", "one line of notes, without an end");
    const Said said = searched(search, {"--journal", other});
    EXPECT_EQ(said.status, 1);
    EXPECT_NE(said.err.find("is not of this search"), std::string::npos) << said.err;
    EXPECT_EQ(files::contents(other), "one line of notes, without an end");
    const std::string text = files::contents(search);
    const Said over = searched(search, {"--csv", search});
    EXPECT_EQ(over.status, 2);
    EXPECT_NE(over.err.find(" is also read, and would be emptied"), std::string::npos) << over.err;
    EXPECT_EQ(files::contents(search), text);
}

// A journal cut anywhere, as by a kill in the middle of a write: the rest is run, nothing twice, and the end is the
// same.
TEST_F(Search, an_interrupted_search_goes_on_from_its_journal) {
    const std::string search = spec("bisection");
    const std::string journal = folder_.path("journal");
    const json::object whole = result_of(searched(search, {"--journal", journal}));
    const std::string kept = files::contents(journal);
    for (const std::size_t cut :
         {kept.size(), kept.size() - 1, kept.size() / 2, kept.find('\n') + 1, std::size_t{10}, std::size_t{0}}) {
        std::ofstream(journal, std::ios::trunc) << kept.substr(0, cut);
        const auto lines = std::count(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(cut), '\n');
        const json::object again = result_of(searched(search, {"--journal", journal}));
        EXPECT_EQ(again.at("results"), whole.at("results")) << cut;
        EXPECT_EQ(again.at("ran").to_number<std::int64_t>(),
                  whole.at("trials").to_number<std::int64_t>() - std::max<std::int64_t>(0, lines - 1))
            << cut;
    }
}

// Killed at random points, again and again, until it comes to its end: the answer of a search that nothing disturbed,
// and no trial twice in the journal.
TEST_F(Search, a_search_that_is_killed_at_random_points_runs_nothing_twice) {
    constexpr std::uint64_t k_seed = 7;
    SCOPED_TRACE("seed " + std::to_string(k_seed));
    Random random(k_seed);
    for (const char* method : {"grid", "halving"}) {
        const std::string search = spec(method);
        const std::string undisturbed = folder_.path(std::string(method) + ".undisturbed");
        json::object whole = result_of(searched(search, {"--journal", undisturbed}));
        // What a kill leaves, also where the search below is too quick for one: the beginning of a journal.
        const std::string lines_of_whole = files::contents(undisturbed);
        const std::string journal = folder_.holding(
            std::string(method) + ".journal", lines_of_whole.substr(0, 1 + random.below(lines_of_whole.size() - 1)));
        const std::vector<std::string> arguments = {"search", search, trace(), "--json", "--journal", journal};
        std::set<std::string> trials;
        std::size_t lines = files::contents(journal).rfind('\n') + 1;
        for (;;) {
            // The next kill comes a random number of bytes further on, mostly within a line.
            const std::size_t end = lines + 1 + random.below(2'500);
            const auto grown = [&] {
                return std::filesystem::exists(journal) && std::filesystem::file_size(journal) >= end;
            };
            const Said said = run_replayctl_until(arguments, grown);
            const std::string kept = files::contents(journal);
            lines = kept.rfind('\n') + 1;
            if (said.status == -1) continue;
            json::object result = result_of(said);
            EXPECT_EQ(result.at("results"), whole.at("results")) << method;
            std::istringstream stream(kept);
            std::int64_t count = 0;
            for (std::string line; std::getline(stream, line); ++count) {
                EXPECT_TRUE(trials.insert(line.substr(0, line.find("\"possible\""))).second) << line;
            }
            EXPECT_EQ(count - 1, whole.at("trials").to_number<std::int64_t>()) << method;
            break;
        }
    }
}

TEST_F(Search, a_journal_of_another_search_is_refused) {
    const std::string journal = folder_.path("journal");
    result_of(searched(spec("grid"), {"--journal", journal}));
    const Said said = searched(spec("bisection"), {"--journal", journal});
    EXPECT_NE(said.status, 0);
    EXPECT_NE(said.err.find("is not of this search: expected one that was begun with the same search"),
              std::string::npos)
        << said.err;
}

// Twice the replicas carry about twice the load: the capacities that are found rise with the replicas.
TEST_F(Search, capacity_rises_with_the_replicas) {
    const json::object result =
        result_of(searched(spec("capacity", "[[axis]]\nkey = \"pool.replicas\"\nvalues = [1, 2, 4]\n")));
    std::vector<std::pair<std::int64_t, double>> loads;
    for (const json::value& row : result.at("results").as_array()) {
        loads.emplace_back(row.at("gpus").to_number<std::int64_t>(), row.at("load").to_number<double>());
    }
    std::sort(loads.begin(), loads.end());
    ASSERT_EQ(loads.size(), 3U);
    EXPECT_GT(loads[1].second, 1.5 * loads[0].second);
    EXPECT_GT(loads[2].second, 1.5 * loads[1].second);
}

// What the memory planner refuses never runs, and its reason is in the answer.
TEST_F(Search, candidates_that_do_not_fit_are_told_with_their_reason) {
    const json::object result =
        result_of(searched(spec("grid", "[[axis]]\nkey = \"pool.kv.memory_fraction\"\nvalues = [0.1, 0.9]\n")));
    int refused = 0;
    for (const json::value& row : result.at("results").as_array()) {
        if (row.at("possible").as_bool()) continue;
        ++refused;
        EXPECT_NE(row.at("reason").as_string().find("mixed"), std::string::npos) << row.at("reason");
    }
    EXPECT_EQ(refused, 1);
}

TEST_F(Search, candidates_beyond_the_limit_of_gpus_are_not_run) {
    const json::object result = result_of(searched(spec("bisection", k_axes, "gpus_max = 9\n")));
    EXPECT_LE(best(result).at("gpus").to_number<int>(), 9);
    EXPECT_TRUE(best(result).at("holds").as_bool());
}

// A slip of the pen must not look like a cluster that does not fit.
TEST_F(Search, a_misspelt_key_is_an_error_of_the_search) {
    const Said said = searched(spec("grid", "[[axis]]\nkey = \"pool.replcas\"\nvalues = [1, 2]\n"));
    EXPECT_NE(said.status, 0);
    EXPECT_NE(said.err.find("no candidate is possible; the first one: "), std::string::npos) << said.err;
    EXPECT_NE(said.err.find("replcas"), std::string::npos) << said.err;
}

TEST_F(Search, writes_a_row_per_trial) {
    const std::string csv = folder_.path("trials.csv");
    result_of(searched(spec("grid"), {"--csv", csv}));
    const std::string text = files::contents(csv);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1 + 32);
    EXPECT_TRUE(text.starts_with("candidate,settings,arrivals,load_permille,possible,"));
}

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream cut(line);
    for (std::string cell; std::getline(cut, cell, ',');) cells.push_back(cell);
    return cells;
}

/// Skips to the front of that name, `line` being the next one, and counts its members: whoever gives more is slower.
int members_of(std::istringstream& rows, std::string line, const std::string& front) {
    int members = 0;
    double throughput = 0;
    double latency = 0;
    do {
        if (!line.starts_with(front + ',')) continue;
        const std::vector<std::string> cells = cells_of(line);
        EXPECT_GT(std::stod(cells[10]), throughput) << line;
        EXPECT_GT(std::stod(cells[7]), latency) << line;
        throughput = std::stod(cells[10]);
        latency = std::stod(cells[7]);
        ++members;
    } while (std::getline(rows, line));
    return members;
}

// From the cheapest up every member of a front is dearer and faster than the one before; the picture draws the same.
TEST_F(Search, writes_the_fronts_as_rows_and_as_a_picture) {
    const std::string csv = folder_.path("front.csv");
    const std::string svg = folder_.path("front.svg");
    result_of(searched(spec("grid"), {"--front", csv, "--front", svg}));
    std::istringstream rows(files::contents(csv));
    std::string line;
    std::getline(rows, line);
    EXPECT_TRUE(line.starts_with("front,candidate,settings,"));
    int members = 0;
    double price = 0;
    double ttft = 1e300;
    for (; std::getline(rows, line) && line.starts_with("ttft,"); ++members) {
        const std::vector<std::string> cells = cells_of(line);
        EXPECT_GT(std::stod(cells[5]), price);
        EXPECT_LT(std::stod(cells[7]), ttft);
        price = std::stod(cells[5]);
        ttft = std::stod(cells[7]);
    }
    EXPECT_GE(members, 2);
    EXPECT_GE(members_of(rows, line, "throughput_ttft"), 2);
    const std::string picture = files::contents(svg);
    EXPECT_TRUE(picture.starts_with("<svg "));
    EXPECT_NE(picture.find("output tokens per second and GPU"), std::string::npos);
    EXPECT_NE(picture.find("class=\"front\""), std::string::npos);
    EXPECT_NE(picture.find("class=\"best\""), std::string::npos);
}

TEST_F(Search, a_front_of_another_kind_of_file_is_refused) {
    const Said said = searched(spec("grid"), {"--front", "front.png"});
    EXPECT_EQ(said.status, 2);
    EXPECT_NE(said.err.find("front.png"), std::string::npos) << said.err;
}

// Prefill and decode replicas of the best are told apart: the ratio is the answer to the question that is asked most.
TEST_F(Search, the_answer_names_the_ratio_of_prefill_to_decode) {
    const std::string search = folder_.holding("pd.toml",
                                               "base = \"llama-3.1-8b-h100-pd\"\n[objective]\nttft_p99_ms = 500\n"
                                               "[[axis]]\nkey = \"prefill.replicas\"\nvalues = [2]\n"
                                               "[[axis]]\nkey = \"decode.replicas\"\nvalues = [1, 3]\n");
    const Said said = run_replayctl({"search", search, trace()});
    EXPECT_NE(said.out.find("P:D 2:1 replicas (2 : 1 GPUs)"), std::string::npos) << said.out << said.err;
}

/// A search that ships, on the first requests of its trace.
struct Shipped {
    const char* name;
    const char* search;
    const char* trace;
};

/// Of the trace; fewer under sanitizers, where 250 clusters, each three times, take minutes.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr const char* k_shipped_requests = "40";
#else
constexpr const char* k_shipped_requests = "300";
#endif

class ShippedSearch : public testing::TestWithParam<Shipped> {};

// Three ways to the answer, the small version of what the README tells: every candidate, the border of each line, the
// cheapest first.
TEST_P(ShippedSearch, grid_bisection_and_cheapest_agree) {
    const std::string trace = std::string(REPLAYD_SOURCE_DIR "/../shared/data/traces/") + GetParam().trace;
    if (!std::filesystem::exists(trace)) GTEST_SKIP() << trace << " is not there";
    const std::string folder = REPLAYD_SOURCE_DIR "/replay/search/examples/";
    const files::TemporaryFolder own;
    const std::string base =
        own.holding("llama-3-70b-h100-pd.toml", files::contents(folder + "llama-3-70b-h100-pd.toml"));
    EXPECT_FALSE(base.empty());
    const std::string text = files::contents(folder + GetParam().search);
    std::vector<json::object> bests;
    for (const char* method : {"grid", "bisection", "cheapest"}) {
        const std::string search = own.holding(method, text + "\n[method]\nkind = \"" + method + "\"\n");
        const Said said =
            run_replayctl({"search", search, trace, "--spread-bins", "--limit", k_shipped_requests, "--json"});
        ASSERT_EQ(said.status, 0) << said.err;
        const json::object result = json::parse(said.out).as_object();
        EXPECT_GE(result.at("candidates").to_number<int>(), 200);
        bests.push_back(result.at("results").as_array().at(0).as_object());
        for (const char* front : {"front_ttft", "front_tpot", "front_throughput_ttft", "front_throughput_tpot"}) {
            bests.back().erase(front);  // of what was tried
        }
    }
    EXPECT_EQ(bests[1], bests[0]);
    EXPECT_EQ(bests[2], bests[0]);
    EXPECT_TRUE(bests[0].at("holds").as_bool());
}

INSTANTIATE_TEST_SUITE_P(
    Examples, ShippedSearch,
    testing::Values(Shipped{"deepseek_azure", "deepseek-v3-h800-azure.toml", "AzureLLMInferenceTrace_conv.csv"},
                    Shipped{"deepseek_mooncake", "deepseek-v3-h800-mooncake.toml", "mooncake_conversation_trace.jsonl"},
                    Shipped{"llama_azure", "llama-3-70b-h100-azure.toml", "AzureLLMInferenceTrace_conv.csv"},
                    Shipped{"llama_mooncake", "llama-3-70b-h100-mooncake.toml", "mooncake_conversation_trace.jsonl"}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace replayd::ctl
