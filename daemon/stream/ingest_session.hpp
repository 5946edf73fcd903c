#pragma once
// One client on `/ingest/v1`: hello, batches, end in; welcome, acks, failure out. Everything runs on the io thread.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "daemon/net/websocket.hpp"
#include "daemon/stream/stream_registry.hpp"
#include "daemon/stream/tasks.hpp"

namespace replayd::stream {

/// Carries a call to the io thread, from any thread.
using PostToIo = std::function<void(std::function<void()>)>;

/// Batches of one client on their way to disk beyond which its socket is not read. The history's queue must take those
/// of all clients: a batch that it refused would end the stream.
inline constexpr std::size_t k_inflight_batches_max = 256;

/// The end of a client, as ArrivalLog::accept_end takes it.
struct ClientEnd {
    std::uint64_t seq = 0;
    std::uint64_t failures = 0;
};

/// Whoever feeds streams beside the clients, and has arrivals that wait.
struct OtherFeed {
    /// Whether it may feed a stream now; at once.
    std::function<bool()> active;
    /// Gives the stream what waits for it and ends it then. Blocks on commits.
    std::function<std::optional<Refusal>(Stream&, const ClientEnd&)> end;
};

struct IngestContext {
    StreamRegistry& registry;
    Tasks& tasks;
    PostToIo post;
    /// Changes each arrival before anything else sees it, on the io thread; empty: nothing is changed.
    std::function<void(Arrival&)> conceal;
    std::optional<OtherFeed> other_feed;  ///< none: only clients feed streams
};

/// `context` must outlive the session.
[[nodiscard]] std::unique_ptr<net::WebSocketSession> make_ingest_session(IngestContext& context);

}  // namespace replayd::stream
