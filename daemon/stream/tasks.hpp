#pragma once
// Work that blocks (commits, SQL), so that the io thread never does: done by TaskPool, or by a simulation. Any thread.

#include <functional>

namespace replayd::stream {

class Tasks {
public:
    virtual ~Tasks() = default;
    /// For requests from outside: false, and nothing done, while too many tasks wait.
    [[nodiscard]] virtual bool try_submit(std::function<void()> task) = 0;
    /// For the daemon's own work, which must not be lost.
    virtual void submit(std::function<void()> task) = 0;
};

}  // namespace replayd::stream
