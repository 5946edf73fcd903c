#include "daemon/replayctl/open_metrics.hpp"

#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "replay/base/units.hpp"

namespace replayd::ctl {
namespace {

constexpr std::size_t k_piece_bytes = 1U << 20U;
constexpr std::array<std::string_view, 3> k_quantiles = {"0.5", "0.9", "0.99"};

/// One column of a query on windows, as one series of a family.
struct Series {
    std::string labels;      ///< behind those of the run: `,quantile="0.5"`
    std::string_view suffix;  ///< of the sample's name: "_total", "_count"
    std::string expression;  ///< SQL on the window `w`; NULL: no sample then
};

struct Family {
    std::string_view name;
    std::string_view type;
    std::string_view help;
    std::vector<Series> series;
    bool of_pools = false;  ///< the expression is on `p`, a row of pool_window, and there is a series per pool
};

std::string seconds(const std::string& ns) {
    return "(" + ns + ") / 1e9";
}

/// Counters grow from window to window.
std::string running_sum(const std::string& column) {
    return "sum(" + column + ") OVER (ORDER BY w.start_ns)";
}

Family latency(std::string_view name, std::string_view help, const std::string& column) {
    Family family{name, "summary", help, {}};
    for (const std::string_view quantile : k_quantiles) {
        family.series.push_back({",quantile=\"" + std::string(quantile) + "\"", "",
                                 seconds("histogram_quantile(w." + column + ", " + std::string(quantile) + ")")});
    }
    family.series.push_back({"", "_count", running_sum("histogram_count(w." + column + ")")});
    return family;
}

Family counter(std::string_view name, std::string_view help, const std::string& column) {
    return {name, "counter", help, {{"", "_total", running_sum(column)}}};
}

Family gauge(std::string_view name, std::string_view help, std::string expression) {
    return {name, "gauge", help, {{"", "", std::move(expression)}}};
}

Family pool_gauge(std::string_view name, std::string_view help, std::string expression) {
    return {name, "gauge", help, {{"", "", std::move(expression)}}, true};
}

std::vector<Family> families() {
    return {
        latency("replayd_ttft_seconds", "Time to first token", "ttft"),
        latency("replayd_tpot_seconds", "Time per output token after the first", "tpot"),
        latency("replayd_e2e_seconds", "End-to-end latency", "e2e"),
        latency("replayd_queue_seconds", "Arrival until first scheduled", "queue"),
        gauge("replayd_ttft_objective_seconds", "Objective of the scenario for the time to first token", seconds("?2")),
        gauge("replayd_tpot_objective_seconds", "Objective of the scenario for the time per output token",
              seconds("?3")),
        gauge("replayd_slo_attainment_ratio", "Share of the window's finished requests within every objective",
              "CASE WHEN w.finished > 0 THEN w.within_slo * 1.0 / w.finished END"),
        gauge("replayd_requests_waiting", "Requests that wait at the end of the window", "w.waiting"),
        gauge("replayd_requests_running", "Requests that run", "w.running"),
        gauge("replayd_requests_transferring", "Requests whose KV is under way", "w.transferring"),
        counter("replayd_requests_arrived", "Requests arrived so far", "w.arrived"),
        counter("replayd_requests_finished", "Requests finished so far", "w.finished"),
        counter("replayd_requests_rejected", "Requests rejected so far", "w.rejected"),
        counter("replayd_prompt_tokens", "Prompt tokens computed so far", "w.prompt_tokens"),
        counter("replayd_output_tokens", "Output tokens made so far", "w.output_tokens"),
        counter("replayd_preemptions", "Recompute preemptions so far", "w.preemptions"),
        pool_gauge("replayd_kv_usage_ratio", "KV blocks in use at the end of the window",
                   "CASE WHEN p.kv_blocks_total > 0 THEN p.kv_blocks_used * 1.0 / p.kv_blocks_total END"),
        pool_gauge("replayd_pool_requests_waiting", "Requests that wait in the pool", "p.waiting"),
        pool_gauge("replayd_pool_requests_running", "Requests that run in the pool", "p.running")};
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') out += '\\';
        out += c;
    }
    return out;
}

std::string number(double value) {
    std::array<char, 64> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() ? std::string(text.data(), end) : "NaN";
}

/// Seconds with the milliseconds that Prometheus keeps.
std::string timestamp(std::int64_t unix_ms) {
    const std::string part = std::to_string(1'000 + unix_ms % 1'000);
    return std::to_string(unix_ms / 1'000) + "." + part.substr(1);
}

class Writer {
public:
    Writer(storage::Connection& history, std::optional<std::int64_t> start_unix_s, files::OutputFile& out)
        : history_(history), start_unix_s_(start_unix_s), out_(out) {}

    Result<std::int64_t> write(const std::vector<ExportedRun>& runs) {
        for (const Family& family : families()) {
            const std::string name(family.name);
            text_ += "# TYPE " + name + " " + std::string(family.type) + "\n# HELP " + name + " " +
                     std::string(family.help) + "\n";
            for (const ExportedRun& run : runs) {
                for (const Series& series : family.series) {
                    if (auto done = write_series(family, series, run); !done) return tl::unexpected(done.error());
                }
            }
        }
        text_ += "# EOF\n";
        if (auto written = out_.write(text_); !written) return tl::unexpected(written.error());
        return samples_;
    }

private:
    [[nodiscard]] Result<void> write_series(const Family& family, const Series& series, const ExportedRun& run) {
        const std::string sql =
            family.of_pools
                ? "SELECT w.start_ns + w.length_ns, " + series.expression +
                      ", pool.name FROM pool_window p JOIN window w ON w.run_id = p.run_id AND w.start_ns = p.start_ns "
                      "JOIN pool ON pool.run_id = p.run_id AND pool.pool = p.pool WHERE p.run_id = ?1 "
                      "ORDER BY p.pool, w.start_ns"
                : "SELECT w.start_ns + w.length_ns, " + series.expression +
                      " FROM window w WHERE w.run_id = ?1 ORDER BY w.start_ns";
        auto rows = history_.prepare(sql);
        if (!rows) return tl::unexpected(rows.error());
        rows->bind(1, run.id);
        if (series.expression.find("?2") != std::string::npos) bind_objective(*rows, 2, run.slo_ttft_ns);
        if (series.expression.find("?3") != std::string::npos) bind_objective(*rows, 3, run.slo_tpot_ns);
        const std::string head = std::string(family.name) + std::string(series.suffix) + "{stream=\"" +
                                 escaped(run.stream) + "\",scenario=\"" + escaped(run.scenario) + "\",run=\"" +
                                 std::to_string(run.id) + "\"" + series.labels;
        const std::int64_t start_ms = start_unix_s_ ? *start_unix_s_ * 1'000 : run.created_ms;
        for (;;) {
            const auto row = rows->step();
            if (!row) return tl::unexpected(row.error());
            if (!*row) return {};
            if (rows->is_null(1)) continue;
            const std::string pool = family.of_pools ? ",pool=\"" + escaped(rows->text(2)) + "\"" : "";
            text_ += head + pool + "} " + number(rows->real(1)) + " " +
                     timestamp(start_ms + rows->integer(0) / k_ns_per_ms) + "\n";
            ++samples_;
            if (text_.size() < k_piece_bytes) continue;
            if (auto written = out_.write(text_); !written) return written;
            text_.clear();
        }
    }

    static void bind_objective(storage::Statement& rows, int parameter, std::optional<std::int64_t> ns) {
        ns ? rows.bind(parameter, *ns) : rows.bind_null(parameter);
    }

    storage::Connection& history_;
    const std::optional<std::int64_t> start_unix_s_;
    files::OutputFile& out_;
    std::string text_;
    std::int64_t samples_ = 0;
};

}  // namespace

Result<std::int64_t> write_open_metrics(storage::Connection& history, const std::vector<ExportedRun>& runs,
                                        std::optional<std::int64_t> start_unix_s, files::OutputFile& out) {
    return Writer(history, start_unix_s, out).write(runs);
}

}  // namespace replayd::ctl
