#pragma once
// Proof that the daemon's parts are alive: each is asked for a sign of life that only it can give, again and again.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace replayd::app {

/// A part that must not get stuck.
struct VitalPart {
    std::string name;
    /// Has the part call `answer`, on any thread, once it has come round to it. Must not block for long.
    std::function<void(std::function<void()> answer)> ask;
    /// Whether the part may be silent right now because it waits for something outside; empty: never.
    std::function<bool()> excused;
};

/// Used by one thread; answers may come after its end.
class Watchdog {
public:
    /// Asks every part for the first time.
    explicit Watchdog(std::vector<VitalPart> parts);

    /// Names of the parts that have not answered since they were asked; none: all are alive. Those that have answered
    /// are asked again.
    [[nodiscard]] std::vector<std::string> check();

private:
    struct Entry {
        VitalPart part;
        std::shared_ptr<std::atomic<bool>> answered;
    };
    static void ask(Entry& entry);

    std::vector<Entry> entries_;
};

}  // namespace replayd::app
