#include "daemon/stream/stream_registry.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "daemon/config/log.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/protocol/validate.hpp"
#include "daemon/stream/clock.hpp"
#include "replay/base/nearest_name.hpp"

namespace replayd::stream {
namespace {

/// Whether arrivals may still come or runs are going on.
bool busy(const std::shared_ptr<Stream>& stream) {
    const RunList runs = stream->runs();
    return !stream->status().log.durable.ended || stream->outcomes_open() ||
           std::any_of(runs.begin(), runs.end(), [](const auto& run) { return run->active(); });
}

}  // namespace

Result<void> StreamRegistry::check_objectives(const storage::RequestPolicy& policy, const LibraryScenario& scenario) {
    if (!policy.needs_objectives()) return {};
    const auto stated = [](const SloSpec& slo) { return slo.ttft.value > 0 || slo.tpot.value > 0; };
    const Scenario& of = scenario.scenario();
    const bool any = std::any_of(of.slo_classes.begin(), of.slo_classes.end(),
                                 [&](const SloClass& slo_class) { return stated(slo_class.slo); });
    if (any || stated(of.slo)) return {};
    return fail(Code::invalid_argument,
                "request_rows is objective_breaks, but scenario " + net::quoted(scenario.name()) +
                    " states no objective: expected [slo] with ttft_ms or tpot_ms in it, or another request_rows");
}

Result<StreamRegistry::Checked> StreamRegistry::check(const NewStream& wanted) const {
    if (auto found = protocol::stream_name_violation(wanted.name)) {
        return fail(Code::invalid_argument, "name " + *found);
    }
    if (auto found = speed_violation(wanted.speed)) return fail(Code::invalid_argument, *found);
    if (wanted.scenarios.empty()) {
        return fail(Code::invalid_argument, "stream " + net::quoted(wanted.name) +
                                                " does not exist and no scenarios were named: expected one or more "
                                                "scenarios to create it with");
    }
    const auto policy = storage::RequestPolicy::parse(wanted.request_rows);
    if (!policy) return tl::unexpected(policy.error());
    Checked checked{{}, policy->text()};
    std::set<std::string> seen;
    for (const std::string& name : wanted.scenarios) {
        if (!seen.insert(name).second) {
            return fail(Code::invalid_argument,
                        "scenarios names " + net::quoted(name) + " twice: expected each scenario once");
        }
        auto scenario = library_.find(name);
        if (!scenario) return tl::unexpected(scenario.error());
        if (auto fine = check_objectives(*policy, **scenario); !fine) return tl::unexpected(fine.error());
        checked.scenarios.push_back(std::move(*scenario));
    }
    return checked;
}

Result<void> StreamRegistry::check_room() const {
    const std::size_t most = streams_max_.load();
    const auto streams = all();
    const auto unfinished = static_cast<std::size_t>(std::count_if(streams.begin(), streams.end(), busy));
    if (unfinished < most) return {};
    return fail(Code::unavailable, std::to_string(unfinished) +
                                       " streams have not finished, and limits.streams_max is " + std::to_string(most) +
                                       ": end some, or raise the limit");
}

Result<std::shared_ptr<Stream>> StreamRegistry::create(const NewStream& wanted) {
    const std::lock_guard lock(create_mutex_);
    if (lookup(wanted.name)) {
        return fail(Code::already_exists, "stream " + net::quoted(wanted.name) +
                                              " exists: choose another name, or send arrivals to that one");
    }
    return create_locked(wanted);
}

Result<std::shared_ptr<Stream>> StreamRegistry::find_or_create(const NewStream& wanted) {
    std::shared_ptr<Stream> stream;
    {
        const std::lock_guard lock(create_mutex_);
        stream = lookup(wanted.name);
        if (!stream) {
            auto created = create_locked(wanted);
            if (!created) return created;
            stream = std::move(*created);
        }
    }
    if (!stream->shared()) return stream;
    return context_.shared->catch_up(*stream).map([&stream] { return stream; });
}

Result<std::shared_ptr<Stream>> StreamRegistry::create_locked(const NewStream& wanted) {
    const auto checked = check(wanted);
    if (!checked) return tl::unexpected(checked.error());
    if (auto free = check_retired(wanted.name); !free) return tl::unexpected(free.error());
    if (auto room = check_room(); !room) return tl::unexpected(room.error());
    if (context_.shared != nullptr) return create_shared(wanted, *checked);
    storage::StreamRow row;
    row.name = wanted.name;
    row.speed = wanted.speed;
    row.created_ms = wall_ms();
    row.traced_system = wanted.traced_system;
    row.request_rows = checked->request_rows;
    std::vector<storage::NewRun> runs;
    const Scenarios& scenarios = checked->scenarios;
    for (const auto& scenario : scenarios) {
        runs.push_back({{0, 0, scenario->name(), scenario->toml, engine_version_, wall_ms()},
                        scenario->compiled->plans,
                        scenario->scenario()});
    }
    auto stored = context_.history.add_stream_with_runs(row, runs);
    if (!stored) return tl::unexpected(stored.error());
    const auto stream = std::make_shared<Stream>(stored->stream, LogTail{}, context_);
    for (std::size_t i = 0; i < stored->runs.size(); ++i) {
        const storage::RunRow& run = stored->runs[i];
        const LibraryScenario& scenario = *scenarios[i];
        stream->add_run({run.id, row.name, scenario.name(), scenario.toml, run.created_ms, scenario.compiled});
    }
    stream->start(std::nullopt);
    publish(stream);
    config::log(config::LogLevel::info, "stream_created",
                {{"stream", wanted.name}, {"runs", static_cast<std::int64_t>(scenarios.size())},
                 {"request_rows", row.request_rows}});
    return stream;
}

void StreamRegistry::publish(const std::shared_ptr<Stream>& stream) {
    {
        const std::lock_guard lock(mutex_);
        streams_.push_back(stream);
        by_name_[stream->name()] = stream;
    }
    context_.observer.on_streams_changed();
}

bool StreamRegistry::retire(const std::string& name) {
    {
        const std::lock_guard creating(create_mutex_);
        const auto stream = lookup(name);
        if (stream && busy(stream)) return false;
        retired_.insert(name);
        if (!stream) return true;
        const std::lock_guard lock(mutex_);
        std::erase(streams_, stream);
        by_name_.erase(name);
    }
    context_.observer.on_streams_changed();
    return true;
}

void StreamRegistry::free_name(const std::string& name) {
    const std::lock_guard creating(create_mutex_);
    retired_.erase(name);
}

Result<void> StreamRegistry::recover(storage::Reader& reader) {
    auto streams = reader.streams();
    if (!streams) return tl::unexpected(streams.error());
    for (const storage::StreamInfo& info : *streams) {
        if (auto done = recover_stream(info, reader); !done) return done;
    }
    return {};
}

ComposeText StreamRegistry::composer() const {
    return [this](std::string_view toml, std::string_view origin) { return library_.compile_text(toml, origin); };
}

/// One whose scenario is no longer valid has none; the log says why.
RunIdentity StreamRegistry::logged_identity(const storage::RunRow& row, const std::string& stream,
                                            storage::Reader& reader) const {
    auto identity = identity_of(row, stream, reader, composer());
    if (identity) return std::move(*identity);
    config::log(config::LogLevel::error, "scenario_invalid",
                {{"run", row.id}, {"scenario", row.scenario}, {"error", identity.error().message}});
    RunIdentity without{row.id, stream, row.scenario, row.scenario_toml, row.created_ms, nullptr};
    without.forked_from = row.forked_from;
    without.forked_at = row.forked_at;
    return without;
}

/// Where the pace of a stream goes on at least: its first batch. Nothing for a stream without arrivals.
Result<std::optional<VirtualTime>> StreamRegistry::first_watermark(const storage::StreamInfo& info) const {
    if (info.arrivals == 0) return std::nullopt;
    auto first = context_.history.batches(info.row.id, 1, 1);
    if (!first) return tl::unexpected(first.error());
    return first->empty() ? info.watermark : first->front().watermark;
}

Result<void> StreamRegistry::recover_stream(const storage::StreamInfo& info, storage::Reader& reader) {
    auto unfinished = context_.history.unfinished_runs(info.row.id);
    if (!unfinished) return tl::unexpected(unfinished.error());
    const LogTail tail{static_cast<std::uint64_t>(info.batches), info.arrivals, info.watermark, info.row.ended};
    Result<SharedLog::Presence> presence = SharedLog::Presence::absent;
    if (context_.shared != nullptr) presence = context_.shared->presence(info.row);
    if (!presence) return tl::unexpected(presence.error());
    const bool shared = *presence == SharedLog::Presence::there;
    if (auto policy = storage::RequestPolicy::parse(info.row.request_rows); !policy) {
        return fail(Code::io, "stream " + net::quoted(info.row.name) + " in the history: " + policy.error().message);
    }
    const auto stream = std::make_shared<Stream>(info.row, tail, context_, shared);
    auto reached = first_watermark(info);
    if (!reached) return tl::unexpected(reached.error());
    for (const storage::RunRow& row : *unfinished) {
        auto so_far = reader.whole_run(row.id);
        if (!so_far) return tl::unexpected(so_far.error());
        if (*reached) *reached = std::max(**reached, so_far->start + so_far->length);
        // Another process may have taken it over meanwhile. A fork is this process's own.
        const bool held = shared && row.forked_from == 0;
        stream->add_run(logged_identity(row, info.row.name, reader), held);
    }
    stream->start(*reached);
    publish(stream);
    if (shared) context_.shared->follow(stream);
    if (context_.shared != nullptr && !shared && busy(stream)) {
        config::log(config::LogLevel::warn, "stream_not_shared",
                    {{"stream", info.row.name},
                     {"why", *presence == SharedLog::Presence::other
                                 ? "another stream of this name is in the shared log; this one stays with this process"
                                 : "it began before [nats] was switched on, and stays with this process"},
                     {"remedy", "send on to a stream of another name: new ones are shared"}});
    }
    config::log(config::LogLevel::info, "stream_recovered",
                {{"stream", info.row.name},
                 {"arrivals", info.arrivals},
                 {"batches", info.batches},
                 {"unfinished_runs", static_cast<std::int64_t>(unfinished->size())}});
    return {};
}

std::shared_ptr<Stream> StreamRegistry::lookup(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<Stream>> StreamRegistry::find(std::string_view name) const {
    if (auto found = lookup(name)) return found;
    std::vector<std::string> names;
    for (const auto& stream : all()) names.push_back(stream->name());
    const std::string nearest = nearest_name(name, names);
    return fail(Code::not_found, "no stream " + net::quoted(name) +
                                     (nearest.empty() ? "; GET /api/v1/streams lists them"
                                                      : "; did you mean " + net::quoted(nearest) + "?"));
}

std::vector<std::shared_ptr<Stream>> StreamRegistry::all() const {
    const std::lock_guard lock(mutex_);
    return streams_;
}

std::shared_ptr<RunWorker> StreamRegistry::run(std::int64_t run_id) const {
    for (const auto& stream : all()) {
        for (const auto& run : stream->runs()) {
            if (run->identity().id == run_id) return run;
        }
    }
    return nullptr;
}

}  // namespace replayd::stream
