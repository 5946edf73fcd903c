// What bounds a stream at `max`, on one core: the engine with a sink that keeps nothing, over the given clusters, and
// the history's writer with the rows of the first of them. Prints one JSON object; pace.mjs puts it beside what the
// daemon does.
//
// usage: pace_limits TRACE SCENARIO.toml…

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/files/trace_file.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/sim/run.hpp"
#include "storage/history.hpp"

namespace replayd {
namespace {

using Clock = std::chrono::steady_clock;
using Compiled = std::shared_ptr<const CompiledScenario>;

constexpr int k_repeats = 3;  // of which the fastest counts
constexpr std::size_t k_rows_at_a_time = 1'000;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

template <class T>
T must(Result<T> result) {
    if (result) return std::move(*result);
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
}

Compiled compiled(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return must(compile(must(parse_scenario(text.str(), path))));
}

struct NoSink final : RecordSink {
    void on_request(RequestRecord&&) override { ++requests; }
    void on_window(WindowRecord&&) override {}
    std::int64_t requests = 0;
};

struct KeepingSink final : RecordSink {
    void on_request(RequestRecord&& record) override { records.push_back(std::move(record)); }
    void on_window(WindowRecord&&) override {}
    std::vector<RequestRecord> records;
};

void replay(const Compiled& scenario, const std::vector<Arrival>& arrivals, RecordSink& sink) {
    Run run(scenario, sink);
    for (const Arrival& arrival : arrivals) {
        run.offer(arrival);
        run.advance(arrival.at);
    }
    run.finish();
}

/// Of one request and run, mean over the clusters.
double engine_seconds(const std::vector<Compiled>& scenarios, const std::vector<Arrival>& arrivals) {
    double all = 0;
    for (const Compiled& scenario : scenarios) {
        double best = 1e9;
        for (int i = 0; i < k_repeats; ++i) {
            NoSink sink;
            const auto start = Clock::now();
            replay(scenario, arrivals, sink);
            best = std::min(best, seconds_since(start));
        }
        all += best;
    }
    return all / static_cast<double>(scenarios.size() * arrivals.size());
}

/// Until the last of the rows is committed, per row.
double row_seconds(const Compiled& scenario, const std::vector<Arrival>& arrivals, const std::string& file) {
    KeepingSink sink;
    replay(scenario, arrivals, sink);
    storage::HistoryOptions options;
    options.path = file;
    const auto history = must(storage::History::open(options));
    storage::StreamRow stream;
    stream.name = "rows";
    storage::RunRow row;
    row.stream_id = must(history->add_stream(stream)).id;
    row.scenario = "rows";
    const std::int64_t run = must(history->add_run(row, scenario->plans, scenario->scenario)).id;
    const auto start = Clock::now();
    for (auto from = sink.records.begin(); from != sink.records.end();) {
        const auto to = from + std::min<std::ptrdiff_t>(k_rows_at_a_time, sink.records.end() - from);
        history->add_requests(run, {from, to});
        from = to;
    }
    if (const auto done = history->flush(); !done) {
        std::fprintf(stderr, "%s\n", done.error().message.c_str());
        std::exit(1);
    }
    return seconds_since(start) / static_cast<double>(sink.records.size());
}

}  // namespace
}  // namespace replayd

int main(int argc, char** argv) {
    using namespace replayd;
    if (argc < 3) {
        std::fprintf(stderr, "usage: pace_limits TRACE SCENARIO.toml…\n");
        return 2;
    }
    const std::vector<Arrival> arrivals = must(files::read_trace(argv[1], {}));
    std::vector<Compiled> scenarios;
    for (int i = 2; i < argc; ++i) scenarios.push_back(compiled(argv[i]));
    const double engine = engine_seconds(scenarios, arrivals);
    const std::string folder = (std::filesystem::temp_directory_path() / "replayd-pace-XXXXXX").string();
    std::vector<char> made(folder.begin(), folder.end());
    made.push_back('\0');
    if (mkdtemp(made.data()) == nullptr) return 1;
    const double row = row_seconds(scenarios.front(), arrivals, std::string(made.data()) + "/history.db");
    std::filesystem::remove_all(made.data());
    std::printf("{\"requests\":%zu,\"engine_us\":%.3f,\"row_us\":%.3f}\n", arrivals.size(), engine * 1e6, row * 1e6);
}
