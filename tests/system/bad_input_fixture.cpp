#include "tests/system/bad_input_fixture.hpp"

#include <boost/json/parse.hpp>

namespace replayd::testing {

std::string problem_member(const std::string& body, const char* name) {
    boost::system::error_code error;
    const boost::json::value parsed = boost::json::parse(body, error);
    if (error || !parsed.is_object()) return "";
    const boost::json::value* member = parsed.get_object().if_contains(name);
    return member == nullptr || !member->is_string() ? "" : std::string(member->get_string());
}

}  // namespace replayd::testing
