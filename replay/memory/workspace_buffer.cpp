#include "replay/memory/workspace_buffer.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>

namespace replayd {

Bytes workspace_allocation(Bytes need) {
    const auto rounded = std::bit_ceil(static_cast<std::uint64_t>(need.value));
    return std::max(k_float_workspace, Bytes(static_cast<std::int64_t>(rounded)));
}

Bytes retained_workspace(std::span<const Bytes> needs, bool shared) {
    Bytes sum{0};
    Bytes most{0};
    for (const Bytes need : needs) {
        sum += workspace_allocation(need);
        most = std::max(most, workspace_allocation(need));
    }
    return shared ? most : sum;
}

Result<Bytes> WorkspaceBuffer::prepare(Bytes need, Phase phase) {
    const bool fits = need <= capacity_;
    if (phase == Phase::replay && (!fits || need > captured_)) {
        return fail(Code::failed_state, "attention workspace: a captured graph needs " + std::to_string(need.value) +
                                            " bytes, the buffer has " + std::to_string(capacity_.value) +
                                            " and the largest capture needed " + std::to_string(captured_.value) +
                                            ": a buffer cannot grow under a graph; capture the largest batch first");
    }
    high_water_ = std::max(high_water_, need);
    if (phase == Phase::capture) captured_ = std::max(captured_, need);
    if (fits) return Bytes(0);
    const Bytes before = capacity_;
    capacity_ = workspace_allocation(need);
    return capacity_ - before;
}

}  // namespace replayd
