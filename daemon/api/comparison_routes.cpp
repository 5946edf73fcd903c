// /api/v1/compare: two runs of one stream, request by request.

#include <charconv>

#include <boost/json.hpp>

#include "daemon/api/answer.hpp"
#include "daemon/api/comparison_json.hpp"
#include "daemon/api/routes.hpp"
#include "daemon/net/quoted.hpp"

namespace replayd::api {
namespace {

constexpr std::int64_t k_requests_max = 1000;

Result<storage::RunInfo> run_of_query(const Call& call, const std::string& name) {
    if (call.request.query.count(name) == 0) {
        return fail(Code::invalid_argument,
                    name + " is missing: expected the ids of two runs of one stream, ?a=ID&b=ID");
    }
    auto id = query_integer(call.request, name, 1, INT64_MAX, 0);
    if (!id) return tl::unexpected(id.error());
    return call.reader.run(*id);
}

Result<double> quantile_of_query(const Call& call) {
    const auto found = call.request.query.find("quantile");
    if (found == call.request.query.end()) return storage::ComparisonOptions{}.quantile;
    double value = 0;
    const char* end = found->second.data() + found->second.size();
    const auto read = std::from_chars(found->second.data(), end, value);
    if (read.ec == std::errc() && read.ptr == end && value > 0 && value <= 1) return value;
    return fail(Code::invalid_argument,
                "quantile is " + net::quoted(found->second) + ": expected more than 0, at most 1");
}

}  // namespace

Answer compare_two_runs(const Call& call) {
    const auto a = run_of_query(call, "a");
    if (!a) return tl::unexpected(a.error());
    const auto b = run_of_query(call, "b");
    if (!b) return tl::unexpected(b.error());
    const auto limit = query_integer(call.request, "limit", 0, k_requests_max, 20);
    if (!limit) return tl::unexpected(limit.error());
    const auto quantile = quantile_of_query(call);
    if (!quantile) return tl::unexpected(quantile.error());
    const auto comparison = call.reader.compare(a->row.id, b->row.id, {static_cast<std::size_t>(*limit), *quantile});
    if (!comparison) return tl::unexpected(comparison.error());
    return json_answer(comparison_json(*comparison, *a, *b, *quantile));
}

}  // namespace replayd::api
