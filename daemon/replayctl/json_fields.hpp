#pragma once
// Members of the API's objects by name. A member that is missing or of another type throws, as Boost.JSON does; the
// command line catches it: it can only come from a daemon that speaks another API.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace replayd::ctl {

[[nodiscard]] inline std::int64_t integer(const boost::json::object& object, std::string_view name) {
    return object.at(name).to_number<std::int64_t>();
}

/// Nothing for null, and for a member that is not there.
[[nodiscard]] inline std::optional<std::int64_t> integer_if_any(const boost::json::object& object,
                                                                std::string_view name) {
    const boost::json::value* member = object.if_contains(name);
    if (member == nullptr || member->is_null()) return std::nullopt;
    return member->to_number<std::int64_t>();
}

/// As above.
[[nodiscard]] inline std::optional<double> real_if_any(const boost::json::object& object, std::string_view name) {
    const boost::json::value* member = object.if_contains(name);
    if (member == nullptr || member->is_null()) return std::nullopt;
    return member->to_number<double>();
}

/// Empty for null, and for a member that is not there.
[[nodiscard]] inline std::string text(const boost::json::object& object, std::string_view name) {
    const boost::json::value* member = object.if_contains(name);
    if (member == nullptr || member->is_null()) return {};
    return std::string(member->as_string());
}

}  // namespace replayd::ctl
