#include "replay/sim/window_accumulator.hpp"

namespace replayd {

bool within_slo(const RequestRecord& record, const SloSpec& slo) {
    if (record.outcome != Outcome::finished) return false;
    if (slo.ttft.value > 0 && record.ttft() > slo.ttft) return false;
    const auto tpot = record.tpot();
    return slo.tpot.value == 0 || !tpot || *tpot <= slo.tpot;
}

WindowAccumulator::WindowAccumulator(Duration length, SloClasses classes, std::size_t pools)
    : length_(length), classes_(std::move(classes)), pools_(pools) {
    reset(VirtualTime(0));
}

void WindowAccumulator::count_steps(std::size_t pool, const StepTotals& totals) {
    WindowRecord& window = touch();
    window.steps += totals.steps;
    window.prompt_tokens += Tokens(totals.prefill_tokens);
    window.output_tokens += Tokens(totals.output_tokens);
    window.batch_tokens += totals.tokens;
    window.batch_sequences += totals.sequences;
    window.pools[pool].steps += totals.steps;
    window.pools[pool].prompt_tokens += Tokens(totals.prefill_tokens);
    window.pools[pool].output_tokens += Tokens(totals.output_tokens);
}

void WindowAccumulator::count_busy(std::size_t pool, Duration busy) {
    if (busy.value == 0) return;
    touch().busy += busy;
    window_.pools[pool].busy += busy;
}

void WindowAccumulator::count_outcome(const RequestRecord& record, std::int32_t slo_class) {
    WindowRecord& window = touch();
    if (record.outcome == Outcome::rejected) {
        ++window.rejected;
        return;
    }
    const std::int64_t within = within_slo(record, classes_[slo_class].slo) ? 1 : 0;
    ++window.finished;
    window.within_slo += within;
    if (!window.slo_classes.empty()) {
        ++window.slo_classes[static_cast<std::size_t>(slo_class)].finished;
        window.slo_classes[static_cast<std::size_t>(slo_class)].within_slo += within;
    }
    if (const auto tpot = record.tpot()) note(tpots_, window.tpot, *tpot);
    note(e2es_, window.e2e, record.e2e());
    note(queues_, window.queue, record.queue());
    for (std::size_t part = 0; part < k_ledger_parts; ++part) window.ledger[part] += record.ledger.parts[part];
    window.blame += record.blame;
}

void WindowAccumulator::note_replica(const ReplicaWindow& state) {
    const auto index = static_cast<std::size_t>(state.replica);
    if (index >= noted_.size()) {
        noted_.resize(index + 1);
    } else if (noted_[index] == state) {
        return;
    }
    noted_[index] = state;
    window_.replicas.push_back(state);
}

WindowRecord WindowAccumulator::close() {
    flush(ttfts_, window_.ttft);
    flush(tpots_, window_.tpot);
    flush(e2es_, window_.e2e);
    flush(queues_, window_.queue);
    WindowRecord closed = std::move(window_);
    reset(closed.start + closed.length);
    return closed;
}

void WindowAccumulator::skip_to(VirtualTime time) {
    if (time >= end()) reset(VirtualTime(time.ns / length_.value * length_.value));
}

void WindowAccumulator::reset(VirtualTime start) {
    window_ = WindowRecord{};
    window_.start = start;
    window_.length = length_;
    window_.pools.resize(pools_);
    window_.slo_classes.resize(classes_.declared());
    untouched_ = true;
}

}  // namespace replayd
