#include "daemon/replayctl/run_table.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/json_fields.hpp"
#include "daemon/replayctl/text_table.hpp"
#include "replay/base/units.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

constexpr std::size_t k_runs_per_block = 3;
constexpr const char* k_absent = "–";

std::string count(const json::object& run, std::string_view name) {
    const auto value = integer_if_any(run, name);
    return value ? count_text(*value) : k_absent;
}

std::string time(const json::object& object, std::string_view name) {
    const auto value = integer_if_any(object, name);
    return value ? time_text(*value) : k_absent;
}

std::string percent(const json::object& run, std::string_view name) {
    const auto value = real_if_any(run, name);
    return value ? percent_text(*value) : k_absent;
}

std::string latency(const json::object& run, std::string_view metric, std::string_view quantile) {
    return time(run.at(metric).as_object(), quantile);
}

std::string objectives(const json::object& run) {
    const json::object& slo = run.at("slo").as_object();
    std::string text;
    if (const auto ttft = integer_if_any(slo, "ttft_ns")) text = "TTFT ≤ " + time_text(*ttft);
    if (const auto tpot = integer_if_any(slo, "tpot_ns")) {
        text += (text.empty() ? "" : ", ") + ("TPOT ≤ " + time_text(*tpot));
    }
    return text.empty() ? "none" : text;
}

/// A run without objectives has nothing to attain.
std::string attainment(const json::object& run) {
    return objectives(run) == "none" ? k_absent : percent(run, "slo_attainment");
}

std::string output_rate(const json::object& run) {
    const std::int64_t virtual_ns = integer(run, "virtual_ns");
    if (virtual_ns == 0) return k_absent;
    return decimal_text(static_cast<double>(integer(run, "output_tokens")) * 1e9 / static_cast<double>(virtual_ns), 1);
}

std::string wall_time(const json::object& run) {
    return time_text(static_cast<std::int64_t>(*real_if_any(run, "wall_ms") * static_cast<double>(k_ns_per_ms)));
}

std::string speedup(const json::object& run) {
    return count_text(static_cast<std::int64_t>(real_if_any(run, "speedup").value_or(0)));
}

std::string gpu_hours(const json::object& run) {
    constexpr double k_ns_per_hour = 3.6e12;
    return decimal_text(real_if_any(run, "gpu_ns").value_or(0) / k_ns_per_hour, 2);
}

/// What the GPUs were paid for, idle time included, over what came out.
std::string gpu_seconds_per_thousand(const json::object& run) {
    const std::int64_t tokens = integer(run, "output_tokens");
    if (tokens == 0) return k_absent;
    return decimal_text(real_if_any(run, "gpu_ns").value_or(0) * 1e-9 * 1000 / static_cast<double>(tokens), 3);
}

/// "123 (sampled:0.01)": how many, and by which policy.
std::string rows_left_out(const json::object& run) {
    const std::string policy = text(run, "request_rows");
    return policy == "all" ? "0" : count(run, "request_rows_left_out") + " (" + policy + ")";
}

/// Any of the runs is of a stream that does not keep a row of every request.
bool keeps_some_rows_only(const json::array& runs) {
    return std::any_of(runs.begin(), runs.end(), [](const json::value& run) {
        const std::string policy = text(run.as_object(), "request_rows");
        return !policy.empty() && policy != "all";
    });
}

struct Line {
    std::string title;
    std::function<std::string(const json::object&)> cell;
    const char* only_with = nullptr;  ///< the line is left out unless the first run has this member
};

std::vector<Line> lines(bool some_rows_left_out) {
    std::vector<Line> all = {
        {"requests finished", [](const json::object& run) { return count(run, "finished"); }},
        {"requests rejected", [](const json::object& run) { return count(run, "rejected"); }}};
    for (const auto& [title, metric] :
         {std::pair("TTFT", "ttft"), std::pair("TPOT", "tpot"), std::pair("E2E", "e2e")}) {
        for (const auto& [name, quantile] :
             {std::pair(" p50", "p50_ns"), std::pair(" p90", "p90_ns"), std::pair(" p99", "p99_ns")}) {
            all.push_back({std::string(title) + name, [m = std::string(metric), q = std::string(quantile)](
                                                          const json::object& run) { return latency(run, m, q); }});
        }
    }
    if (some_rows_left_out) all.push_back({"requests without a row", rows_left_out});
    const std::vector<Line> rest = {
        {"objectives", objectives},
        {"requests within them", attainment},
        {"output tokens/s (virtual)", output_rate},
        {"preemptions", [](const json::object& run) { return count(run, "preemptions"); }},
        {"KV cache, peak of windows", [](const json::object& run) { return percent(run, "kv_usage_peak"); },
         "kv_usage_peak"},
        {"GPU-hours", gpu_hours, "gpu_ns"},
        {"GPU-seconds per 1,000 output tokens", gpu_seconds_per_thousand, "gpu_ns"},
        {"replicas started / stopped",
         [](const json::object& run) {
             return count(run, "replicas_started") + " / " + count(run, "replicas_stopped");
         },
         "replicas_started"},
        {"virtual time", [](const json::object& run) { return time(run, "virtual_ns"); }},
        {"wall time", wall_time, "wall_ms"},
        {"× real time", speedup, "wall_ms"},
        {"run", [](const json::object& run) { return count(run, "id"); }, "id"},
        {"state", [](const json::object& run) { return text(run, "state"); }},
        {"state hash",
         [](const json::object& run) { return text(run, "hash").empty() ? k_absent : text(run, "hash"); }}};
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
}

std::string block(const json::array& runs, std::size_t first, std::size_t end) {
    std::vector<TextTable::Column> columns = {{"scenario", Align::left}};
    for (std::size_t i = first; i < end; ++i) {
        columns.push_back({text(runs[i].as_object(), "scenario"), Align::right});
    }
    TextTable table(std::move(columns));
    for (const Line& line : lines(keeps_some_rows_only(runs))) {
        if (line.only_with != nullptr && !runs[first].as_object().contains(line.only_with)) continue;
        std::vector<std::string> cells = {line.title};
        for (std::size_t i = first; i < end; ++i) cells.push_back(line.cell(runs[i].as_object()));
        table.add_row(std::move(cells));
    }
    return table.render();
}

}  // namespace

std::string comparison_table(const json::array& runs) {
    std::string out;
    for (std::size_t first = 0; first < runs.size(); first += k_runs_per_block) {
        if (first > 0) out += '\n';
        out += block(runs, first, std::min(first + k_runs_per_block, runs.size()));
    }
    return out;
}

std::string run_list(const json::array& runs) {
    const bool left_out = keeps_some_rows_only(runs);
    std::vector<TextTable::Column> columns = {{"run", Align::right},
                                              {"stream"},
                                              {"scenario"},
                                              {"state"},
                                              {"finished", Align::right},
                                              {"rejected", Align::right},
                                              {"TTFT p50", Align::right},
                                              {"TTFT p99", Align::right},
                                              {"TPOT p50", Align::right},
                                              {"TPOT p99", Align::right},
                                              {"within SLO", Align::right},
                                              {"virtual", Align::right},
                                              {"created (UTC)"},
                                              {"state hash"}};
    if (left_out) columns.push_back({"requests without a row", Align::right});
    TextTable table(std::move(columns));
    for (const json::value& value : runs) {
        const json::object& run = value.as_object();
        std::vector<std::string> cells = {
            std::to_string(integer(run, "id")), text(run, "stream"), text(run, "scenario"),
            text(run, "state"), count(run, "finished"), count(run, "rejected"),
            latency(run, "ttft", "p50_ns"), latency(run, "ttft", "p99_ns"), latency(run, "tpot", "p50_ns"),
            latency(run, "tpot", "p99_ns"), attainment(run), time(run, "virtual_ns"),
            date_text(integer(run, "created_ms")), text(run, "hash")};
        if (left_out) cells.push_back(rows_left_out(run));
        table.add_row(std::move(cells));
    }
    return table.render();
}

}  // namespace replayd::ctl
