#include "daemon/replayctl/bisect_command.hpp"

#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/json_fields.hpp"
#include "daemon/replayctl/text_table.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

/// What each event is in a sentence about its request, in no order.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> k_sentences = {{
    {"arrived", "arrives"},
    {"rejected", "is rejected"},
    {"routed", "is routed"},
    {"scheduled", "is taken into its first step"},
    {"preempted", "is preempted"},
    {"first_token", "has its first token"},
    {"transfer", "begins to move its KV"},
    {"decode_ready", "has its KV at its decode replica"},
    {"finished", "finishes"},
    {"host_load", "asks for its KV from the host"},
    {"scaled", "(a pool) starts or drains a replica"},
}};

std::string sentence_of(const json::object& event) {
    const std::string name = text(event, "event");
    std::string said = name;
    for (const auto& [known, sentence] : k_sentences) {
        if (known == name) said = sentence;
    }
    const std::string id = text(event, "request");
    std::string out =
        (id.empty() ? "request number " + std::to_string(integer(event, "sequence")) : "request " + id) + " " + said;
    if (const auto replica = integer_if_any(event, "replica")) out += ", replica " + std::to_string(*replica);
    return out;
}

/// "A: request r7 finishes, replica 2" or "B: nothing then; the same 3.2 ms later".
std::string did_text(const json::object& answer, const char* name, const char* member) {
    const json::object& side = answer.at(member).as_object();
    std::string out = std::string(name) + ": ";
    out += side.at("event").is_null() ? "nothing more at that moment" : sentence_of(side.at("event").as_object());
    if (const auto later = integer_if_any(side, "same_later_ns")) {
        const std::int64_t after = *later - integer(answer, "at_ns");
        out +=
            "; what the other does it does " + (after == 0 ? "later in the same instant" : time_text(after) + " later");
    }
    return out + "\n";
}

std::string before_table(const json::object& answer) {
    TextTable table({{"replica before"},
                     {"waiting", Align::right},
                     {"running", Align::right},
                     {"incoming", Align::right},
                     {"KV used", Align::right},
                     {"cached", Align::right},
                     {"of", Align::right}});
    for (const auto& [name, member] : {std::pair{"A", "a_did"}, std::pair{"B", "b_did"}}) {
        const json::value& before = answer.at(member).at("replica_before");
        if (before.is_null()) return {};
        const json::object& replica = before.as_object();
        table.add_row({std::string(name) + ", " + text(replica, "pool") + " " + count_text(integer(replica, "replica")),
                       count_text(integer(replica, "waiting_count")), count_text(integer(replica, "running_count")),
                       count_text(integer(replica, "incoming")), count_text(integer(replica, "kv_blocks_used")),
                       count_text(integer(replica, "kv_blocks_cached")),
                       count_text(integer(replica, "kv_blocks_total"))});
    }
    return "\n" + table.render();
}

std::string scenario_table(const json::object& answer) {
    const json::array& differences = answer.at("scenario").as_array();
    if (differences.empty()) return "\nTheir scenarios say the same.\n";
    TextTable table({{"scenario"}, {"A"}, {"B"}});
    for (const json::value& value : differences) {
        const json::object& each = value.as_object();
        const auto shown = [&](const char* run) {
            return each.at(run).is_null() ? std::string("(left out)") : text(each, run);
        };
        table.add_row({text(each, "key"), shown("a"), shown("b")});
    }
    return "\n" + table.render();
}

std::string name_of(const json::object& answer, const char* run) {
    const json::object& object = answer.at(run).as_object();
    return "run " + std::to_string(integer(object, "run")) + " (" + text(object, "scenario") + ")";
}

std::string render(const json::object& answer) {
    std::string out = "A is " + name_of(answer, "a") + ", B is " + name_of(answer, "b") + ", stream " +
                      text(answer, "stream") + ".\n";
    const std::int64_t equal_until = integer(answer, "equal_until_ns");
    if (answer.at("equal").as_bool()) {
        return out + "They do the same up to " + time_text(equal_until) + " (" + std::to_string(equal_until) +
               " ns).\n" + scenario_table(answer);
    }
    const std::int64_t at = integer(answer, "at_ns");
    out += "They do the same before " + time_text(at) + " (" + std::to_string(at) + " ns). Then:\n";
    out += did_text(answer, "A", "a_did") + did_text(answer, "B", "b_did");
    return out + before_table(answer) + scenario_table(answer);
}

}  // namespace

Result<ExitStatus> bisect_runs(const BisectOptions& options) {
    const auto source = open_source(options.source);
    if (!source) return tl::unexpected(source.error());
    const auto answer = (*source)->difference(options.run_a, options.run_b);
    if (!answer) return tl::unexpected(answer.error());
    const std::string out = options.mode == OutputMode::json ? json::serialize(*answer) + '\n' : render(*answer);
    return print(out).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
