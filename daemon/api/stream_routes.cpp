// /api/v1/streams

#include <boost/json.hpp>

#include "daemon/api/answer.hpp"
#include "daemon/api/json_objects.hpp"
#include "daemon/api/routes.hpp"

namespace replayd::api {
namespace {

namespace json = boost::json;

Answer stream_answer(const Call& call, const stream::Stream& stream, unsigned status = 200) {
    auto runs = call.views.of_stream(call.reader, stream);
    if (!runs) return tl::unexpected(runs.error());
    return json_answer(stream_json(stream.status(), *runs, call.shared_runs(stream.name())), status);
}

Result<double> speed_member(const json::object& body, bool required) {
    const json::value* speed = body.if_contains("speed");
    if (speed == nullptr && !required) return 0.0;
    if (speed == nullptr || !speed->is_number()) {
        return fail(Code::invalid_argument, std::string("speed is ") + (speed == nullptr ? "missing" : "not a number") +
                                                ": expected 0 (as fast as possible) or a positive factor of real time");
    }
    return speed->to_number<double>();
}

Result<std::vector<std::string>> scenario_names(const json::object& body) {
    const json::value* list = body.if_contains("scenarios");
    const Error wrong{Code::invalid_argument, "scenarios is missing or no list: expected an array of scenario names"};
    if (list == nullptr || !list->is_array()) return tl::unexpected(wrong);
    std::vector<std::string> names;
    for (const json::value& name : list->get_array()) {
        if (!name.is_string()) return tl::unexpected(wrong);
        names.emplace_back(name.get_string());
    }
    return names;
}

/// Finds the stream of the path, acts on it, answers with it.
template <class Action>
Answer act(const Call& call, Action action) {
    auto stream = call.registry.find(call.path[1]);
    if (!stream) return tl::unexpected(stream.error());
    Result<void> done = action(**stream);
    if (!done) return tl::unexpected(done.error());
    return stream_answer(call, **stream);
}

}  // namespace

Answer list_streams(const Call& call) {
    json::array items;
    for (const auto& stream : call.registry.all()) {
        auto runs = call.views.of_stream(call.reader, *stream);
        if (!runs) return tl::unexpected(runs.error());
        items.push_back(stream_json(stream->status(), *runs, call.shared_runs(stream->name())));
    }
    return json_answer(items_json(std::move(items)));
}

Answer create_stream(const Call& call) {
    auto body = body_object(call.request, {"name", "scenarios", "speed", "request_rows"});
    if (!body) return tl::unexpected(body.error());
    const json::value* name = body->if_contains("name");
    if (name == nullptr || !name->is_string()) {
        return fail(Code::invalid_argument, "name is missing or no string: expected the stream's name");
    }
    auto scenarios = scenario_names(*body);
    if (!scenarios) return tl::unexpected(scenarios.error());
    auto speed = speed_member(*body, false);
    if (!speed) return tl::unexpected(speed.error());
    const json::value* rows = body->if_contains("request_rows");
    if (rows != nullptr && !rows->is_string()) {
        return fail(Code::invalid_argument,
                    "request_rows is no string: expected all, none, objective_breaks or sampled:SHARE");
    }
    auto stream = call.registry.create({std::string(name->get_string()), std::move(*scenarios), *speed, {},
                                        rows == nullptr ? std::string() : std::string(rows->get_string())});
    if (!stream) return tl::unexpected(stream.error());
    return stream_answer(call, **stream, 201);
}

Answer show_stream(const Call& call) {
    return act(call, [](stream::Stream&) { return Result<void>(); });
}

Answer pause_stream(const Call& call) {
    return act(call, [](stream::Stream& stream) { return stream.pause(); });
}

Answer resume_stream(const Call& call) {
    return act(call, [](stream::Stream& stream) { return stream.resume(); });
}

Answer end_stream(const Call& call) {
    return act(call, [&call](stream::Stream& stream) { return call.end_stream(stream); });
}

Answer set_stream_speed(const Call& call) {
    auto body = body_object(call.request, {"speed"});
    if (!body) return tl::unexpected(body.error());
    auto speed = speed_member(*body, true);
    if (!speed) return tl::unexpected(speed.error());
    return act(call, [&speed](stream::Stream& stream) { return stream.set_speed(*speed); });
}

}  // namespace replayd::api
