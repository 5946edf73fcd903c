#include "daemon/replayctl/at_command.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/json_fields.hpp"
#include "daemon/replayctl/text_table.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

TextTable::Column right(const char* title) { return {title, Align::right}; }

/// "3 prompts' tokens 2,048 + 17 decodes, 12.3 ms in, 4.5 ms to go" of the oldest step; "idle".
std::string step_text(const json::object& replica, std::int64_t at) {
    const json::array& steps = replica.at("steps").as_array();
    if (steps.empty()) return "idle";
    const json::object& step = steps.front().as_object();
    std::string out;
    if (const std::int64_t tokens = integer(step, "prompt_tokens"); tokens > 0) {
        out = count_text(tokens) + " prompt tokens";
    }
    if (const std::int64_t decodes = integer(step, "decodes"); decodes > 0) {
        out += (out.empty() ? "" : " + ") + count_text(decodes) + " decodes";
    }
    return out + ", " + time_text(at - integer(step, "began_ns")) + " in, " + time_text(integer(step, "ends_ns") - at) +
           " to go" + (steps.size() > 1 ? ", " + std::to_string(steps.size() - 1) + " behind" : "");
}

std::string oldest_wait(const json::object& replica, std::int64_t at) {
    const json::array& waiting = replica.at("waiting").as_array();
    return waiting.empty() ? "-" : time_text(at - integer(waiting.front().as_object(), "since_ns"));
}

std::string replicas_table(const json::object& answer) {
    const std::int64_t at = integer(answer, "at_ns");
    TextTable table({right("replica"),
                     {"pool"},
                     right("waiting"),
                     right("head waits"),
                     right("running"),
                     right("incoming"),
                     right("KV used"),
                     right("cached"),
                     right("of"),
                     {"step"}});
    for (const json::value& value : answer.at("replicas").as_array()) {
        const json::object& replica = value.as_object();
        const std::string phase = text(replica, "phase");
        table.add_row({count_text(integer(replica, "replica")),
                       text(replica, "pool") + (phase == "active" ? "" : " (" + phase + ")"),
                       count_text(integer(replica, "waiting_count")), oldest_wait(replica, at),
                       count_text(integer(replica, "running_count")), count_text(integer(replica, "incoming")),
                       count_text(integer(replica, "kv_blocks_used")), count_text(integer(replica, "kv_blocks_cached")),
                       count_text(integer(replica, "kv_blocks_total")), step_text(replica, at)});
    }
    return table.render();
}

void add_requests(TextTable& table, const json::object& replica, const char* list, const char* state) {
    for (const json::value& value : replica.at(list).as_array()) {
        const json::object& request = value.as_object();
        const json::value* part = request.if_contains("waits_in");
        table.add_row(
            {count_text(integer(replica, "replica")), part == nullptr ? state : text(request, "waits_in"),
             text(request, "id"), time_text(integer(request, "age_ns")),
             count_text(integer(request, "computed_tokens")), count_text(integer(request, "prompt_tokens")),
             count_text(integer(request, "generated_tokens")) + "/" + count_text(integer(request, "output_tokens")),
             count_text(integer(request, "kv_blocks")), count_text(integer(request, "preemptions"))});
    }
}

std::string requests_table(const json::object& answer) {
    TextTable table({right("replica"),
                     {"state"},
                     {"request"},
                     right("age"), right("computed"), right("prompt"), right("output"), right("blocks"),
                     right("preempted")});
    for (const json::value& value : answer.at("replicas").as_array()) {
        add_requests(table, value.as_object(), "waiting", "waiting");
        add_requests(table, value.as_object(), "running", "running");
    }
    return table.render();
}

std::string transfers_table(const json::object& answer) {
    const std::int64_t at = integer(answer, "at_ns");
    TextTable table({{"KV of"}, {"state"}, right("from"), right("to"), right("since")});
    for (const json::value& value : answer.at("transfers").as_array()) {
        const json::object& transfer = value.as_object();
        const auto to = integer_if_any(transfer, "destination");
        table.add_row({text(transfer, "id"), text(transfer, "state"), count_text(integer(transfer, "source")),
                       to ? count_text(*to) : "-", time_text(at - integer(transfer, "since_ns"))});
    }
    return table.render();
}

std::string render(const json::object& answer) {
    std::string out = "Run " + std::to_string(integer(answer, "run")) + " (" + text(answer, "scenario") + ", stream " +
                      text(answer, "stream") + ") at " + time_text(integer(answer, "at_ns")) + ": " +
                      count_text(integer(answer, "arrived")) + " arrived, " + count_text(integer(answer, "waiting")) +
                      " waiting, " + count_text(integer(answer, "running")) + " running, " +
                      count_text(integer(answer, "transferring")) + " with KV under way, " +
                      count_text(integer(answer, "finished")) + " finished, " +
                      count_text(integer(answer, "rejected")) + " rejected.\n\n";
    out += replicas_table(answer);
    bool any = false;
    for (const json::value& value : answer.at("replicas").as_array()) {
        any |= !value.at("waiting").as_array().empty() || !value.at("running").as_array().empty();
    }
    if (any) out += "\n" + requests_table(answer);
    if (!answer.at("transfers").as_array().empty()) out += "\n" + transfers_table(answer);
    return out;
}

}  // namespace

Result<ExitStatus> show_moment(const AtOptions& options) {
    const auto source = open_source(options.source);
    if (!source) return tl::unexpected(source.error());
    const auto answer = (*source)->moment(options.run, options.at_ns, static_cast<std::size_t>(options.listed));
    if (!answer) return tl::unexpected(answer.error());
    const std::string out = options.mode == OutputMode::json ? json::serialize(*answer) + '\n' : render(*answer);
    return print(out).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
