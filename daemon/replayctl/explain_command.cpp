// `replayctl explain`: one request's latency, part by part.

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "daemon/net/quoted.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/json_fields.hpp"
#include "daemon/replayctl/query_command.hpp"
#include "daemon/replayctl/text_table.hpp"
#include "replay/sim/records.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

constexpr int k_bar_characters = 24;

/// What each part means, in the order of LedgerPart.
constexpr std::array<std::string_view, k_ledger_parts> k_sentences = {
    "held at the gateway before routing",
    "waiting for a replica that can be routed to",
    "on its replica, waiting for the first step to work on it",
    "computing the prompt: what its own tokens alone would cost",
    "prompt unfinished, but steps had no token budget for it",
    "prompt done, waiting for room at the decode replica or for the link",
    "moving the KV cache to the decode replica",
    "KV cache there, waiting for the first decode step",
    "generating tokens: what this sequence alone would cost",
    "steps were longer because others shared the batch",
    "evicted from the KV cache, waiting to be scheduled again",
    "computing again what the eviction lost",
};

/// What each cause means, in the order of BlameCause.
constexpr std::array<std::string_view, k_blame_causes> k_cause_sentences = {
    "waited to be seen: the scheduler decides one step ahead",
    "waited for the end of a step that began before it came",
    "waited while the token budget of steps went to requests before it",
    "waited while as many requests ran as may run (max_sequences)",
    "waited for KV blocks that others held",
    "waited by a rule of the batch policy (static batch, padded limit)",
    "waited for the end of a step of the replica's other data-parallel ranks",
    "waited for another replica, which autoscaling was starting",
    "KV waited for blocks at a decode replica",
    "KV waited for a place among the sequences of a decode replica",
    "KV waited for another decode replica, which autoscaling was starting",
    "KV shared its link with others",
    "its steps also computed prompts of others",
    "its steps also decoded others",
    "another data-parallel rank had more to do in its steps",
    "pipeline stages worked on other batches",
};

std::string share_bar(double share) {
    // Eighths of a character, so that small parts are seen.
    constexpr std::array<std::string_view, 8> k_eighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const auto eighths = static_cast<std::size_t>(std::max(1.0, share * k_bar_characters * 8));
    std::string text;
    for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
    return text + std::string(k_eighths[eighths % 8]);
}

std::string headline(const json::object& request) {
    std::string out = "request " + text(request, "id") + " in run " + std::to_string(integer(request, "run")) + ", " +
                      text(request, "scenario") + ": " + text(request, "outcome");
    const std::string reason = text(request, "reject_reason");
    if (!reason.empty()) out += ": " + reason;
    out += "\n  arrived at " + time_text(integer(request, "arrived_ns")) + ", " +
           count_text(integer(request, "prompt_tokens")) + " prompt tokens (" +
           count_text(integer(request, "cached_tokens")) + " cached), " +
           count_text(integer(request, "output_tokens")) + " output tokens, " +
           count_text(integer(request, "preemptions")) + " preemptions\n";
    return out;
}

std::string latencies(const json::object& request) {
    const bool finished = text(request, "outcome") == "finished";
    std::string out = "  ";
    if (finished) out += "TTFT " + time_text(integer(request, "ttft_ns")) + "   ";
    if (const auto tpot = integer_if_any(request, "tpot_ns")) out += "TPOT " + time_text(*tpot) + "   ";
    out += "E2E " + time_text(integer(request, "e2e_ns"));
    if (const auto ttft = integer_if_any(request, "observed_ttft_ns")) out += "   observed TTFT " + time_text(*ttft);
    if (const auto e2e = integer_if_any(request, "observed_e2e_ns")) out += "   observed E2E " + time_text(*e2e);
    return out + "\n\n";
}

/// A line per cause of waiting and interference, the largest first; nothing if there are none.
std::string blamed(const json::object& request, std::int64_t e2e) {
    const json::object& blame = request.at("blame_ns").as_object();
    std::vector<std::pair<std::int64_t, std::size_t>> causes;
    for (std::size_t i = 0; i < k_blame_causes; ++i) {
        if (const std::int64_t ns = integer(blame, k_blame_cause_names[i]); ns > 0) causes.emplace_back(ns, i);
    }
    if (causes.empty()) return {};
    std::stable_sort(causes.begin(), causes.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    TextTable table(
        {{"because of"}, {"time", Align::right}, {"share", Align::right}, {"what waiting and interference were for"}});
    for (const auto& [ns, cause] : causes) {
        table.add_row({std::string(k_blame_cause_names[cause]), time_text(ns),
                       percent_text(static_cast<double>(ns) / static_cast<double>(e2e)),
                       std::string(k_cause_sentences[cause])});
    }
    return '\n' + table.render();
}

struct Explained {
    std::string text;
    bool sums = false;  ///< the parts sum to E2E
};

Explained explained(const json::object& request) {
    const json::object& ledger = request.at("ledger_ns").as_object();
    const std::int64_t e2e = integer(request, "e2e_ns");
    std::int64_t sum = 0;
    std::size_t empty = 0;
    TextTable table({{"part"}, {"time", Align::right}, {"share", Align::right}, {""}, {"what happened"}});
    for (std::size_t i = 0; i < k_ledger_parts; ++i) {
        const std::int64_t ns = integer(ledger, k_ledger_part_names[i]);
        sum += ns;
        if (ns == 0) {
            ++empty;
            continue;
        }
        const double share = e2e == 0 ? 0 : static_cast<double>(ns) / static_cast<double>(e2e);
        table.add_row({std::string(k_ledger_part_names[i]), time_text(ns), percent_text(share), share_bar(share),
                       std::string(k_sentences[i])});
    }
    Explained out;
    out.sums = sum == e2e;
    out.text = headline(request) + latencies(request);
    if (empty < k_ledger_parts) out.text += table.render();
    if (empty > 0) out.text += "(" + std::to_string(empty) + " parts are 0)\n";
    out.text += "sum of parts " + std::string(out.sums ? "=" : "≠") + " E2E: " + count_text(sum) + " ns " +
                (out.sums ? "=" : "≠") + ' ' + count_text(e2e) + " ns\n" + blamed(request, e2e);
    return out;
}

/// Why a request that arrived may have no row: streams of the runs in question that do not keep every one.
Result<std::string> policies(HistorySource& source, std::optional<std::int64_t> wanted) {
    constexpr std::size_t k_runs_looked_at = 1000;
    const auto runs = source.runs("", k_runs_looked_at);
    if (!runs) return tl::unexpected(runs.error());
    std::string remark;
    for (const json::value& value : *runs) {
        const json::object& run = value.as_object();
        if (wanted && integer(run, "id") != *wanted) continue;
        const std::string policy = text(run, "request_rows");
        if (policy == "all") continue;
        remark = "; stream " + net::quoted(text(run, "stream")) + " keeps rows by request_rows = " + policy +
                 ", so it may have none there";
        break;
    }
    return remark;
}

}  // namespace

Result<ExitStatus> explain(const ExplainOptions& options) {
    auto source = open_source(options.source);
    if (!source) return tl::unexpected(source.error());
    auto requests = (*source)->requests(options.request, options.run);
    if (!requests) return tl::unexpected(requests.error());
    if (requests->empty()) {
        const auto remark = policies(**source, options.run);
        if (!remark) return tl::unexpected(remark.error());
        const std::string where = options.run ? "run " + std::to_string(*options.run) + " has" : "no run has";
        return fail(Code::not_found, where + (options.run ? " no request " : " a request ") +
                                         net::quoted(options.request) + *remark +
                                         "; `replayctl query \"SELECT run_id, request_id FROM request_latency LIMIT "
                                         "10\"` shows some");
    }
    bool all_sum = true;
    std::string out;
    for (const json::value& request : *requests) {
        const Explained one = explained(request.as_object());
        all_sum = all_sum && one.sums;
        out += (out.empty() ? "" : "\n") + one.text;
    }
    if (options.mode == OutputMode::json) out = json::serialize(json::object{{"items", std::move(*requests)}}) + '\n';
    if (auto printed = print(out); !printed) return tl::unexpected(printed.error());
    if (!all_sum) return fail(Code::internal, "the ledger of a request does not sum to its E2E: please report it");
    return ExitStatus::ok;
}

}  // namespace replayd::ctl
