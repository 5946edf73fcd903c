#include "daemon/app/watchdog.hpp"

#include <utility>

namespace replayd::app {

Watchdog::Watchdog(std::vector<VitalPart> parts) {
    for (VitalPart& part : parts) {
        entries_.push_back({std::move(part), nullptr});
        ask(entries_.back());
    }
}

void Watchdog::ask(Entry& entry) {
    entry.answered = std::make_shared<std::atomic<bool>>(false);
    entry.part.ask([answered = entry.answered] { answered->store(true); });
}

std::vector<std::string> Watchdog::check() {
    std::vector<std::string> silent;
    for (Entry& entry : entries_) {
        if (entry.answered->load()) {
            ask(entry);
        } else if (!entry.part.excused || !entry.part.excused()) {
            silent.push_back(entry.part.name);
        }
    }
    return silent;
}

}  // namespace replayd::app
