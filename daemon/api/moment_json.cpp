#include "daemon/api/moment_json.hpp"

#include <array>

#include <boost/json.hpp>

#include "replay/catalog/scenario_difference.hpp"

namespace replayd::api {
namespace {

namespace json = boost::json;

constexpr std::array<const char*, 4> k_phases = {"off", "starting", "active", "draining"};
constexpr std::array<const char*, 3> k_transfer_states = {"waits_for_room", "moves", "loads_from_host"};

json::value time_or_null(const std::optional<VirtualTime>& time) {
    return time ? json::value(time->ns) : json::value(nullptr);
}

json::object request_now_json(const MomentRequest& request, VirtualTime at, bool waits) {
    json::object object{{"sequence", request.sequence},
                        {"id", request.id},
                        {"arrived_ns", request.arrived.ns},
                        {"age_ns", (at - request.arrived).value},
                        {"since_ns", request.since.ns},
                        {"prompt_tokens", request.prompt.value},
                        {"output_tokens", request.output.value},
                        {"computed_tokens", request.computed.value},
                        {"generated_tokens", request.generated.value},
                        {"kv_blocks", request.blocks},
                        {"preemptions", request.preemptions}};
    if (waits) {
        object["waits_in"] = k_ledger_part_names[static_cast<std::size_t>(request.waits_in)];
    } else {
        object["in_step"] = request.in_step;
    }
    return object;
}

json::array requests_json(const std::vector<MomentRequest>& requests, VirtualTime at, bool waits) {
    json::array items;
    for (const MomentRequest& request : requests) items.push_back(request_now_json(request, at, waits));
    return items;
}

json::object replica_now_json(const MomentReplica& replica, const storage::RunInfo& run) {
    return {{"replica", replica.replica},
            {"pool", run.pools.at(static_cast<std::size_t>(replica.pool)).name},
            {"phase", k_phases[static_cast<std::size_t>(replica.phase)]},
            {"kv_blocks_total", replica.kv_blocks_total},
            {"kv_blocks_used", replica.kv_blocks_used},
            {"kv_blocks_cached", replica.kv_blocks_cached},
            {"host_blocks_used", replica.host_blocks_used},
            {"waiting_count", replica.waiting_count},
            {"running_count", replica.running_count},
            {"incoming", replica.incoming}};
}

json::array steps_json(const std::vector<MomentStep>& steps) {
    json::array items;
    for (const MomentStep& step : steps) {
        items.push_back(json::object{{"began_ns", step.began.ns},
                                     {"ends_ns", step.ends.ns},
                                     {"sequences", step.sequences},
                                     {"prompt_tokens", step.prompt_tokens},
                                     {"decodes", step.decodes}});
    }
    return items;
}

json::array transfers_json(const std::vector<MomentTransfer>& transfers) {
    json::array items;
    for (const MomentTransfer& transfer : transfers) {
        items.push_back(json::object{
            {"state", k_transfer_states[static_cast<std::size_t>(transfer.state)]},
            {"sequence", transfer.sequence},
            {"id", transfer.id},
            {"source", transfer.source},
            {"destination", transfer.destination < 0 ? json::value(nullptr) : json::value(transfer.destination)},
            {"since_ns", transfer.since.ns},
            {"ends_ns", time_or_null(transfer.ends)}});
    }
    return items;
}

/// The replica that an event is about, where it says so or where the request is.
std::optional<std::int32_t> replica_of(const std::optional<RunEvent>& event) {
    if (!event) return std::nullopt;
    switch (event->kind) {
        case EventKind::routed:
        case EventKind::preempted:
        case EventKind::first_token:
        case EventKind::transfer:
        case EventKind::decode_ready:
            return static_cast<std::int32_t>(event->detail);
        default:
            return std::nullopt;
    }
}

json::value event_json(const DifferentSide& side) {
    if (!side.event) return nullptr;
    const auto replica = replica_of(side.event);
    return json::object{{"event", name_of(side.event->kind)},
                        {"sequence", side.event->sequence},
                        {"request", side.request.empty() ? json::value(nullptr) : json::value(side.request)},
                        {"replica", replica            ? json::value(*replica)
                                    : side.replica < 0 ? json::value(nullptr)
                                                       : json::value(side.replica)},
                        {"detail", side.event->detail}};
}

json::object side_json(const DifferentSide& side, const storage::RunInfo& run, std::optional<std::int32_t> replica) {
    json::value before = nullptr;
    if (replica && static_cast<std::size_t>(*replica) < side.before.replicas.size()) {
        before = replica_now_json(side.before.replicas[static_cast<std::size_t>(*replica)], run);
    }
    return {{"event", event_json(side)},
            {"same_later_ns", time_or_null(side.same_later)},
            {"replica_before", std::move(before)}};
}

std::optional<std::int32_t> replica_in_question(const FirstDifference& first) {
    for (const DifferentSide* side : {&first.a, &first.b}) {
        if (const auto replica = replica_of(side->event)) return replica;
        if (side->event && side->replica >= 0) return side->replica;
    }
    return std::nullopt;
}

json::object run_name_json(const storage::RunInfo& run) {
    return {{"run", run.row.id},
            {"scenario", run.row.scenario},
            {"forked_from", run.row.forked_from == 0 ? json::value(nullptr) : json::value(run.row.forked_from)}};
}

Result<json::array> scenario_json(const storage::RunInfo& a, const storage::RunInfo& b) {
    const auto differences = scenario_differences(a.row.scenario_toml, b.row.scenario_toml);
    if (!differences) return tl::unexpected(differences.error());
    const auto text = [](const std::optional<std::string>& value) {
        return value ? json::value(*value) : json::value(nullptr);
    };
    json::array items;
    for (const ScenarioDifference& each : *differences) {
        items.push_back(json::object{{"key", each.key}, {"a", text(each.a)}, {"b", text(each.b)}});
    }
    return items;
}

}  // namespace

json::object moment_json(const stream::TravelledMoment& travelled, const storage::RunInfo& run) {
    const Moment& moment = travelled.moment;
    json::array replicas;
    for (const MomentReplica& replica : moment.replicas) {
        json::object object = replica_now_json(replica, run);
        object["waiting"] = requests_json(replica.waiting, moment.at, true);
        object["running"] = requests_json(replica.running, moment.at, false);
        object["steps"] = steps_json(replica.steps);
        replicas.push_back(std::move(object));
    }
    return {{"run", run.row.id},
            {"stream", run.stream},
            {"scenario", run.row.scenario},
            {"engine_version", run.row.engine_version},
            {"at_ns", moment.at.ns},
            {"replayed_from_ns", time_or_null(travelled.replayed_from)},
            {"hash", moment.hash.to_string()},
            {"arrived", moment.snapshot.arrived},
            {"waiting", moment.snapshot.waiting},
            {"running", moment.snapshot.running},
            {"transferring", moment.snapshot.transferring},
            {"finished", moment.snapshot.finished},
            {"rejected", moment.snapshot.rejected},
            {"preemptions", moment.snapshot.preemptions},
            {"kv_blocks_used", moment.snapshot.kv_blocks_used},
            {"kv_blocks_cached", moment.snapshot.kv_blocks_cached},
            {"kv_blocks_total", moment.snapshot.kv_blocks_total},
            {"replicas", std::move(replicas)},
            {"transfers", transfers_json(moment.transfers)}};
}

Result<json::object> difference_json(const stream::RunsDifference& difference, const storage::RunInfo& a,
                                     const storage::RunInfo& b) {
    auto scenario = scenario_json(a, b);
    if (!scenario) return tl::unexpected(scenario.error());
    json::object object{{"stream", a.stream},         {"a", run_name_json(a)},
                        {"b", run_name_json(b)},      {"scenario", std::move(*scenario)},
                        {"equal", !difference.first}, {"equal_until_ns", difference.equal_until.ns}};
    if (!difference.first) return object;
    const FirstDifference& first = *difference.first;
    const auto replica = replica_in_question(first);
    object["at_ns"] = first.at.ns;
    object["equal_events"] = first.equal_events;
    object["hash_before"] = first.a.before.hash.to_string();
    object["a_did"] = side_json(first.a, a, replica);
    object["b_did"] = side_json(first.b, b, replica);
    return object;
}

}  // namespace replayd::api
