#include "daemon/stream/run_replay.hpp"

#include <algorithm>
#include <utility>

#include "replay/sim/no_sink.hpp"

namespace replayd::stream {
namespace {

/// Some milliseconds of work at most.
constexpr std::size_t k_arrivals_per_step = 512;

}  // namespace

const std::shared_ptr<const CompiledScenario>& scenario_after(const RunIdentity& run, std::size_t parts_done) {
    return parts_done < run.before.size() ? run.before[parts_done].compiled : run.compiled;
}

VirtualTime next_change(const RunIdentity& run, std::size_t parts_done, VirtualTime to) {
    return parts_done < run.before.size() ? std::min(run.before[parts_done].until, to) : to;
}

RunReplay::RunReplay(RunIdentity identity, BatchFeed& feed)
    : identity_(std::move(identity)), log_(feed), run_(scenario_after(identity_, 0), no_sink()) {}

RunReplay::RunReplay(RunIdentity identity, BatchFeed& feed, const Checkpoint& from)
    : identity_(std::move(identity)),
      log_(feed, from.position),
      arrivals_(from.arrivals),
      parts_done_(from.parts_done),
      run_(from.run->fork(no_sink())) {}

Result<bool> RunReplay::step(VirtualTime to) {
    const VirtualTime change = next_change(identity_, parts_done_, to);
    const auto piece = log_.next(change, k_arrivals_per_step);
    if (!piece) return tl::unexpected(piece.error());
    run_.offer(piece->batch, piece->first, piece->arrivals.size());
    arrivals_ += static_cast<std::int64_t>(piece->arrivals.size());
    run_.advance(piece->watermark);
    if (!piece->complete) return false;
    if (parts_done_ == identity_.before.size() || identity_.before[parts_done_].until > change) return true;
    ++parts_done_;
    auto changed = run_.fork(scenario_after(identity_, parts_done_), no_sink());
    if (!changed) return tl::unexpected(changed.error());
    run_ = std::move(*changed);
    return false;  // there may be more to do up to `to`; the next step finds out
}

Checkpoint RunReplay::checkpoint() const {
    return {run_.snapshot().now, log_.position(), arrivals_, parts_done_,
            std::make_shared<const Run>(run_.fork(no_sink()))};
}

}  // namespace replayd::stream
