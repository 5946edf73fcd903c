#pragma once
// Retention: takes old streams out of a history, in small steps, while a daemon writes to it.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "replay/base/error.hpp"
#include "storage/connection.hpp"

namespace replayd::storage {

/// What may stay. Only streams that are over (ended, and every run finished or failed) ever go, oldest first, each with
/// its log, its runs and their rows.
struct Retention {
    std::int64_t created_before_ms = 0;  ///< those created earlier go; 0: none for their age
    std::int64_t bytes_max = 0;          ///< oldest go until the rows of the rest fit; 0: no limit
    std::string stream;                  ///< this one goes; empty: none by name
};

struct Pruned {
    std::vector<std::string> streams;  ///< that went, oldest first
    std::int64_t rows = 0;
    std::int64_t bytes_before = 0;  ///< used pages; the file keeps its size, free pages are used again
    std::int64_t bytes_after = 0;
};

/// A stream that is over: ended, and every run finished or failed.
struct StreamOver {
    std::int64_t id = 0;
    std::string name;
    std::int64_t created_ms = 0;
    bool begun = false;  ///< an earlier removal of it was cut off: what is left should go too
};

/// Rows that one transaction deletes at most: some 5 ms, after which the daemon's commits have their turn.
inline constexpr std::int64_t k_prune_step_rows = 1'000;

/// Error `not_found` or `failed_state` for a stream by name that is not there, or not over; those of opening the file.
/// Stopped at any instant, it leaves a sound file, and goes on when it is called again: a stream goes last.
[[nodiscard]] Result<Pruned> prune(const std::string& path, const Retention& retention);

/// The same in steps that the caller paces. On one thread at a time.
class Pruner {
public:
    /// Errors: `not_found` (no such file), those of opening it.
    [[nodiscard]] static Result<Pruner> open(const std::string& path);

    /// Oldest first.
    [[nodiscard]] Result<std::vector<StreamOver>> streams_over();
    [[nodiscard]] Result<bool> has_stream(const std::string& name);
    /// Bytes in use: the file without its free pages.
    [[nodiscard]] Result<std::int64_t> used_bytes();
    /// One transaction that deletes at most k_prune_step_rows rows of the stream (those of a hundred windows or pools
    /// go together), the stream itself last. How many went; 0: the stream is gone.
    [[nodiscard]] Result<std::int64_t> step(std::int64_t stream_id);
    /// Takes out the scenarios that no run refers to any more, a few rows.
    [[nodiscard]] Result<void> sweep();

private:
    explicit Pruner(Connection connection) : connection_(std::move(connection)) {}

    Connection connection_;
};

}  // namespace replayd::storage
