#pragma once
// What an engine does with the float workspace of its attention plans: how large a buffer it takes, when it grows it,
// and what captured CUDA graphs retain. Source: alibaba/rtp-llm pull request 1099 and its review.

#include <span>

#include "replay/base/error.hpp"
#include "replay/base/units.hpp"

namespace replayd {

/// Default size of the float workspace (FlashInfer's recommendation) and fixed size of the int workspace.
inline constexpr Bytes k_float_workspace{128LL << 20};
inline constexpr Bytes k_int_workspace{8LL << 20};

/// Size of the buffer for a need: the next power of two, at least the default.
[[nodiscard]] Bytes workspace_allocation(Bytes need);

/// Float buffers that captured graphs keep, one per need: one for all of them when they are `shared` on one stream,
/// otherwise one each.
[[nodiscard]] Bytes retained_workspace(std::span<const Bytes> needs, bool shared);

/// The float buffer of one attention operator.
class WorkspaceBuffer {
public:
    explicit WorkspaceBuffer(Bytes capacity = k_float_workspace) : capacity_(capacity) {}

    enum class Phase {
        eager,    ///< may grow
        capture,  ///< may grow, and what was needed bounds every replay
        replay,   ///< the graph holds the address: must not grow
    };

    /// Makes room for `need` and returns by how many bytes the buffer grew. Error `failed_state` in a replay, with
    /// the need, the capacity and the most that was captured.
    [[nodiscard]] Result<Bytes> prepare(Bytes need, Phase phase);

    [[nodiscard]] Bytes capacity() const { return capacity_; }
    /// The largest need of any capture.
    [[nodiscard]] Bytes captured() const { return captured_; }
    /// The largest need so far.
    [[nodiscard]] Bytes high_water() const { return high_water_; }

private:
    Bytes capacity_;
    Bytes captured_{0};
    Bytes high_water_{0};
};

}  // namespace replayd
