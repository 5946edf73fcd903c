#pragma once
// Who wants to hear of streams and runs as they go: the live hub.

#include <memory>
#include <span>

#include "daemon/stream/run_progress.hpp"
#include "replay/sim/records.hpp"

namespace replayd::stream {

/// Calls come from engine, writer and task threads; they must be quick and never block.
class Observer {
public:
    virtual ~Observer() = default;
    /// Requests that ended since the last call for this run, in the order of the run.
    virtual void on_requests(const RunIdentity& run, std::span<const RequestRecord> records) = 0;
    virtual void on_window(const RunIdentity& run, const std::shared_ptr<const WindowRecord>& window) = 0;
    /// A stream or run appeared or changed its state.
    virtual void on_streams_changed() = 0;
};

}  // namespace replayd::stream
