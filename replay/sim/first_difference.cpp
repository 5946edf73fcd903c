#include "replay/sim/first_difference.hpp"

#include <algorithm>
#include <cstdint>

#include "replay/base/assert.hpp"
#include "replay/sim/no_sink.hpp"

namespace replayd {
namespace {

class EventList final : public EventSink {
public:
    void on_event(const RunEvent& event) override { events.push_back(event); }
    std::vector<RunEvent> events;
};

/// What `run` does from now until just before `until`; it is driven there.
std::vector<RunEvent> events_until(Run& run, VirtualTime until) {
    EventList list;
    run.tell_events(&list);
    run.advance(until);
    run.tell_events(nullptr);
    return std::move(list.events);
}

std::optional<VirtualTime> time_of(const std::optional<RunEvent>& wanted, const std::vector<RunEvent>& events) {
    if (!wanted) return std::nullopt;
    const auto same = std::find_if(events.begin(), events.end(), [&](const RunEvent& event) {
        return event.kind == wanted->kind && event.sequence == wanted->sequence;
    });
    return same == events.end() ? std::nullopt : std::optional(same->at);
}

std::optional<RunEvent> nth(const std::vector<RunEvent>& events, std::size_t n) {
    return n < events.size() ? std::optional(events[n]) : std::nullopt;
}

/// Fills in who the event's request is and where it waits or runs in `moment`, if it is there.
void place_request(DifferentSide& side, const Moment& moment) {
    if (!side.event || side.event->kind == EventKind::scaled || !side.request.empty()) return;
    for (const MomentReplica& replica : moment.replicas) {
        for (const auto* list : {&replica.waiting, &replica.running}) {
            const auto found = std::find_if(list->begin(), list->end(), [&](const MomentRequest& request) {
                return request.sequence == side.event->sequence;
            });
            if (found == list->end()) continue;
            side.request = found->id;
            side.replica = replica.replica;
        }
    }
}

void forget_requests(Moment& moment) {
    for (MomentReplica& replica : moment.replicas) replica.waiting = replica.running = {};
}

}  // namespace

DifferenceSearch::DifferenceSearch(const Run& a, const Run& b)
    : a_(a.fork(no_sink())), b_(b.fork(no_sink())), kept_a_(a.fork(no_sink())), kept_b_(b.fork(no_sink())) {
    REPLAYD_ASSERT(a.hash() == b.hash());
}

void DifferenceSearch::keep() {
    kept_a_ = a_.fork(no_sink());
    kept_b_ = b_.fork(no_sink());
}

bool DifferenceSearch::differs(VirtualTime at) {
    if (a_.hash() == b_.hash()) {
        equal_until_ = at;
        return false;
    }
    different_at_ = known_until_ = at;
    return true;
}

bool DifferenceSearch::advance(std::span<const Arrival> arrivals, VirtualTime watermark) {
    for (const Arrival& arrival : arrivals) {
        a_.offer(arrival);
        b_.offer(arrival);
    }
    keep();
    a_.advance(watermark);
    b_.advance(watermark);
    return differs(watermark);
}

bool DifferenceSearch::finish() {
    keep();
    a_.finish();
    b_.finish();
    return differs(std::max(a_.snapshot().now, b_.snapshot().now) + Duration(1));
}

Result<void> DifferenceSearch::change(Run& run, const std::shared_ptr<const CompiledScenario>& changed) {
    auto forked = run.fork(changed, no_sink());
    if (!forked) return tl::unexpected(forked.error());
    run = std::move(*forked);
    return {};
}

bool DifferenceSearch::narrow() {
    if (different_at_ - equal_until_ <= Duration(1)) return false;
    const VirtualTime middle = equal_until_ + Duration((different_at_ - equal_until_).value / 2);
    a_ = kept_a_.fork(no_sink());
    b_ = kept_b_.fork(no_sink());
    a_.advance(middle);
    b_.advance(middle);
    if (a_.hash() == b_.hash()) {
        std::swap(kept_a_, a_);
        std::swap(kept_b_, b_);
        equal_until_ = middle;
    } else {
        different_at_ = middle;
    }
    return different_at_ - equal_until_ > Duration(1);
}

FirstDifference DifferenceSearch::result() const {
    Run a = kept_a_.fork(no_sink());
    Run b = kept_b_.fork(no_sink());
    a.advance(equal_until_);
    b.advance(equal_until_);
    FirstDifference found;
    found.at = equal_until_;
    found.a.before = a.moment(SIZE_MAX);
    found.b.before = b.moment(SIZE_MAX);
    const std::vector<RunEvent> of_a = events_until(a, different_at_);
    const std::vector<RunEvent> of_b = events_until(b, different_at_);
    const auto first = std::mismatch(of_a.begin(), of_a.end(), of_b.begin(), of_b.end()).first - of_a.begin();
    found.equal_events = first;
    found.a.event = nth(of_a, static_cast<std::size_t>(first));
    found.b.event = nth(of_b, static_cast<std::size_t>(first));
    place_request(found.a, found.a.before);
    place_request(found.a, a.moment(SIZE_MAX));
    place_request(found.b, found.b.before);
    place_request(found.b, b.moment(SIZE_MAX));
    forget_requests(found.a.before);
    forget_requests(found.b.before);
    // What is left of the moment after the first difference, and what follows.
    const auto later = [&](Run& run, const std::vector<RunEvent>& now, const std::optional<RunEvent>& wanted) {
        const auto rest = time_of(wanted, std::vector<RunEvent>(now.begin() + first, now.end()));
        return rest ? rest : time_of(wanted, events_until(run, known_until_));
    };
    found.a.same_later = later(a, of_a, found.b.event);
    found.b.same_later = later(b, of_b, found.a.event);
    return found;
}

}  // namespace replayd
