#pragma once
// Arrivals that are durable and not yet in order: those of OpenTelemetry spans, which come when a request has ended,
// wait here until no earlier one can come. A SQLite file of its own beside the history, so that the history's log stays
// what it is. One thread at a time.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/base/units.hpp"
#include "storage/connection.hpp"
#include "storage/history.hpp"

namespace replayd::storage {

/// One arrival that waits.
struct SpooledSpan {
    std::string stream;
    std::string key;      ///< the span's identity inside the stream: what comes twice is stored once
    VirtualTime at;
    std::string payload;  ///< serialized arrival
};

/// What waits for one stream.
struct SpooledStream {
    std::string stream;
    std::int64_t spans = 0;
    VirtualTime latest;
};

/// The file where the spans of the daemon that writes this history wait.
[[nodiscard]] std::string span_spool_path(const std::string& history_path);

class SpanSpool {
public:
    /// Opens or creates the file. Errors: `io`; `invalid_argument` when the file is something else.
    [[nodiscard]] static Result<SpanSpool> open(const std::string& path, Durability durability);
    /// A connection that only reads, also while a daemon writes. Errors: as `open`.
    [[nodiscard]] static Result<Connection> open_to_read(const std::string& path);

    /// Stores all of them or none; how many were not there before. Committed when it returns. Errors: those of SQLite.
    [[nodiscard]] Result<std::int64_t> add(const std::vector<SpooledSpan>& spans);
    /// Those of `from` <= at < `to`, by time and key, at most `most`.
    [[nodiscard]] Result<std::vector<SpooledSpan>> between(const std::string& stream, VirtualTime from, VirtualTime to,
                                                           std::int64_t most);
    /// Forgets those before `at`; how many.
    [[nodiscard]] Result<std::int64_t> remove_before(const std::string& stream, VirtualTime at);
    [[nodiscard]] Result<std::vector<SpooledStream>> streams();

private:
    explicit SpanSpool(Connection connection) : connection_(std::move(connection)) {}
    Connection connection_;
};

}  // namespace replayd::storage
