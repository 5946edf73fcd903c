// `replayctl generate`, `replay` and `plan` from outside: what they print and write.

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include <boost/json.hpp>

#include "tests/daemon/replayctl/replayctl_process.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

class Replay : public testing::Test {
protected:
    /// 300 short requests at 20 a second.
    std::string trace(const std::string& name = "t.jsonl") {
        const std::string path = folder_.path(name);
        const Said said = run_replayctl({"generate", path, "--count", "300", "--rate", "20", "--prompt-max", "400",
                                         "--output-max", "60", "--seed", "7"});
        EXPECT_EQ(said.status, 0) << said.err;
        return path;
    }
    std::string scenario() { return folder_.holding("small.toml", k_small_scenario); }
    json::object replayed(std::vector<std::string> more) {
        std::vector<std::string> arguments = {"replay", trace(), "--json", "--scenario", scenario()};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Said said = run_replayctl(arguments);
        EXPECT_EQ(said.status, 0) << said.err;
        return json::parse(said.out).as_object();
    }
    static const json::object& run_of(const json::object& result, std::size_t index = 0) {
        return result.at("runs").as_array().at(index).as_object();
    }
    /// Lines of a file without its header.
    static std::vector<std::string> rows(const std::string& path) {
        std::istringstream text(files::contents(path));
        std::vector<std::string> lines;
        for (std::string line; std::getline(text, line);) lines.push_back(line);
        EXPECT_FALSE(lines.empty());
        if (!lines.empty()) lines.erase(lines.begin());
        return lines;
    }

    files::TemporaryFolder folder_;
};

// Determinism is the promise that everything else rests on: two processes, one hash.
TEST_F(Replay, has_the_same_hash_every_time) {
    const json::object first = replayed({});
    const json::object second = replayed({});
    EXPECT_EQ(run_of(first).at("hash"), run_of(second).at("hash"));
    EXPECT_EQ(run_of(first).at("hash").as_string().size(), 32u);
    EXPECT_EQ(first.at("arrivals").to_number<int>(), 300);
    EXPECT_EQ(run_of(first).at("finished").to_number<int>() + run_of(first).at("rejected").to_number<int>(), 300);
}

// Scenarios beside each other run on several threads, and must not touch each other.
TEST_F(Replay, does_not_depend_on_the_scenarios_beside_it) {
    const json::object alone = replayed({});
    const json::object beside = replayed({"llama-3.1-8b-h100-mixed", "llama-3.1-8b-h100-pd"});
    EXPECT_EQ(beside.at("runs").as_array().size(), 3u);
    EXPECT_EQ(run_of(beside).at("hash"), run_of(alone).at("hash"));
}

// The same arrivals, compressed or piped, are the same run.
// What would it be with twice the replicas? The changed scenario runs beside the one as it is, under a name of its own.
TEST_F(Replay, replays_each_scenario_once_more_with_keys_changed) {
    const json::object result = replayed({"--what-if", "pool.replicas=2"});
    ASSERT_EQ(result.at("runs").as_array().size(), 2u);
    EXPECT_EQ(run_of(result, 0).at("scenario").as_string(), "small");
    EXPECT_EQ(run_of(result, 1).at("scenario").as_string(), "small-what-if");
    EXPECT_EQ(run_of(result, 0).at("hash"), run_of(replayed({})).at("hash"));
    EXPECT_NE(run_of(result, 0).at("hash"), run_of(result, 1).at("hash"));
    EXPECT_EQ(run_of(result, 1).at("pools").as_array().at(0).as_object().at("replicas").to_number<int>(), 2);
    const Said wrong = run_replayctl({"replay", trace(), "--scenario", scenario(), "--what-if", "pool.replica=2"});
    EXPECT_EQ(wrong.status, 2);
    EXPECT_NE(wrong.err.find("pool.replica: unknown key; did you mean \"replicas\"?"), std::string::npos) << wrong.err;
}

// Output over input would lose the trace: it is refused before anything is touched.
TEST_F(Replay, never_writes_over_what_it_reads) {
    const std::string input = trace();
    const std::string before = files::contents(input);
    for (const char* option : {"--requests-csv", "--windows-csv", "--batches-csv", "--tokens-csv"}) {
        const Said said = run_replayctl({"replay", input, "--scenario", scenario(), option, input});
        EXPECT_EQ(said.status, 2);
        EXPECT_EQ(said.err, "replayctl: " + input +
                                " is also read, and would be emptied: expected another file for what is written\n");
        EXPECT_EQ(files::contents(input), before) << option;
    }
}

// As in a stream of the daemon, equal ids are different requests: all are replayed, and it is said, since a file joined
// with itself looks like that too.
TEST_F(Replay, tells_of_ids_that_more_than_one_request_has) {
    const std::string row = R"("prompt_tokens":100,"output_tokens":5})" "\n";
    const std::string trace = folder_.holding(
        "twice.jsonl", R"({"id":"a","arrival_ns":0,)" + row + R"({"id":"b","arrival_ns":1000000000,)" + row +
                           R"({"id":"b","arrival_ns":2000000000,)" + row +
                           R"({"id":"a","arrival_ns":3000000000,)" + row);
    const Said said = run_replayctl({"replay", trace, "--json", "--scenario", scenario()});
    ASSERT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(said.err,
              "note: 2 requests have ids that an earlier one has, the first is \"b\": equal ids are taken for "
              "different requests, which `replayctl explain` shows together; is the trace joined with itself?\n");
    const json::object result = json::parse(said.out).as_object();
    EXPECT_EQ(result.at("repeated_ids").to_number<int>(), 2);
    EXPECT_EQ(run_of(result).at("finished").to_number<int>(), 4);
}

TEST_F(Replay, reads_compressed_files_and_standard_input) {
    const json::object plain = replayed({});
    const std::string zipped = trace("t.jsonl.gz");
    const Said said = run_replayctl({"replay", "-", "--scenario", scenario(), "--json"}, "", zipped);
    ASSERT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(run_of(json::parse(said.out).as_object()).at("hash"), run_of(plain).at("hash"));
}

TEST_F(Replay, takes_the_first_arrivals_with_a_limit) {
    EXPECT_EQ(replayed({"--limit", "10"}).at("arrivals").to_number<int>(), 10);
}

// People get a line per figure, aligned, with the units.
TEST_F(Replay, prints_a_table) {
    const Said said = run_replayctl({"replay", trace(), "--scenario", scenario()});
    ASSERT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(said.err, "");
    for (const char* expected : {": 300 arrivals\n", "requests finished", "TTFT p99", "TPOT p50", "E2E p99",
                                 "TTFT ≤ 500.0 ms, TPOT ≤ 50.0 ms", "output tokens/s (virtual)", "state hash"}) {
        EXPECT_NE(said.out.find(expected), std::string::npos) << expected << "\n" << said.out;
    }
}

// One row per arrival, and the parts of each row sum to its E2E.
TEST_F(Replay, writes_every_request_with_a_ledger_that_sums) {
    const std::string csv = folder_.path("requests.csv");
    (void)replayed({"--requests-csv", csv});
    const std::string header = files::contents(csv).substr(0, files::contents(csv).find('\n'));
    std::vector<std::string> names;
    std::istringstream titles(header);
    for (std::string name; std::getline(titles, name, ',');) names.push_back(name);
    const auto column = [&](const std::string& name) {
        return std::find(names.begin(), names.end(), name) - names.begin();
    };
    const std::vector<std::string> lines = rows(csv);
    ASSERT_EQ(lines.size(), 300u);
    for (const std::string& line : lines) {
        std::vector<std::string> cells;
        std::istringstream fields(line);
        for (std::string cell; std::getline(fields, cell, ',');) cells.push_back(cell);
        std::int64_t sum = 0;
        for (auto i = column("gateway_queue_ns"); i <= column("recompute_ns"); ++i) {
            sum += std::stoll(cells.at(static_cast<std::size_t>(i)));
        }
        EXPECT_EQ(sum, std::stoll(cells.at(static_cast<std::size_t>(column("e2e_ns"))))) << line;
    }
}

// Two requests by hand: 5 ms + 50 µs per prompt token, then 5 ms + 0.1 ms per decoding sequence and token.
TEST_F(Replay, writes_batches_in_the_columns_of_vidur) {
    const std::string tiny = folder_.holding(
        "tiny.csv", "arrived_at,num_prefill_tokens,num_decode_tokens\n0,100,2\n1,40,1\n");
    const std::string csv = folder_.path("batches.csv");
    const Said said = run_replayctl({"replay", tiny, "--scenario", scenario(), "--batches-csv", csv});
    ASSERT_EQ(said.status, 0) << said.err;
    const std::string text = files::contents(csv);
    EXPECT_EQ(text.substr(0, text.find('\n')),
              "batch_id,replica_id,scheduled_at,completed_at,num_requests,prefill_tokens,decode_seqs,"
              "allocated_blocks_at_start,queue_len_at_start,requests(id:tokens:P|D)");
    const std::vector<std::string> lines = rows(csv);
    ASSERT_EQ(lines.size(), 3u) << text;
    EXPECT_EQ(lines[0], "0,0,0,0.01,1,100,0,7,0,0:100:P");
    EXPECT_EQ(lines[1], "1,0,0.01,0.0151,1,0,1,7,0,0:1:D");
    EXPECT_EQ(lines[2], "2,0,1,1.007,1,40,0,3,0,1:40:P");
}

// The same two requests: the first token at the end of the prompt's step, the second one step later.
TEST_F(Replay, writes_the_time_of_every_output_token) {
    const std::string tiny = folder_.holding(
        "tiny.csv", "arrived_at,num_prefill_tokens,num_decode_tokens\n0,100,2\n1,40,1\n");
    const std::string csv = folder_.path("tokens.csv");
    const Said said = run_replayctl({"replay", tiny, "--scenario", scenario(), "--tokens-csv", csv});
    ASSERT_EQ(said.status, 0) << said.err;
    const std::vector<std::string> lines = rows(csv);
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[0], "0,0,10000000,0");
    EXPECT_EQ(lines[1], "0,1,15100000,0");
    EXPECT_EQ(lines[2], "1,0,1007000000,0");
}

// The engine that plans many steps at once is only faster: summary and hash are those of the stepper.
TEST_F(Replay, both_engines_say_the_same) {
    const std::string csv = folder_.path("stepper.csv");
    const std::string other = folder_.path("macro.csv");
    const std::string path = folder_.holding(
        "tiny.csv", "arrived_at,num_prefill_tokens,num_decode_tokens\n0,100,40\n0.1,40,30\n0.2,300,7\n");
    const Said stepper =
        run_replayctl({"replay", path, "--scenario", scenario(), "--engine", "stepper", "--requests-csv", csv});
    const Said macro =
        run_replayctl({"replay", path, "--scenario", scenario(), "--engine", "macro", "--requests-csv", other});
    ASSERT_EQ(stepper.status, 0) << stepper.err;
    ASSERT_EQ(macro.status, 0) << macro.err;
    EXPECT_EQ(files::contents(csv), files::contents(other));
}

TEST_F(Replay, writes_windows) {
    const std::string csv = folder_.path("windows.csv");
    (void)replayed({"--windows-csv", csv});
    EXPECT_GE(rows(csv).size(), 1u);
    EXPECT_EQ(files::contents(csv).substr(0, 28), "scenario,start_ns,length_ns,");
}

// A wrong line ends the replay with the trace's own message, and the recorded run as failed with that reason.
TEST_F(Replay, tells_the_line_of_a_wrong_trace) {
    const std::string bad = folder_.holding(
        "bad.csv", "arrived_at,num_prefill_tokens,num_decode_tokens\n0,100,2\n1,many,1\n");
    const std::string db = folder_.path("h.db");
    const Said said = run_replayctl({"replay", bad, "--scenario", scenario(), "--db", db});
    EXPECT_EQ(said.status, 2);
    EXPECT_NE(said.err.find("bad.csv:3: num_prefill_tokens is \"many\": expected"), std::string::npos) << said.err;
    const Said states = run_replayctl({"query", "SELECT state, failure IS NOT NULL FROM run", "--db", db, "--csv"});
    EXPECT_EQ(states.out, "state,failure IS NOT NULL\nfailed,1\n") << states.err;
}

// The same options give the same bytes in every format, and each can be read again.
TEST_F(Replay, generates_every_format_reproducibly) {
    for (const std::string format : {"azure", "mooncake", "burstgpt", "vidur", "vllm", "aiperf", "replayd"}) {
        const std::vector<std::string> arguments = {"generate", "-",  "--format", format,
                                                    "--count",  "20", "--seed",   "3"};
        const Said first = run_replayctl(arguments);
        ASSERT_EQ(first.status, 0) << first.err;
        EXPECT_EQ(first.out, run_replayctl(arguments).out) << format;
        const std::string path = folder_.holding(format, first.out);
        const Said said = run_replayctl({"replay", path, "--scenario", scenario(), "--json"});
        ASSERT_EQ(said.status, 0) << format << ": " << said.err;
        EXPECT_EQ(json::parse(said.out).as_object().at("arrivals").to_number<int>(), 20) << format;
    }
}

// The duration bounds the last arrival, and the summary says what was written.
TEST_F(Replay, generates_for_a_duration) {
    const Said said = run_replayctl({"generate", folder_.path("d.jsonl.zst"), "--duration", "1m", "--rate", "5",
                                     "--process", "burst", "--json"});
    ASSERT_EQ(said.status, 0) << said.err;
    const json::object summary = json::parse(said.out).as_object();
    EXPECT_LT(summary.at("last_arrival_ns").to_number<std::int64_t>(), 60'000'000'000);
    EXPECT_GT(summary.at("arrivals").to_number<int>(), 0);
}

// Every line of the plan, with totals that add up.
TEST_F(Replay, plans_the_memory_of_each_pool) {
    const Said said = run_replayctl({"plan", "--scenario", "llama-3.1-8b-h100-pd", "--json"});
    ASSERT_EQ(said.status, 0) << said.err;
    const json::object item = json::parse(said.out).at("items").as_array().at(0).as_object();
    ASSERT_EQ(item.at("pools").as_array().size(), 2u);
    for (const json::value& value : item.at("pools").as_array()) {
        const json::object& pool = value.as_object();
        std::int64_t used = 0;
        for (const json::value& line : pool.at("items").as_array()) used += line.at("bytes").to_number<std::int64_t>();
        const std::int64_t kv =
            pool.at("blocks").to_number<std::int64_t>() * pool.at("kv_bytes_per_block").to_number<std::int64_t>();
        EXPECT_LE(used + kv, pool.at("budget_bytes").to_number<std::int64_t>());
    }
    const Said table = run_replayctl({"plan", "--scenario", "llama-3.1-8b-h100-pd"});
    for (const char* expected : {"pool prefill (prefill): 2 × 1 H100-SXM, Llama-3.1-8B", "used before KV cache",
                                 "budget", "KV cache of a replica: ", " bytes per token on one GPU"}) {
        EXPECT_NE(table.out.find(expected), std::string::npos) << expected << "\n" << table.out;
    }
}

}  // namespace
}  // namespace replayd::ctl
