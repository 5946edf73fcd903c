#include "daemon/replayctl/compare_command.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/json_fields.hpp"
#include "daemon/replayctl/text_table.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

/// Parts or causes that a request is shown with.
constexpr std::size_t k_shown_causes = 3;
/// And the sums over all requests.
constexpr std::size_t k_ledger_shown = 6;

std::string signed_time(std::int64_t ns) { return (ns < 0 ? "-" : "+") + time_text(std::abs(ns)); }

std::string name_of(const json::object& answer, const char* run) {
    const json::object& object = answer.at(run).as_object();
    return "run " + std::to_string(integer(object, "run")) + " (" + text(object, "scenario") + ")";
}

/// "decode_compute +1.20 s, transfer -3.1 ms": the largest of `sums`.
std::string largest(const json::object& sums, std::size_t count) {
    std::vector<std::pair<std::string, std::int64_t>> parts;
    for (const auto& member : sums) {
        const std::int64_t ns = member.value().to_number<std::int64_t>();
        if (ns != 0) parts.emplace_back(member.key(), ns);
    }
    std::stable_sort(parts.begin(), parts.end(),
                     [](const auto& x, const auto& y) { return std::abs(x.second) > std::abs(y.second); });
    std::string out;
    for (std::size_t i = 0; i < std::min(count, parts.size()); ++i) {
        out += (i == 0 ? "" : ", ") + parts[i].first + " " + signed_time(parts[i].second);
    }
    return out.empty() ? "-" : out;
}

std::string counts_text(const json::object& answer) {
    std::string out = count_text(integer(answer, "differ")) + " of " + count_text(integer(answer, "pairs")) +
                      " requests differ: " + count_text(integer(answer, "b_slower")) + " end later in B, " +
                      count_text(integer(answer, "b_faster")) + " earlier";
    if (const std::int64_t rejected = integer(answer, "rejected_by_b"); rejected > 0) {
        out += ", B alone rejects " + count_text(rejected);
    }
    if (const std::int64_t rejected = integer(answer, "rejected_by_a"); rejected > 0) {
        out += ", A alone rejects " + count_text(rejected);
    }
    const std::int64_t ahead = integer(answer, "only_a") + integer(answer, "only_b");
    if (ahead > 0) {
        out += "; " + count_text(ahead) +
               (text(answer, "request_rows") == "objective_breaks" ? " have a row in one run only"
                                                                   : " have ended in one run only so far");
    }
    out += ".\n";
    if (const std::string kept = text(answer, "request_rows"); kept != "all") {
        out += "Only requests with a row in both runs can be paired; the stream keeps them by request_rows = " + kept +
               ".\n";
    }
    return out;
}

/// Who breaks an objective first, and by how much.
std::string break_text(const json::object& breaks, const char* key, const char* title) {
    const json::object& both = breaks.at(key).as_object();
    const auto a = integer_if_any(both, "a_ns");
    const auto b = integer_if_any(both, "b_ns");
    if (!a && !b) return "";
    const std::string objective = std::string(" the ") + title + " objective ";
    if (!a || !b) {
        return std::string(a ? "A" : "B") + " breaks" + objective + "at " + time_text(a ? *a : *b) + ", " +
               (a ? "B" : "A") + " does not.\n";
    }
    const std::int64_t earlier = *a - *b;
    if (earlier == 0) return "Both break" + objective + "at " + time_text(*a) + ".\n";
    return "B breaks" + objective + time_text(std::abs(earlier)) + (earlier > 0 ? " earlier" : " later") + ": at " +
           time_text(*b) + ", A at " + time_text(*a) + ".\n";
}

std::string differences_table(const json::object& answer) {
    const auto right = [](const char* title) { return TextTable::Column{title, Align::right}; };
    TextTable table({{"B - A"},
                     right("mean"), right("p10"), right("p50"), right("p90"), right("p99"), right("least"),
                     right("most")});
    for (const auto& [key, title] : {std::pair{"ttft", "TTFT"}, std::pair{"tpot", "TPOT"}, std::pair{"e2e", "E2E"}}) {
        if (!answer.at(key).is_object()) continue;
        const json::object& of = answer.at(key).as_object();
        std::vector<std::string> cells{title,
                                       signed_time(static_cast<std::int64_t>(of.at("mean_ns").to_number<double>()))};
        for (const char* figure : {"p10_ns", "p50_ns", "p90_ns", "p99_ns", "min_ns", "max_ns"}) {
            cells.push_back(signed_time(integer(of, figure)));
        }
        table.add_row(std::move(cells));
    }
    return table.render();
}

std::string requests_table(const json::array& requests) {
    TextTable table({{"request"},
                     {"E2E B - A", Align::right},
                     {"TTFT", Align::right},
                     {"most of it"},
                     {"waiting and interference for"}});
    for (const json::value& value : requests) {
        const json::object& pair = value.as_object();
        table.add_row({text(pair, "id"), signed_time(integer(pair, "e2e_ns")), signed_time(integer(pair, "ttft_ns")),
                       largest(pair.at("ledger_ns").as_object(), k_shown_causes),
                       largest(pair.at("blame_ns").as_object(), k_shown_causes)});
    }
    return table.render();
}

std::string render(const json::object& answer) {
    std::string out = "A is " + name_of(answer, "a") + ", B is " + name_of(answer, "b") + ", stream " +
                      text(answer, "stream") + ".\n";
    out += counts_text(answer);
    const json::object& breaks = answer.at("breaks").as_object();
    out += break_text(breaks, "ttft", "TTFT") + break_text(breaks, "tpot", "TPOT");
    if (integer(answer, "differ") == 0) return out;
    out += "\n" + differences_table(answer);
    out += "\nWhere it comes from, summed: " + largest(answer.at("ledger_ns").as_object(), k_ledger_shown) + "\n";
    out += "waiting and interference for: " + largest(answer.at("blame_ns").as_object(), k_ledger_shown) + "\n";
    const json::array& requests = answer.at("requests").as_array();
    return requests.empty() ? out : out + "\n" + requests_table(requests);
}

}  // namespace

Result<ExitStatus> compare_runs(const CompareOptions& options) {
    const auto source = open_source(options.source);
    if (!source) return tl::unexpected(source.error());
    const auto answer = (*source)->compare(options.run_a, options.run_b, options.limit, options.quantile);
    if (!answer) return tl::unexpected(answer.error());
    const std::string out = options.mode == OutputMode::json ? json::serialize(*answer) + '\n' : render(*answer);
    return print(out).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
