#pragma once
// A request while it is in the system: its progress, its KV blocks and its ledger so far.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "replay/base/assert.hpp"
#include "replay/base/units.hpp"
#include "replay/kv/prefix_cache.hpp"
#include "replay/sched/held_arrival.hpp"
#include "replay/sim/records.hpp"

namespace replayd {

/// Slot of a request in the RequestTable. Slots are reused; `RequestState::sequence` is the identity.
using RequestSlot = std::uint32_t;

/// What others added to the ended steps of a replica that decode, summed since the beginning.
struct StepAdditions {
    std::int64_t prefill_ns = 0;  ///< prompt tokens in them
    std::int64_t slower_ns = 0;   ///< slower ranks of the replica's group
};

/// Steps read and write the first cache line of their members only.
struct alignas(64) RequestState {
    std::int64_t computed = 0;    ///< tokens whose KV is in the cache of `replica`
    std::int64_t target = 0;      ///< tokens to compute before the next sampling: the prompt, or after a
                                  ///< preemption the prompt and what was generated
    std::int64_t generated = 0;   ///< output tokens made
    std::int64_t output = 0;
    std::int64_t blocks = 0;      ///< held at `replica`, shared ones included
    std::int64_t sequence = 0;
    std::int32_t replica = -1;
    std::int32_t decode_replica = -1;
    bool in_flight = false;       ///< member of a batch that has not ended
    bool ever_scheduled = false;
    bool left_running = false;    ///< to be dropped from its replica's running list
    bool in_decode_segment = false;  ///< from `mark` on it decodes; the ledger is settled when that ends
    bool loaded_first = false;    ///< KV was loaded for it from the host before it ever ran
    bool moving = false;          ///< scratch of policies that rearrange running lists
    LedgerPart wait_part = LedgerPart::prefill_queue;  ///< what waiting from `mark` on counts as

    std::int64_t set_step = 0;    ///< in a decode set: its step up to which the fields above are kept
    VirtualTime mark;             ///< the ledger accounts for everything before this moment
    std::int64_t segment_context = 0;  ///< `computed` when the current stretch of decode steps began
    std::int64_t prompt = 0;
    std::int64_t high_water = 0;  ///< most tokens ever computed on any replica; below it work is recomputation
    std::int64_t shared_blocks = 0;  ///< of `blocks`, entries of the replica's prefix cache
    OwnRun own_run;               ///< what it left behind at its eviction
    std::int64_t next_hash = 0;   ///< first hash of its prompt that is not computed or matched yet
    std::int64_t cached = 0;      ///< tokens found in the prefix cache at its first admission
    std::int32_t prefill_replica = -1;
    std::int32_t preemptions = 0;
    std::int32_t slo_class = 0;      ///< index in the run's SloClasses
    std::int32_t priority = 0;       ///< of its class: lower goes first
    VirtualTime arrived;
    VirtualTime scheduled;
    VirtualTime first_token;
    VirtualTime decode_started;
    Ledger ledger;
    Blame blame;
    ReplicaClocks::Reading waits_since{};  ///< its replica's clocks at `mark`, while it waits there
    DestinationClocks::Reading hands_off_since{};  ///< likewise of the destination, while its KV waits for one
    VirtualTime seen;                      ///< where schedulers decide ahead: when its one sees it
    BlameCause unseen_cause = BlameCause::decided_ahead;  ///< why not before
    StepAdditions segment_since;           ///< its replica's when the decode segment began

    [[nodiscard]] bool decoding() const { return computed >= target; }
    /// Tokens that the next step may compute for it.
    [[nodiscard]] std::int64_t pending() const { return decoding() ? 1 : target - computed; }
    /// It has made its last token; true of free slots of the RequestTable too.
    [[nodiscard]] bool ended() const { return generated == output; }

    /// From now (`mark`) on the request decodes, step after step, until it finishes or is preempted.
    /// `additions` are its replica's now.
    void begin_decode_segment(const StepAdditions& additions) {
        in_decode_segment = true;
        segment_context = computed;
        segment_since = additions;
    }
    /// It waits at its replica from now on.
    void begin_wait(VirtualTime now, LedgerPart part, const ReplicaClocks& clocks) {
        wait_part = part;
        waits_since = clocks.read(now);
    }
    /// Counts the time since `mark` as waiting at its replica.
    void account_wait(VirtualTime now, const ReplicaClocks& clocks) {
        if (now == mark) return;
        REPLAYD_ASSERT(now > mark);
        ledger[wait_part] += now - mark;
        clocks.charge(now, waits_since, blame);
        mark = now;
    }
};

static_assert(offsetof(RequestState, set_step) == 64, "what steps use is to fill the first cache line");

/// All requests in the system, with their arrivals, which others keep, in reusable slots.
class RequestTable {
public:
    RequestSlot add(std::int64_t sequence, const HeldArrival& held) {
        const Arrival& arrival = *held.arrival;
        RequestSlot slot;
        if (free_.empty()) {
            slot = static_cast<RequestSlot>(states_.size());
            if (states_.size() == states_.capacity()) states_.reserve(std::max<std::size_t>(256, 4 * states_.size()));
            states_.emplace_back();
            arrivals_.emplace_back();
            held_.emplace_back();
        } else {
            slot = free_.back();
            free_.pop_back();
            states_[slot] = RequestState{};
        }
        RequestState& state = states_[slot];
        state.sequence = sequence;
        state.prompt = arrival.prompt.value;
        state.output = arrival.output.value;
        state.target = state.prompt;
        state.arrived = state.scheduled = state.first_token = state.decode_started = state.mark = arrival.at;
        arrivals_[slot] = held;
        return slot;
    }
    /// Precondition: the request has ended, and its arrival was given back: nobody may read that any more.
    void remove(RequestSlot slot) {
        arrivals_[slot] = {};
        free_.push_back(slot);
    }

    RequestState& operator[](RequestSlot slot) { return states_[slot]; }
    const RequestState& operator[](RequestSlot slot) const { return states_[slot]; }
    [[nodiscard]] const Arrival& arrival(RequestSlot slot) const { return *arrivals_[slot].arrival; }
    [[nodiscard]] const HeldArrival& held_arrival(RequestSlot slot) const { return arrivals_[slot]; }
    /// Entries of its replica's prefix cache that the request uses.
    std::vector<CacheEntry>& held(RequestSlot slot) { return held_[slot]; }
    /// Slots in use or free: 0 to slots() - 1.
    [[nodiscard]] std::size_t slots() const { return states_.size(); }
    [[nodiscard]] std::size_t active() const { return states_.size() - free_.size(); }

private:
    std::vector<RequestState> states_;
    std::vector<HeldArrival> arrivals_;
    std::vector<std::vector<CacheEntry>> held_;
    std::vector<RequestSlot> free_;
};

}  // namespace replayd
