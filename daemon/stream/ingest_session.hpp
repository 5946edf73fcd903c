#pragma once
// One client on `/ingest/v1`: hello, batches, end in; welcome, acks, failure out. Everything runs on the io thread.

#include <functional>
#include <memory>

#include "daemon/net/websocket.hpp"
#include "daemon/stream/stream_registry.hpp"
#include "daemon/stream/task_pool.hpp"

namespace replayd::stream {

/// Carries a call to the io thread, from any thread.
using PostToIo = std::function<void(std::function<void()>)>;

struct IngestContext {
    StreamRegistry& registry;
    TaskPool& tasks;
    PostToIo post;
};

/// `context` must outlive the session.
[[nodiscard]] std::unique_ptr<net::WebSocketSession> make_ingest_session(IngestContext& context);

}  // namespace replayd::stream
