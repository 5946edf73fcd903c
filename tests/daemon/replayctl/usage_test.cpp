// Wrong usage and wrong input: each with its exit status and its exact message.

#include <gtest/gtest.h>

#include <fstream>

#include "tests/daemon/replayctl/replayctl_process.hpp"

namespace replayd::ctl {
namespace {

constexpr const char* k_built_in = "llama-3.1-8b-h100-mixed";

struct Wrong {
    std::vector<std::string> arguments;
    std::string message;
};

class WrongUsage : public testing::TestWithParam<Wrong> {};

// Every case ends with status 2, nothing on standard output, and one line on standard error.
TEST_P(WrongUsage, is_told_in_one_line) {
    const Said said = run_replayctl(GetParam().arguments);
    EXPECT_EQ(said.status, 2);
    EXPECT_EQ(said.out, "");
    EXPECT_EQ(said.err, "replayctl: " + GetParam().message + "\n");
}

const std::vector<Wrong> k_wrong_usages = {
    {{},
     "a command is missing after replayctl: expected replay, stream, generate, plan, runs, explain, query, search, "
     "afd-ratio, check, backup, prune, recalibrate, compare, bisect, at, merge, export, follow, scenario or cost; see "
     "replayctl --help"},
    {{"repaly"},
     "unknown command \"repaly\": expected replay, stream, generate, plan, runs, explain, query, search, afd-ratio, "
     "check, backup, prune, recalibrate, compare, bisect, at, merge, export, follow, scenario or cost; did you mean "
     "replay?"},
    {{"--verbose"}, "unknown option \"--verbose\"; did you mean --version?; see replayctl --help"},
    {{"scenario"},
     "a command is missing after replayctl scenario: expected check, list or show; see replayctl scenario --help"},
    {{"scenario", "chek"}, "unknown command \"chek\": expected check, list or show; did you mean check?"},
    {{"scenario", "show"}, "SCENARIO is missing: expected names or TOML files; see replayctl scenario show --help"},
    {{"follow", "log", "--stream", "s", "--end"},
     "--end is given without --once: expected both, since files that grow have no end"},
    {{"follow", "log", "--stream", "s", "--wait"},
     "--wait is given without --end: expected both, since runs finish only after the end of the stream"},
    {{"replay", "--scenario", k_built_in},
     "TRACE is missing: expected trace file, also .gz or .zst; - is standard input; see replayctl replay --help"},
    {{"replay", "t.csv"},
     "--scenario is missing: expected names or TOML files of the clusters to replay on; see replayctl replay --help"},
    {{"replay", "t.csv", "--scenari", "x"},
     "unknown option \"--scenari\"; did you mean --scenario?; see replayctl replay --help"},
    {{"replay", "t.csv", "--scenario", k_built_in, "--limit", "many"},
     "--limit is \"many\": expected a whole number, 1 or more"},
    {{"replay", "t.csv", "--scenario", k_built_in, "--limit", "0"},
     "--limit is \"0\": expected a whole number, 1 or more"},
    {{"replay", "t.csv", "--scenario", k_built_in, "--format", "azur"},
     "--format is \"azur\": expected azure, mooncake, burstgpt, vidur, vllm, aiperf, replayd or dynamo; did you mean "
     "azure?"},
    {{"replay", "/no/such/trace.csv", "--scenario", k_built_in},
     "/no/such/trace.csv: cannot open: No such file or directory"},
    {{"replay", "/", "--scenario", k_built_in}, "/ is a folder: expected a trace file"},
    {{"replay", "t.csv", "--scenario", "llama-3.1-8b-h100-mixd"},
     "no scenario and no file \"llama-3.1-8b-h100-mixd\"; did you mean \"llama-3.1-8b-h100-mixed\"?"},
    {{"replay", "t.csv", "--scenario", k_built_in, k_built_in},
     "scenario \"llama-3.1-8b-h100-mixed\" is named twice: expected scenarios with different names"},
    {{"replay", "t.csv", "--scenario", k_built_in, "--stream", "s"},
     "--stream names the stream in a history: expected --db with it"},
    {{"replay", "/dev/null", "--scenario", k_built_in, "--requests-csv", "-"},
     "--requests-csv is \"-\": expected a file, since the summary goes to standard output"},
    {{"replay", "/dev/null", "--scenario", k_built_in, "llama-3.1-8b-h100-pd", "--batches-csv", "b.csv"},
     "--batches-csv with 2 scenarios: expected one, since its rows do not name a scenario"},
    {{"replay", "/dev/null", "--scenario", k_built_in, "--requests-csv", "a.csv", "--windows-csv", "a.csv"},
     "--requests-csv and --windows-csv are both \"a.csv\": expected different files"},
    {{"replay", "t.csv", "--scenario", k_built_in, "--catalog", "/no/catalog.toml"},
     "cannot read /no/catalog.toml: No such file or directory"},
    {{"replay", "t.csv", "--scenario", k_built_in, "--json=maybe"},
     "--json is \"maybe\": expected it alone, without a value"},
    {{"replay", "t.csv", "--scenario"}, "--scenario has no value: expected one after it"},
    {{"replay", "t.csv", "--limit", "1", "--limit", "2"}, "--limit is given more than once: expected one"},
    {{"replay", "t.csv", "--scenario", k_built_in, "--db", ""},
     "--db is empty: expected a value, or leave it out; see replayctl replay --help"},
    {{"replay", "", "--scenario", k_built_in},
     "TRACE is empty: expected a value, or leave it out; see replayctl replay --help"},
    {{"check", "--db", "/no/such/history.db"},
     "no history at /no/such/history.db: name the file that the daemon writes"},
    {{"check", "--db", "/"}, "cannot open the history /: it is a directory: expected a file"},
    {{"generate", "/", "--count", "1"}, "/ is a folder: expected a file"},
    {{"stream", "t.csv"}, "--stream is missing: expected name of the stream; see replayctl stream --help"},
    {{"stream", "t.csv", "--stream", "a b"}, "--stream is \"a b\": expected 1 to 128 characters of A-Z a-z 0-9 . _ -"},
    {{"stream", "t.csv", "--stream", "s", "--batch", "0"}, "--batch is \"0\": expected a whole number, 1 to 10,000"},
    {{"stream", "t.csv", "--stream", "s", "--batch", "10001"},
     "--batch is \"10001\": expected a whole number, 1 to 10,000"},
    {{"stream", "t.csv", "--stream", "s", "--speed", "fast"}, "--speed is \"fast\": expected a number"},
    {{"stream", "t.csv", "--stream", "s", "--retry", "soon"},
     "--retry is \"soon\": expected a time such as 90, 90s, 1.5m, 250ms or 2h"},
    {{"stream", "t.csv", "--stream", "s", "--wait", "--no-end"},
     "--wait and --no-end are both given: runs finish only after the end of the stream"},
    {{"generate", "-"}, "--count and --duration are missing: expected one of them, or both"},
    {{"generate", "-", "--count", "-1"}, "--count is \"-1\": expected a whole number, 1 or more"},
    {{"generate", "-", "--count", "1", "--rate", "0"}, "--rate is 0: expected 1e-06 to 1e+06"},
    {{"generate", "-", "--count", "1", "--process", "poison"},
     "--process: arrival law is \"poison\": expected poisson, gamma, burst or diurnal; did you mean poisson?"},
    {{"generate", "-", "--count", "1", "--prompt-median", "0"}, "--prompt-median is 0: expected 1 to 1e+08"},
    {{"generate", "/no/such/folder/t.csv", "--count", "1"},
     "/no/such/folder/t.csv: cannot create: No such file or directory"},
    {{"replay", "t.csv", "--scenario", k_built_in, "--engine", "micro"},
     "--engine is \"micro\": expected macro or stepper"},
    {{"export", "tables"}, "WHAT is \"tables\": expected requests, windows or openmetrics"},
    {{"search", "s.toml", "t.csv", "--executor", "k8s"}, "--executor is \"k8s\": expected local or slurm"},
    {{"afd-ratio", "--scenario", "step-3-h100-afd", "--decode", "8x8", "--tpot-ms", "-4"},
     "--tpot-ms is \"-4\": expected a number above 0"},
    {{"afd-ratio", "--scenario", "step-3-h100-afd", "--decode", "8x8", "--ffn-servers", "0"},
     "--ffn-servers is \"0\": expected a whole number, 1 to 1,024"},
    {{"afd-ratio", "--scenario", "step-3-h100-afd", "--decode", "1000000x1000000"},
     "--decode: 1,000,000,000,000 tokens of context in one step: expected at most 4,294,967,296"},
    {{"replay", std::string("t\x1b[31m\a.csv"), "--scenario", k_built_in},
     "t\\x1b[31m\\x07.csv: cannot open: No such file or directory"},
    {{"plan"}, "--scenario is missing: expected names or TOML files; see replayctl plan --help"},
    {{"plan", "extra", "--scenario", k_built_in}, "unexpected argument \"extra\"; see replayctl plan --help"},
    {{"runs", "--db", "a.db", "--daemon", "127.0.0.1:1"}, "--db and --daemon are both given: expected one of them"},
    {{"runs", "--db", "/no/such/history.db"},
     "no history at /no/such/history.db: run the daemon or `replayctl replay --db` first, or name another file"},
    {{"explain"}, "REQUEST is missing: expected its id; see replayctl explain --help"},
    {{"query", "--db", "a.db"}, "SQL is missing: expected the statement; see replayctl query --help"},
    {{"query", "SELECT 1", "--daemon", "http://host:port"},
     "the address \"http://host:port\" has no port from 1 to 65535 after its host: expected http://HOST:PORT"},
};

INSTANTIATE_TEST_SUITE_P(Replayctl, WrongUsage, testing::ValuesIn(k_wrong_usages));

// Scripts read the code; people the message. The line is one JSON object.
TEST(Replayctl, tells_errors_as_json_when_asked) {
    const Said said = run_replayctl({"plan", "--json", "--scenario", "nowhere"});
    EXPECT_EQ(said.status, 2);
    EXPECT_EQ(said.out, "");
    EXPECT_EQ(
        said.err,
        "{\"code\":\"not_found\",\"message\":\"no scenario and no file \\\"nowhere\\\"; `replayctl scenario list` "
        "lists the built-in scenarios\"}\n");
}

TEST(Replayctl, refuses_two_forms_of_output_at_once) {
    const Said said = run_replayctl({"query", "SELECT 1", "--csv", "--json"});
    EXPECT_EQ(said.status, 2);
    EXPECT_EQ(
        said.err,
        "{\"code\":\"invalid_argument\",\"message\":\"--csv and --json are both given: expected one of them\"}\n");
}

// A daemon that is not there is a failed operation, which may succeed later: status 1. Port 1 has no listener.
TEST(Replayctl, fails_with_status_1_when_no_daemon_listens) {
    const Said said = run_replayctl({"runs", "--daemon", "127.0.0.1:1"});
    EXPECT_EQ(said.status, 1);
    EXPECT_EQ(said.err, "replayctl: cannot connect to 127.0.0.1:1: Connection refused; is replayd running there?\n");
}

// A full disk is a failed operation too, and must not look like success.
TEST(Replayctl, fails_with_status_1_when_standard_output_is_full) {
    if (!std::ofstream("/dev/full").is_open()) GTEST_SKIP() << "there is no /dev/full";
    const Said said = run_replayctl({"scenario", "show", "llama-3.1-8b-h100-pd"}, {}, "/dev/null", "/dev/full");
    EXPECT_EQ(said.status, 1);
    EXPECT_EQ(said.err, "replayctl: cannot write standard output: No space left on device\n");
}

// The help of every level documents what scripts rely on.
TEST(Replayctl, documents_its_exit_status_and_commands) {
    const Said said = run_replayctl({"--help"});
    EXPECT_EQ(said.status, 0);
    EXPECT_EQ(said.err, "");
    for (const char* expected : {"Exit status: 0 done; 1 the operation failed", "2 bad usage or bad input", "replay",
                                 "stream", "generate", "scenario", "plan", "runs", "explain", "query"}) {
        EXPECT_NE(said.out.find(expected), std::string::npos) << expected;
    }
    EXPECT_EQ(run_replayctl({"stream", "--help"}).status, 0);
    EXPECT_EQ(run_replayctl({"--version"}).out.substr(0, 10), "replayctl ");
}

// The file's own message comes through, with its line, for every file that is wrong.
TEST(Replayctl, checks_each_scenario_file) {
    const files::TemporaryFolder folder;
    const std::string good = folder.holding("good.toml", k_small_scenario);
    const std::string bad = folder.holding("bad.toml", "name = \"x\"\nmodel = \"Llama-3.1-8C\"\n");
    const Said said = run_replayctl({"scenario", "check", good, bad, "llama-3.1-8b-h100-pd"});
    EXPECT_EQ(said.status, 2);
    EXPECT_EQ(said.out, good + ": ok: scenario small\nllama-3.1-8b-h100-pd: ok: scenario llama-3.1-8b-h100-pd\n");
    EXPECT_NE(said.err.find(bad + ":2: model"), std::string::npos) << said.err;
    EXPECT_NE(said.err.find("did you mean \"Llama-3.1-8B\"?"), std::string::npos) << said.err;
}

}  // namespace
}  // namespace replayd::ctl
