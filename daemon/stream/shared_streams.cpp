// Streams that several processes share: opened in their common log, joined, given runs of this process's share.

#include <utility>

#include "daemon/config/log.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/stream/clock.hpp"
#include "daemon/stream/stream_registry.hpp"

namespace replayd::stream {

Result<void> StreamRegistry::check_retired(const std::string& name) const {
    if (!retired_.contains(name)) return {};
    return fail(Code::unavailable, "stream " + net::quoted(name) +
                                       " is being taken out of the history by [retention]: try again in a while, "
                                       "or choose another name");
}

/// Whoever comes first opens it; the others take part in what was opened.
Result<std::shared_ptr<Stream>> StreamRegistry::create_shared(const NewStream& wanted, const Checked& checked) {
    Opening opening{wanted.name,         {}, wanted.speed, wall_ms(), wanted.traced_system, engine_version_,
                    checked.request_rows};
    for (const auto& scenario : checked.scenarios) opening.scenarios.push_back({scenario->name(), scenario->toml});
    const auto opened = context_.shared->open(opening);
    if (!opened) return tl::unexpected(opened.error());
    return join_locked(*opened);
}

Result<std::shared_ptr<Stream>> StreamRegistry::join(const Opening& opening) {
    const std::lock_guard lock(create_mutex_);
    if (auto found = lookup(opening.name)) return found;
    if (auto free = check_retired(opening.name); !free) return tl::unexpected(free.error());
    return join_locked(opening);
}

Result<std::shared_ptr<Stream>> StreamRegistry::join_locked(const Opening& opening) {
    storage::StreamRow row;
    row.name = opening.name;
    row.speed = opening.speed;
    row.created_ms = opening.created_ms;
    row.traced_system = opening.traced_system;
    const auto policy = storage::RequestPolicy::parse(opening.request_rows);
    if (!policy) return tl::unexpected(policy.error());
    row.request_rows = policy->text();
    auto stored = context_.history.add_stream(row);
    if (!stored) return tl::unexpected(stored.error());
    const auto stream = std::make_shared<Stream>(std::move(*stored), LogTail{}, context_, true);
    stream->start(std::nullopt);
    publish(stream);
    context_.shared->follow(stream);
    config::log(config::LogLevel::info, "shared_stream_joined",
                {{"stream", opening.name}, {"scenarios", static_cast<std::int64_t>(opening.scenarios.size())}});
    return stream;
}

Result<std::shared_ptr<RunWorker>> StreamRegistry::add_shared_run(Stream& stream, const SharedScenario& scenario) {
    auto compiled = library_.compile_text(scenario.toml, "scenario " + scenario.name + " of stream " + stream.name());
    if (!compiled) return tl::unexpected(compiled.error());
    return add_to(stream, LibraryScenario{scenario.toml, false, std::move(*compiled)}, {});
}

}  // namespace replayd::stream
