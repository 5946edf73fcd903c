#pragma once
// The durable log of arrivals: rows of table `arrival_batch`.

#include <cstdint>
#include <vector>

#include "replay/base/error.hpp"
#include "storage/connection.hpp"
#include "storage/history.hpp"

namespace replayd::storage {

/// The prepared statements that append to the log.
class LogAppender {
public:
    [[nodiscard]] static Result<LogAppender> prepare(Connection& connection);

    /// Adds the batch with the next number of its stream; one that is stored already is left as it is. Errors as
    /// History::append_batch.
    [[nodiscard]] Result<void> append(std::int64_t stream_id, const LoggedBatch& batch);
    /// Batches added so far, rolled-back ones included.
    [[nodiscard]] std::int64_t appended() const { return appended_; }

private:
    LogAppender(Statement last, Statement stored, Statement stream, Statement insert)
        : last_(std::move(last)),
          stored_(std::move(stored)),
          stream_(std::move(stream)),
          insert_(std::move(insert)) {}

    [[nodiscard]] Result<void> check_stream(std::int64_t stream_id);
    [[nodiscard]] Result<void> check_stored(std::int64_t stream_id, const LoggedBatch& batch);

    Statement last_;    ///< highest number of a stream
    Statement stored_;  ///< payload of a number
    Statement stream_;  ///< is there such a stream
    Statement insert_;
    std::int64_t appended_ = 0;
};

/// Batches of the stream with seq >= `from`, at most `limit`, in order.
[[nodiscard]] Result<std::vector<LoggedBatch>> read_batches(Connection& connection, std::int64_t stream_id,
                                                            std::uint64_t from, std::size_t limit);

}  // namespace replayd::storage
