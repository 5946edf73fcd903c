#include "daemon/nats/lost_tail.hpp"

#include <string_view>

namespace replayd::nats {
namespace {

/// Batches that are read at once.
constexpr std::size_t k_batches = 64;

}  // namespace

Result<std::uint64_t> restore_lost_tail(StreamLogs& logs, stream::Stream& stream) {
    const stream::LogTail durable = stream.status().log.durable;
    const auto last = logs.last(stream.name());
    if (!last) return tl::unexpected(last.error());
    if (*last == 0) return 0;
    // Batch n is message n + 1.
    std::uint64_t restored = 0;
    for (std::uint64_t seq = *last; seq <= durable.seq;) {
        const auto batches = stream.logged(seq, k_batches);
        if (!batches) return tl::unexpected(batches.error());
        for (const storage::LoggedBatch& batch : *batches) {
            const auto published = logs.publish(stream.name(), batch.seq + 1, batch.payload);
            if (!published) return tl::unexpected(published.error());
            if (*published != Published::stored) return restored;
            ++restored;
        }
        seq += batches->size();
    }
    if (!durable.ended || *last > durable.seq + 1) return restored;
    const auto ended = logs.publish(stream.name(), durable.seq + 2, std::string_view());
    if (!ended) return tl::unexpected(ended.error());
    return restored + (*ended == Published::stored ? 1 : 0);
}

}  // namespace replayd::nats
