// /api/v1/runs/ID/at and /api/v1/difference: runs at moments that lie behind, and where two of them part.

#include <algorithm>

#include <boost/json.hpp>

#include "daemon/api/answer.hpp"
#include "daemon/api/moment_json.hpp"
#include "daemon/api/routes.hpp"

namespace replayd::api {
namespace {

/// How far the run has come, for replaying it up to there.
VirtualTime behind(const Call& call, const storage::RunInfo& info) {
    const auto run = call.registry.run(info.row.id);
    if (run && run->active()) return run->progress().now();
    return info.totals.snapshot.now + Duration(1);
}

Result<storage::RunInfo> run_of_query(const Call& call, const char* name) {
    if (call.request.query.count(name) == 0) {
        return fail(Code::invalid_argument,
                    std::string(name) + " is missing: expected the ids of two runs of one stream, ?a=ID&b=ID");
    }
    const auto id = query_integer(call.request, name, 1, INT64_MAX, 0);
    if (!id) return tl::unexpected(id.error());
    return call.reader.run(*id);
}

}  // namespace

Answer show_moment(const Call& call) {
    const auto info = run_of_path(call);
    if (!info) return tl::unexpected(info.error());
    const auto listed = query_integer(call.request, "listed", 0, stream::k_listed_max, stream::k_listed);
    if (!listed) return tl::unexpected(listed.error());
    const auto stream = call.registry.find(info->stream);
    if (!stream) return tl::unexpected(stream.error());
    const bool now = call.request.query.count("at_ns") == 0;
    const auto run = call.registry.run(info->row.id);
    if (now && run && run->active()) {
        const auto moment = stream::moment_now(**stream, run, static_cast<std::size_t>(*listed));
        if (!moment) return tl::unexpected(moment.error());
        return json_answer(moment_json(*moment, *info));
    }
    const std::int64_t most = behind(call, *info).ns;
    const auto at = query_integer(call.request, "at_ns", 0, most, most);
    if (!at) return tl::unexpected(at.error());
    const auto identity = call.registry.identity(*info, call.reader);
    if (!identity) return tl::unexpected(identity.error());
    const auto moment = stream::moment_of(**stream, *identity, VirtualTime(*at), static_cast<std::size_t>(*listed),
                                          call.registry.checkpoints());
    if (!moment) return tl::unexpected(moment.error());
    return json_answer(moment_json(*moment, *info));
}

Answer first_difference(const Call& call) {
    const auto a = run_of_query(call, "a");
    if (!a) return tl::unexpected(a.error());
    const auto b = run_of_query(call, "b");
    if (!b) return tl::unexpected(b.error());
    if (auto fine = stream::check_one_stream(*a, *b); !fine) return tl::unexpected(fine.error());
    const auto stream = call.registry.find(a->stream);
    if (!stream) return tl::unexpected(stream.error());
    const auto of_a = call.registry.identity(*a, call.reader);
    if (!of_a) return tl::unexpected(of_a.error());
    const auto of_b = call.registry.identity(*b, call.reader);
    if (!of_b) return tl::unexpected(of_b.error());
    const bool both_finished =
        a->totals.state == storage::RunState::finished && b->totals.state == storage::RunState::finished;
    const auto until = both_finished ? std::nullopt : std::optional(std::min(behind(call, *a), behind(call, *b)));
    const auto difference = stream::difference_of(**stream, *of_a, *of_b, until);
    if (!difference) return tl::unexpected(difference.error());
    auto body = difference_json(*difference, *a, *b);
    if (!body) return tl::unexpected(body.error());
    return json_answer(*body);
}

}  // namespace replayd::api
