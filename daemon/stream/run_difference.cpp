#include "daemon/stream/run_difference.hpp"

#include <algorithm>
#include <utility>

#include "daemon/stream/pacer.hpp"
#include "daemon/stream/run_replay.hpp"
#include "replay/sim/no_sink.hpp"

namespace replayd::stream {
namespace {

/// Grows with what was equal, so that early differences are found at once and late ones are not looked for too often.
constexpr std::size_t k_arrivals_least = 64;
constexpr std::size_t k_arrivals_most = 2'048;

}  // namespace

RunDifference::RunDifference(RunIdentity a, RunIdentity b, BatchFeed& feed, std::optional<VirtualTime> until)
    : a_(std::move(a)),
      b_(std::move(b)),
      until_(until),
      log_(feed),
      search_(Run(scenario_after(a_, 0), no_sink()), Run(scenario_after(b_, 0), no_sink())),
      arrivals_(k_arrivals_least) {}

std::optional<Result<RunsDifference>> RunDifference::step() {
    if (found_) {
        if (search_.narrow()) return std::nullopt;
        return RunsDifference{search_.result(), search_.equal_until()};
    }
    const VirtualTime to = until_.value_or(Pacer::k_no_limit);
    const VirtualTime change = next_change(b_, b_parts_, next_change(a_, a_parts_, to));
    const auto piece = log_.next(change, arrivals_);
    if (!piece) return tl::unexpected(piece.error());
    arrivals_ = std::min(2 * arrivals_, k_arrivals_most);
    if (piece->complete && change == Pacer::k_no_limit) {
        found_ = search_.finish();
        return found_ ? std::nullopt : equal();
    }
    found_ = search_.advance(piece->arrivals, piece->watermark);
    if (found_ || !piece->complete) return std::nullopt;
    if (change == to) return equal();
    return take_changes(change);
}

std::optional<Result<RunsDifference>> RunDifference::equal() const {
    return RunsDifference{std::nullopt, search_.equal_until()};
}

std::optional<Result<RunsDifference>> RunDifference::take_changes(VirtualTime at) {
    if (next_change(a_, a_parts_, Pacer::k_no_limit) == at) {
        if (auto changed = search_.change_a(scenario_after(a_, ++a_parts_)); !changed)
            return tl::unexpected(changed.error());
    }
    if (next_change(b_, b_parts_, Pacer::k_no_limit) == at) {
        if (auto changed = search_.change_b(scenario_after(b_, ++b_parts_)); !changed)
            return tl::unexpected(changed.error());
    }
    return std::nullopt;
}

}  // namespace replayd::stream
