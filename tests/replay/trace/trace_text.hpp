#pragma once
// Short ways to read a trace from a string.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "replay/trace/trace_reader.hpp"

namespace replayd {

struct ReadTrace {
    std::vector<Arrival> arrivals;
    std::string error;  ///< empty when all was read
    TraceStats stats;
    std::optional<TraceFormat> format;
};

/// Reads `text` in chunks of `chunk_bytes`, as file "t".
inline ReadTrace read_text(std::string_view text, TraceOptions options = {}, std::size_t chunk_bytes = 1U << 20U) {
    options.origin = "t";
    TraceReader reader(std::move(options));
    ReadTrace result;
    Result<void> state;
    while (state && !text.empty()) {
        const std::string_view chunk = text.substr(0, chunk_bytes);
        state = reader.feed(chunk, result.arrivals);
        text.remove_prefix(chunk.size());
    }
    if (state) state = reader.finish(result.arrivals);
    if (!state) result.error = state.error().message;
    result.stats = reader.stats();
    result.format = reader.format();
    return result;
}

inline TraceOptions as(TraceFormat format) {
    TraceOptions options;
    options.format = format;
    return options;
}

}  // namespace replayd
