#include "replay/sim/speculation.hpp"

#include "replay/base/random.hpp"

namespace replayd {
namespace {

/// Keeps the seeds of one request's positions from those of the next. Outputs are shorter.
constexpr std::uint64_t k_positions = std::uint64_t{1} << 32;

}  // namespace

StepShape verify_shape(std::int64_t computed, std::int64_t drafts) {
    StepShape shape;
    add_verified(shape, computed, drafts);
    return shape;
}

std::int64_t accepted_drafts(const SpeculationSpec& spec, std::int64_t sequence, std::int64_t generated,
                             std::int64_t drafts) {
    Random random(static_cast<std::uint64_t>(sequence) * k_positions + static_cast<std::uint64_t>(generated));
    std::int64_t accepted = 0;
    while (accepted < drafts && random.uniform() < spec.acceptance) ++accepted;
    return accepted;
}

}  // namespace replayd
