#include "storage/log_rows.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace replayd::storage {

Result<LogAppender> LogAppender::prepare(Connection& connection) {
    auto last = connection.prepare(
        "SELECT seq, arrivals_total FROM arrival_batch WHERE stream_id = ? ORDER BY seq DESC LIMIT 1");
    if (!last) return tl::unexpected(last.error());
    auto stored = connection.prepare("SELECT payload FROM arrival_batch WHERE stream_id = ? AND seq = ?");
    if (!stored) return tl::unexpected(stored.error());
    auto stream = connection.prepare("SELECT 1 FROM stream WHERE id = ?");
    if (!stream) return tl::unexpected(stream.error());
    auto insert = connection.prepare(
        "INSERT INTO arrival_batch (stream_id, seq, arrivals, arrivals_total, watermark_ns, payload) "
        "VALUES (?, ?, ?, ?, ?, ?)");
    if (!insert) return tl::unexpected(insert.error());
    return LogAppender(std::move(*last), std::move(*stored), std::move(*stream), std::move(*insert));
}

Result<void> LogAppender::append(std::int64_t stream_id, const LoggedBatch& batch) {
    last_.bind(1, stream_id);
    const auto row = last_.step();
    if (!row) return tl::unexpected(row.error());
    const std::uint64_t last = *row ? static_cast<std::uint64_t>(last_.integer(0)) : 0;
    const std::int64_t total = *row ? last_.integer(1) : 0;
    last_.reset();
    if (last == 0) {
        if (auto known = check_stream(stream_id); !known) return known;
    }
    if (batch.seq >= 1 && batch.seq <= last) return check_stored(stream_id, batch);
    if (batch.seq != last + 1) {
        return fail(Code::failed_state, "batch " + std::to_string(batch.seq) + " of stream " +
                                            std::to_string(stream_id) + ": expected batch " +
                                            std::to_string(last + 1) + ", the first that is not stored");
    }
    insert_.bind(1, stream_id);
    insert_.bind(2, static_cast<std::int64_t>(batch.seq));
    insert_.bind(3, batch.arrivals);
    insert_.bind(4, total + batch.arrivals);
    insert_.bind(5, batch.watermark.ns);
    insert_.bind_blob(6, batch.payload);
    ++appended_;
    return insert_.run();
}

Result<void> LogAppender::check_stream(std::int64_t stream_id) {
    stream_.bind(1, stream_id);
    const auto row = stream_.step();
    if (!row) return tl::unexpected(row.error());
    stream_.reset();
    if (!*row) return fail(Code::not_found, "no stream " + std::to_string(stream_id) + " in the history");
    return {};
}

Result<void> LogAppender::check_stored(std::int64_t stream_id, const LoggedBatch& batch) {
    stored_.bind(1, stream_id);
    stored_.bind(2, static_cast<std::int64_t>(batch.seq));
    const auto row = stored_.step();
    if (!row) return tl::unexpected(row.error());
    const bool same = *row && stored_.text(0) == batch.payload;
    stored_.reset();
    if (same) return {};
    return fail(Code::already_exists, "batch " + std::to_string(batch.seq) + " of stream " +
                                          std::to_string(stream_id) +
                                          " is stored with other contents: a batch must be sent again as it was");
}

Result<std::vector<LoggedBatch>> read_batches(Connection& connection, std::int64_t stream_id,
                                              std::uint64_t from, std::size_t limit) {
    std::vector<LoggedBatch> batches;
    constexpr auto k_integer_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (from > k_integer_max) return batches;
    auto rows = connection.prepare(
        "SELECT seq, payload, arrivals, watermark_ns FROM arrival_batch "
        "WHERE stream_id = ? AND seq >= ? ORDER BY seq LIMIT ?");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, stream_id);
    rows->bind(2, static_cast<std::int64_t>(from));
    rows->bind(3, static_cast<std::int64_t>(std::min<std::uint64_t>(limit, k_integer_max)));
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return batches;
        batches.push_back(LoggedBatch{static_cast<std::uint64_t>(rows->integer(0)), rows->text(1),
                                      rows->integer(2), VirtualTime(rows->integer(3))});
    }
}

}  // namespace replayd::storage
