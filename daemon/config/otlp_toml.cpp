#include "daemon/config/otlp_toml.hpp"

#include <array>

namespace replayd::config {

Result<void> read_otlp(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 5> known = {"stream", "scenarios", "speed", "request_rows", "reorder_s"};
    Otlp& otlp = config.otlp;
    std::int64_t reorder = otlp.reorder.count();
    return section.only(known)
        .and_then([&] { return section.text("stream", otlp.stream); })
        .and_then([&] { return section.texts("scenarios", otlp.scenarios); })
        .and_then([&] { return section.number("speed", otlp.speed); })
        .and_then([&] { return section.text("request_rows", otlp.request_rows); })
        .and_then([&] { return section.integer("reorder_s", 1, 86'400, reorder); })
        .map([&] { otlp.reorder = std::chrono::seconds(reorder); });
}

}  // namespace replayd::config
