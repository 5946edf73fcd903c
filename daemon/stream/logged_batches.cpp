#include "daemon/stream/logged_batches.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "daemon/net/quoted.hpp"
#include "daemon/protocol/codec.hpp"

namespace replayd::stream {

Result<std::vector<storage::LoggedBatch>> contiguous_from(std::vector<storage::LoggedBatch>&& rows, std::uint64_t seq,
                                                          std::uint64_t last, std::string_view stream) {
    const auto gap = std::find_if(rows.begin(), rows.end(), [&](const storage::LoggedBatch& row) {
        return row.seq != seq + static_cast<std::uint64_t>(&row - rows.data());
    });
    rows.erase(gap, rows.end());
    if (rows.empty()) {
        return fail(Code::io, "the log of stream " + net::quoted(stream) + " has no batch " + std::to_string(seq) +
                                  ": expected batches 1 to " + std::to_string(last));
    }
    return std::move(rows);
}

Result<std::vector<FeedBatch>> decode_logged(const std::vector<storage::LoggedBatch>& rows) {
    std::vector<FeedBatch> batches;
    for (const storage::LoggedBatch& row : rows) {
        auto batch = protocol::parse_log_batch(row.payload);
        if (!batch) return tl::unexpected(batch.error());
        batches.push_back(
            {row.seq, std::make_shared<const std::vector<Arrival>>(std::move(batch->arrivals)), row.watermark});
    }
    return batches;
}

Result<LoggedBatches> LoggedBatches::open(storage::Reader& reader, std::int64_t stream_id) {
    auto streams = reader.streams();
    if (!streams) return tl::unexpected(streams.error());
    const auto found = std::find_if(streams->begin(), streams->end(),
                                    [stream_id](const auto& info) { return info.row.id == stream_id; });
    if (found == streams->end())
        return fail(Code::not_found, "no stream " + std::to_string(stream_id) + " in the history");
    return LoggedBatches(reader, std::move(*found));
}

Result<std::vector<FeedBatch>> LoggedBatches::fetch(std::uint64_t seq) {
    const auto last = static_cast<std::uint64_t>(stream_.batches);
    if (seq > last) return std::vector<FeedBatch>();
    return reader_->batches(stream_.row.id, seq, std::min<std::size_t>(k_fetch_batches_max, last - seq + 1))
        .and_then([&](auto&& rows) { return contiguous_from(std::move(rows), seq, last, stream_.row.name); })
        .and_then(decode_logged);
}

bool LoggedBatches::ends_with(std::uint64_t seq) {
    return stream_.row.ended && seq == static_cast<std::uint64_t>(stream_.batches);
}

}  // namespace replayd::stream
