#include "replay/memory/memory_plan.hpp"

namespace replayd {

Bytes MemoryPlan::used() const {
    Bytes total{0};
    for (const MemoryItem& item : items) total += item.bytes;
    return total;
}

}  // namespace replayd
