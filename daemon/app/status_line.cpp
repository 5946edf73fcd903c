#include "daemon/app/status_line.hpp"

#include <algorithm>
#include <cstdint>

namespace replayd::app {

std::string status_line(const std::string& address, const stream::StreamRegistry& registry,
                        const storage::History& history) {
    std::size_t runs = 0;
    std::size_t going_on = 0;
    std::int64_t backlog = 0;
    const auto streams = registry.all();
    for (const auto& stream : streams) {
        const std::int64_t arrivals = stream->status().log.durable.arrivals;
        for (const auto& run : stream->runs()) {
            ++runs;
            if (!run->active()) continue;
            ++going_on;
            backlog = std::max(backlog, arrivals - run->progress().consumed_arrivals());
        }
    }
    std::string text = "listening on " + address + "; streams " + std::to_string(streams.size()) + ", runs going on " +
                       std::to_string(going_on) + " of " + std::to_string(runs) + ", backlog " +
                       std::to_string(backlog) + " arrivals";
    if (const auto trouble = history.trouble()) text += "; the history takes nothing: " + trouble->message;
    return text;
}

}  // namespace replayd::app
