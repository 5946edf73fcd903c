#pragma once
// Batches of a stream's log as the history has them: for a daemon's log, and for a history file without a daemon.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/stream/batch_feed.hpp"
#include "storage/query.hpp"

namespace replayd::stream {

/// Batches that one `fetch` returns at most.
inline constexpr std::size_t k_fetch_batches_max = 16;

/// The rows that follow each other from `seq` on. Error `io` when batch `seq` is not among them, of the log of
/// `stream`, which has batches 1 to `last`.
[[nodiscard]] Result<std::vector<storage::LoggedBatch>> contiguous_from(std::vector<storage::LoggedBatch>&& rows,
                                                                        std::uint64_t seq, std::uint64_t last,
                                                                        std::string_view stream);
/// Errors: those of decoding a payload.
[[nodiscard]] Result<std::vector<FeedBatch>> decode_logged(const std::vector<storage::LoggedBatch>& rows);

/// The log of a stream in a history file, which a daemon may be writing to: as long as it was when it was opened. One
/// thread.
class LoggedBatches final : public BatchFeed {
public:
    /// `reader` must outlive it. Errors: those of reading; `not_found` when the stream is not in the file.
    [[nodiscard]] static Result<LoggedBatches> open(storage::Reader& reader, std::int64_t stream_id);

    [[nodiscard]] Result<std::vector<FeedBatch>> fetch(std::uint64_t seq) override;
    [[nodiscard]] bool ends_with(std::uint64_t seq) override;

    /// No later arrival is earlier.
    [[nodiscard]] VirtualTime watermark() const { return stream_.watermark; }
    [[nodiscard]] std::int64_t arrivals() const { return stream_.arrivals; }

private:
    LoggedBatches(storage::Reader& reader, storage::StreamInfo stream) : reader_(&reader), stream_(std::move(stream)) {}

    storage::Reader* reader_;
    storage::StreamInfo stream_;
};

}  // namespace replayd::stream
