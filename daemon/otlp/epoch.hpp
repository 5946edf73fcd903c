#pragma once
// Where the virtual time of a stream begins on the clock of its spans, and who takes them: kept in the stream's row, in
// the settings of its traced system.

#include <cstdint>
#include <optional>
#include <string>

#include "replay/base/error.hpp"

namespace replayd::otlp {

struct SpanSource {
    std::int64_t epoch_unix_ns = 0;
    /// Of the processes that share the stream the one whose spool has its spans, since what waits there must go into
    /// the log in order; empty: the stream belongs to one process.
    std::string node;

    bool operator==(const SpanSource&) const = default;
};

/// The source that `traced_system` (JSON, or empty) names; nothing when it names none.
[[nodiscard]] std::optional<SpanSource> span_source_of(const std::string& traced_system);

/// `traced_system` with the source.
[[nodiscard]] std::string with_span_source(const std::string& traced_system, const SpanSource& source);

}  // namespace replayd::otlp
