// p99 of TTFT in every hour of a day with 2,000,000 requests, by SQL: from the histograms of the windows, and exactly
// from the rows. Prints both times and the largest relative error; the histograms' stated error is 1/128. Bound: 8,640
// windows of 10 s with some 230 values each are read from the page cache, a few megabytes.
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "replay/base/random.hpp"
#include "storage/history.hpp"
#include "storage/query.hpp"

namespace {

using namespace replayd;
using namespace replayd::storage;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t k_rows = 2'000'000;
constexpr Duration k_day{86'400 * k_ns_per_s};
constexpr Duration k_window{10 * k_ns_per_s};
constexpr int k_repetitions = 7;
constexpr double k_stated_error = 1.0 / 128;

void check(bool good, const std::string& what) {
    if (good) return;
    std::fprintf(stderr, "percentile_bench: %s\n", what.c_str());
    std::exit(1);
}

/// TTFT about log-normal around 200 ms, slower at noon.
Duration ttft_of(Random& random, double day) {
    return Duration(std::llround(2e8 * std::exp(0.8 * random.normal()) * (1 + std::sin(day * M_PI))));
}

void fill(History& history) {
    StreamRow stream;
    stream.name = "bench";
    RunRow run;
    run.stream_id = history.add_stream(stream).value().id;
    run = history.add_run(run, {}, Scenario{}).value();
    Random random(1);
    std::vector<RequestRecord> rows;
    WindowRecord window;
    window.length = k_window;
    const auto close = [&] {
        history.add_requests(run.id, std::exchange(rows, {}));
        history.add_window(run.id, {window});
        window.ttft = Histogram();
        window.start = window.start + k_window;
    };
    for (std::int64_t i = 0; i < k_rows; ++i) {
        const VirtualTime first_token(
            static_cast<std::int64_t>(static_cast<double>(i) / k_rows * static_cast<double>(k_day.value)) +
            k_day.value);
        while (window.start.ns == 0 || first_token >= window.start + k_window) {
            if (window.start.ns == 0) window.start = VirtualTime(k_day.value);
            else close();
        }
        RequestRecord row;
        row.sequence = i;
        row.id = "r" + std::to_string(i);
        row.prompt = Tokens(1000);
        row.output = Tokens(1);
        row.arrived = first_token - ttft_of(random, static_cast<double>(i) / k_rows);
        row.scheduled = row.arrived;
        row.first_token = row.decode_started = row.finished = first_token;
        row.ledger[LedgerPart::prefill_compute] = row.ttft();
        window.ttft.record(row.ttft().value);
        rows.push_back(std::move(row));
    }
    close();
    check(history.flush().has_value(), "flush failed");
}

struct Timed {
    double best_ms = 0;
    double median_ms = 0;
    double cpu_ms = 0;  ///< of a repetition: what a busy machine leaves of the figure
    std::vector<std::vector<Cell>> rows;
};

Timed timed(Reader& reader, const char* sql, int repetitions) {
    QueryLimits limits;
    limits.time_max = std::chrono::minutes(5);
    Timed out;
    std::vector<double> times;
    const std::clock_t cpu = std::clock();
    for (int i = 0; i < repetitions; ++i) {
        const auto start = Clock::now();
        auto table = reader.query(sql, limits);
        times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
        check(table.has_value(), table ? "" : table.error().message);
        out.rows = std::move(table->rows);
    }
    out.cpu_ms = 1e3 * static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC / repetitions;
    std::sort(times.begin(), times.end());
    out.best_ms = times.front();
    out.median_ms = times[times.size() / 2];
    return out;
}

}  // namespace

int main() {
    std::string folder = (std::filesystem::temp_directory_path() / "replayd-bench-XXXXXX").string();
    check(mkdtemp(folder.data()) != nullptr, "cannot make a directory");
    const std::string path = folder + "/history.sqlite";
    {
        HistoryOptions options;
        options.path = path;
        auto history = History::open(options);
        check(history.has_value(), "cannot open the history");
        fill(**history);
    }
    auto reader = Reader::open(path).value();
    const Timed windows =
        timed(*reader,
              "SELECT start_ns / 3600000000000 AS hour, histogram_quantile(histogram_merge(ttft), 0.99) "
              "FROM window GROUP BY hour ORDER BY hour",
              k_repetitions);
    const Timed exact =
        timed(*reader,
              "SELECT first_token_ns / 3600000000000 AS hour, percentile(first_token_ns - arrived_ns, 99) "
              "FROM request GROUP BY hour ORDER BY hour",
              1);
    check(windows.rows.size() == 24 && exact.rows.size() == 24, "expected 24 hours");
    double error = 0;
    for (std::size_t i = 0; i < exact.rows.size(); ++i) {
        check(windows.rows[i][0] == exact.rows[i][0], "the hours differ");
        const auto of = [&](const Timed& answer) {
            return static_cast<double>(std::get<std::int64_t>(answer.rows[i][1]));
        };
        error = std::max(error, std::abs(of(windows) / of(exact) - 1));
    }
    std::printf(
        "p99 TTFT of 24 hours, %ld rows: windows %.1f ms (median of %d; best %.1f; %.1f of processor), rows %.0f ms "
        "(%.0f of processor), ratio %.0f; largest error %.3f %% (stated %.2f %%)\n",
        static_cast<long>(k_rows), windows.median_ms, k_repetitions, windows.best_ms, windows.cpu_ms, exact.median_ms,
        exact.cpu_ms, exact.median_ms / windows.median_ms, 100 * error, 100 * k_stated_error);
    std::filesystem::remove_all(folder);
    return error <= k_stated_error ? 0 : 1;
}
