#pragma once
// A History without a thread of its own, for deterministic simulations: whoever owns it decides when the writer works.
// Everything else is the code of the daemon.

#include <memory>

#include "storage/history.hpp"

namespace replayd::storage {

class SteppedHistory : public History {
public:
    /// As History::open. Calls that block until a commit do the writer's work themselves.
    [[nodiscard]] static Result<std::unique_ptr<SteppedHistory>> open(HistoryOptions options);

    /// One turn of the writer: everything that waits and is due by HistoryOptions::now. False when there was nothing.
    virtual bool write_waiting() = 0;
    /// As a process that ends at this instant: what waits is never written, and no callback comes any more.
    virtual void abandon() = 0;
};

}  // namespace replayd::storage
