#pragma once
// Messages that a log has lost: nats-server syncs its files every two minutes (its option sync_interval), so a machine
// that loses power takes acknowledged messages along where no other replica has them. Batches are durable here no
// sooner than they were stored there, so a log that ends before them has lost its tail, and what is here is what stood
// there.

#include <cstdint>

#include "daemon/nats/stream_logs.hpp"
#include "daemon/stream/stream.hpp"

namespace replayd::nats {

/// Writes what is durable here and no longer in the stream's log behind its last message; how many messages. None for a
/// log that is gone as a whole, or to which another process writes at this moment. Errors: those of the two logs.
[[nodiscard]] Result<std::uint64_t> restore_lost_tail(StreamLogs& logs, stream::Stream& stream);

}  // namespace replayd::nats
