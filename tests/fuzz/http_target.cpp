#include "daemon/net/target.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/fuzz/targets.hpp"

namespace replayd::fuzz {

void http_target(std::string_view input) {
    const auto target = net::parse_target(input);
    if (!target) return check_message(target.error());
    REPLAYD_ASSERT(target->path == "*" || target->path.starts_with('/'));
    const auto printable = [](const std::string& text) {
        return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    };
    REPLAYD_ASSERT(printable(target->path));
    for (const auto& [name, value] : target->query) REPLAYD_ASSERT(printable(name) && printable(value));
}

}  // namespace replayd::fuzz
