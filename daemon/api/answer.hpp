#pragma once
// Answers of the API: JSON bodies and problem details. For the .cpp files of this folder.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "daemon/net/http.hpp"
#include "replay/base/error.hpp"
#include "replay/base/units.hpp"

namespace replayd::api {

[[nodiscard]] net::HttpResponse json_answer(const boost::json::object& body, unsigned status = 200);
/// Status and code from the table of daemon/protocol/codes.hpp.
[[nodiscard]] net::HttpResponse problem(const Error& error);

/// An integer of the query string between `low` and `high`; `fallback` when it is absent. Error
/// `invalid_argument`.
[[nodiscard]] Result<std::int64_t> query_integer(const net::HttpRequest& request, const std::string& name,
                                                 std::int64_t low, std::int64_t high, std::int64_t fallback);
/// Which windows of a run a request asks for.
struct WindowRange {
    VirtualTime from;
    std::size_t limit = 0;
};
/// The most windows of one answer; as many of a long run are merged.
inline constexpr std::int64_t k_windows_max = 10'000;
/// `from_ns`, 0 when absent, and `limit`, 1 to k_windows_max and 1,000 when absent, of the query string. Error
/// `invalid_argument`.
[[nodiscard]] Result<WindowRange> query_windows(const net::HttpRequest& request);
/// An integer segment of the path; `what` names it in the message. Error `invalid_argument`.
[[nodiscard]] Result<std::int64_t> path_integer(std::string_view text, const char* what);

/// The request's body as a JSON object with only the keys of `known`. Error
/// `invalid_argument`.
[[nodiscard]] Result<boost::json::object> body_object(const net::HttpRequest& request,
                                                      std::initializer_list<std::string_view> known);

}  // namespace replayd::api
