#include "daemon/api/answer.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "daemon/net/problem.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/protocol/codes.hpp"
#include "replay/base/nearest_name.hpp"

namespace replayd::api {
namespace {

namespace json = boost::json;

bool parse_integer(std::string_view text, std::int64_t& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc() && end == text.data() + text.size();
}

Result<json::value> parse_body(const net::HttpRequest& request) {
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = 8;  // the deepest body of the API has depth 2
    json::value body = json::parse(request.body, error, {}, options);
    if (error) return fail(Code::invalid_argument, "the body is not JSON: " + error.message());
    if (!body.is_object()) return fail(Code::invalid_argument, "the body is not a JSON object: expected {…}");
    return body;
}

}  // namespace

net::HttpResponse json_answer(const json::object& body, unsigned status) {
    net::HttpResponse response;
    response.status = status;
    response.body = json::serialize(body);
    response.headers.emplace_back("cache-control", "no-store");
    return response;
}

net::HttpResponse problem(const Error& error) {
    const protocol::CodeFacts facts = protocol::facts(error.code);
    return net::problem(facts.http_status, facts.name, error.message);
}

Result<std::int64_t> query_integer(const net::HttpRequest& request, const std::string& name, std::int64_t low,
                                   std::int64_t high, std::int64_t fallback) {
    const auto found = request.query.find(name);
    if (found == request.query.end()) return fallback;
    std::int64_t value = 0;
    if (parse_integer(found->second, value) && value >= low && value <= high) return value;
    return fail(Code::invalid_argument, name + " is " + net::quoted(found->second) + ": expected an integer from " +
                                            std::to_string(low) + " to " + std::to_string(high));
}

Result<WindowRange> query_windows(const net::HttpRequest& request) {
    const auto from = query_integer(request, "from_ns", 0, INT64_MAX, 0);
    if (!from) return tl::unexpected(from.error());
    const auto limit = query_integer(request, "limit", 1, k_windows_max, 1000);
    if (!limit) return tl::unexpected(limit.error());
    return WindowRange{VirtualTime(*from), static_cast<std::size_t>(*limit)};
}

Result<std::int64_t> path_integer(std::string_view text, const char* what) {
    std::int64_t value = 0;
    if (parse_integer(text, value) && value >= 0) return value;
    return fail(Code::invalid_argument,
                std::string(what) + " is " + net::quoted(text) + ": expected an integer of 0 or more");
}

Result<json::object> body_object(const net::HttpRequest& request, std::initializer_list<std::string_view> known) {
    auto body = parse_body(request);
    if (!body) return tl::unexpected(body.error());
    json::object& object = body->get_object();
    for (const auto& member : object) {
        const std::string_view key = member.key();
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        const std::vector<std::string> names(known.begin(), known.end());
        std::string expected;
        for (const std::string& name : names) expected += (expected.empty() ? "" : ", ") + name;
        const std::string nearest = nearest_name(key, names);
        return fail(Code::invalid_argument,
                    net::quoted(key) + ": unknown key: expected " + expected +
                        (nearest.empty() ? std::string() : "; did you mean " + net::quoted(nearest) + "?"));
    }
    return std::move(object);
}

}  // namespace replayd::api
