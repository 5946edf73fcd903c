// The daemon's TOML and flags: every key arrives, and wrong input is refused with one exact sentence.

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include "daemon/config/config.hpp"
#include "daemon/config/log.hpp"

namespace replayd::config {
namespace {

// Every key of the file lands in its field.
TEST(Config, every_key_arrives) {
    const auto parsed = parse_config(R"(
[listen]
address = "127.0.0.2"
port = 9000
origins = ["https://replay.example.com"]
port_file = "/run/port"
[history]
path = "/var/h.db"
durability = "full"
[dashboard]
dir = "/usr/share/page"
[searches]
dirs = ["/var/searches"]
[scenarios]
dirs = ["/etc/s"]
files = ["a.toml", "b.toml"]
[catalog]
files = ["c.toml"]
[engine]
threads = 3
[ingest]
backlog_arrivals_max = 500
[log]
level = "warn"
[[stream]]
name = "live"
scenarios = ["x", "y"]
speed = 2
request_rows = "sampled:0.01"
)",
                                     "d.toml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->listen_address, "127.0.0.2");
    EXPECT_EQ(parsed->listen_port, 9000);
    EXPECT_EQ(parsed->origins, std::vector<std::string>{"https://replay.example.com"});
    EXPECT_EQ(parsed->port_file, "/run/port");
    EXPECT_EQ(parsed->history_path, "/var/h.db");
    EXPECT_EQ(parsed->durability, storage::Durability::full);
    EXPECT_EQ(parsed->dashboard_dir, "/usr/share/page");
    EXPECT_EQ(parsed->scenario_dirs, std::vector<std::string>{"/etc/s"});
    EXPECT_EQ(parsed->search_dirs, std::vector<std::string>{"/var/searches"});
    EXPECT_EQ(parsed->scenario_files, (std::vector<std::string>{"a.toml", "b.toml"}));
    EXPECT_EQ(parsed->catalog_files, std::vector<std::string>{"c.toml"});
    EXPECT_EQ(parsed->engine_threads, 3U);
    EXPECT_EQ(parsed->backlog_arrivals_max, 500);
    EXPECT_EQ(parsed->log_level, LogLevel::warn);
    ASSERT_EQ(parsed->streams.size(), 1U);
    EXPECT_EQ(parsed->streams[0].name, "live");
    EXPECT_EQ(parsed->streams[0].scenarios, (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(parsed->streams[0].speed, 2.0);
    EXPECT_EQ(parsed->streams[0].request_rows, "sampled:0.01");
}

struct BadFile {
    const char* toml;
    const char* message;
};

// One wrong thing each; the sentence names line, key, what was found and what was expected.
TEST(Config, wrong_files_are_refused_with_the_line_and_the_nearest_name) {
    const std::vector<BadFile> cases = {
        {"[listne]\n",
         "d.toml:1: listne: unknown key: expected one of listen, history, dashboard, scenarios, catalog, "
         "engine, ingest, log, stream, token, limits, privacy, service, retention, nats, otlp, searches; did you "
         "mean \"listen\"?"},
        {"[listen]\nprot = 1\n",
         "d.toml:2: listen.prot: unknown key: expected one of address, port, origins, port_file; did you mean "
         "\"port\"?"},
        {"[listen]\nport = 70000\n", "d.toml:2: listen.port is 70000: expected an integer from 0 to 65535"},
        {"[listen]\nport = '80'\n", "d.toml:2: listen.port is a string: expected an integer from 0 to 65535"},
        {"[listen]\naddress = 5\n", "d.toml:2: listen.address is an integer: expected a string"},
        {"[listen]\naddress = ''\n",
         "d.toml:2: listen.address is \"\": expected an address of this machine, such as 127.0.0.1"},
        {"listen = 5\n", "d.toml:1: listen: expected a [listen] table"},
        {"[history]\ndurability = 'ful'\n",
         "d.toml:2: history.durability is \"ful\": expected normal or full; did you mean \"full\"?"},
        {"[scenarios]\ndirs = '/etc'\n", "d.toml:2: scenarios.dirs is a string: expected an array of strings"},
        {"[scenarios]\ndirs = [1]\n", "d.toml:2: scenarios.dirs holds an integer: expected only strings"},
        {"[engine]\nthreads = -1\n", "d.toml:2: engine.threads is -1: expected an integer from 0 to 1024"},
        {"[ingest]\nbacklog_arrivals_max = 0\n",
         "d.toml:2: ingest.backlog_arrivals_max is 0: expected an integer from 1 to 100000000"},
        {"[log]\nlevel = 'inof'\n",
         "d.toml:2: log.level is \"inof\": expected debug, info, warn or error; did you mean \"info\"?"},
        {"stream = 1\n", "d.toml:1: stream: expected [[stream]] tables"},
        {"[[stream]]\nscenarios = ['a']\n", "d.toml:1: stream.name is missing: expected the stream's name"},
        {"[[stream]]\nname = 'a'\n",
         "d.toml:1: stream.scenarios is missing: expected the names of one or more scenarios"},
        {"[history]\ndurability = ''\n", "d.toml:2: history.durability is \"\": expected normal or full"},
        {"[log]\nlevel = ''\n", "d.toml:2: log.level is \"\": expected debug, info, warn or error"},
        {"[[stream]]\nname = 'a'\nscenarios = ['b']\n[[stream]]\nname = 'a'\nscenarios = ['c']\n",
         "d.toml:4: stream.name is \"a\" for the second time: expected one [[stream]] for each name"},
        {"[[stream]]\nname = 'a'\nscenarios = ['b']\nspeed = 'max'\n",
         "d.toml:4: stream.speed is a string: expected a number"},
    };
    for (const BadFile& bad : cases) {
        const auto parsed = parse_config(bad.toml, "d.toml");
        ASSERT_FALSE(parsed) << bad.toml;
        EXPECT_EQ(parsed.error().message, bad.message);
        EXPECT_EQ(parsed.error().code, Code::invalid_argument);
    }
}

// Text that is no TOML names the line; the rest of the sentence is the parser's.
TEST(Config, text_that_is_not_toml_names_the_line) {
    const auto parsed = parse_config("[listen]\nport = \n", "d.toml");
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().message.substr(0, 20), "d.toml:2: not TOML: ");
}

Result<CommandLine> parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "replayd");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(CommandLine, engine_threads_are_a_number_that_a_machine_may_have) {
    for (const char* wrong : {"99999", "1025", "-1", "four", "4x", "1.5", "99999999999999999999"}) {
        const auto parsed = parse({"--engine-threads", wrong});
        ASSERT_FALSE(parsed) << wrong;
        EXPECT_EQ(parsed.error().message, "--engine-threads is \"" + std::string(wrong) +
                                              "\": expected a whole number, 0 (one per core) to 1024");
    }
    const auto most = parse({"--engine-threads", "1024"});
    ASSERT_TRUE(most);
    EXPECT_EQ(most->config.engine_threads, 1024U);
}

// A flag wins over the file; lists of the file are kept and added to.
TEST(CommandLine, flags_win_over_the_file) {
    const std::string file = testing::TempDir() + "flags_win_" + std::to_string(getpid()) + ".toml";
    std::ofstream(file) << "[listen]\nport = 1\n[scenarios]\ndirs = ['/a']\n[history]\npath = 'x'\n";
    const auto line =
        parse({"--config", file.c_str(), "--listen", "127.0.0.1:0", "--scenario-dir", "/b", "--searches", "/c"});
    ASSERT_TRUE(line) << line.error().message;
    EXPECT_EQ(line->config.listen_port, 0);
    EXPECT_EQ(line->config.history_path, "x");
    EXPECT_EQ(line->config.scenario_dirs, (std::vector<std::string>{"/a", "/b"}));
    EXPECT_EQ(line->config.search_dirs, std::vector<std::string>{"/c"});
}

struct BadFlags {
    std::vector<const char*> arguments;
    const char* message;
};

// Wrong flags say what was expected; a bind that others reach needs to be asked for.
TEST(CommandLine, wrong_flags_are_refused) {
    const std::vector<BadFlags> cases = {
        {{"--listen", "here"}, "--listen is \"here\": expected ADDRESS:PORT, e.g. 127.0.0.1:8080"},
        {{"--listen", "127.0.0.1:99999"},
         "--listen is \"127.0.0.1:99999\": expected ADDRESS:PORT, e.g. 127.0.0.1:8080"},
        {{"--listen", ":80"}, "--listen is \":80\": expected ADDRESS:PORT, e.g. 127.0.0.1:8080"},
        {{"--listen", "0.0.0.0:8080"},
         "listen address 0.0.0.0 can be reached from other machines: expected a loopback address such as 127.0.0.1, or "
         "a token that clients must show: a [[token]] table with name, roles and file, or --token-file FILE; a proxy "
         "in front has to end TLS"},
        {{"--log-level", "loud"}, "--log-level is \"loud\": expected debug, info, warn or error"},
        {{"--db", ""}, "history.path (--db) is empty: expected the path of the SQLite file"},
        {{"--config", "/nonexistent/d.toml"}, "cannot read /nonexistent/d.toml: No such file or directory"},
        {{"--frobnicate"}, "unknown option \"--frobnicate\"; see replayd --help"},
        {{"--port", "8081"}, "unknown option \"--port\"; see replayd --help"},
        {{"--dashbord=x"}, "unknown option \"--dashbord\"; did you mean --dashboard?; see replayd --help"},
        {{"replayd.toml"}, "unexpected argument \"replayd.toml\"; see replayd --help"},
        {{"--db"}, "--db has no value: expected one after it"},
        {{"--scenario-dir"}, "--scenario-dir has no value: expected one after it"},
        {{"--db", "a", "--db", "b"}, "--db is given more than once: expected one"},
        {{"--version=maybe"}, "--version is \"maybe\": expected it alone, without a value"},
        {{"--config", "/"}, "/ is a folder: expected a file"},
    };
    for (const BadFlags& bad : cases) {
        const auto line = parse(bad.arguments);
        ASSERT_FALSE(line) << bad.message;
        EXPECT_EQ(line.error().message, bad.message);
    }
}

// Help and version are printed by main, so parsing hands their text out.
TEST(CommandLine, help_and_version_are_text_to_print) {
    const auto version = parse({"--version"});
    ASSERT_TRUE(version);
    EXPECT_EQ(version->print, "replayd " REPLAYD_VERSION "\n");
    const auto help = parse({"--help"});
    ASSERT_TRUE(help);
    EXPECT_NE(help->print.find("--port-file"), std::string::npos);
}

// Values that would break key=value parsing are quoted, control characters never reach the log.
TEST(Log, lines_are_key_value_pairs_on_one_line) {
    EXPECT_EQ(format_event("ready", {{"port", 80}, {"path", "a b"}, {"empty", ""}, {"text", "x\ny\"z"}}),
              "event=ready port=80 path=\"a b\" empty=\"\" text=\"x y\\\"z\"");
}

}  // namespace
}  // namespace replayd::config
