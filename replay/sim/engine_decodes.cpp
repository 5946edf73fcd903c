// Batches whose decodes the replica's decode set stands for.

#include "replay/base/assert.hpp"
#include "replay/sim/engine.hpp"

namespace replayd {
namespace {

/// After a batch that the set was of no use for, so many are formed one by one: under pressure for KV blocks every
/// batch could be of that kind.
constexpr std::int64_t k_forms_without_set = 16;

}  // namespace

bool Run::Impl::form_around_decodes(ReplicaState& replica, BatchInFlight& batch) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(replica.index)];
    if (options_.stretch_steps_max == 0 || runtime.stage_free.size() > 1) return false;
    // Its members advance alike.
    if (compiled_->scenario.pools[replica.pool].speculation) return false;
    if (runtime.forms_until_set > 0) {
        --runtime.forms_until_set;
        return false;
    }
    DecodeSet& decodes = runtime.decodes;
    const std::int64_t before = decodes.size();
    const auto member = [&](std::int64_t i) { return replica.running[static_cast<std::size_t>(i)]; };
    bool formed = true;
    while (formed && static_cast<std::size_t>(decodes.size()) < replica.running.size() &&
           requests_[member(decodes.size())].decoding()) {
        formed = decodes.join(replica, requests_, member(decodes.size()));
    }
    if (decodes.size() == 0) return false;
    formed = formed && policies_[replica.pool]->form_around(replica, requests_, decodes.size(), decodes.next_growth(),
                                                            batch.decision);
    if (!formed) {
        settle_decodes(replica);
        runtime.forms_until_set = k_forms_without_set;
        return false;
    }
    for (std::int64_t i = before; i < decodes.size(); ++i) join_batch(requests_[member(i)]);
    decodes.reserve(1);
    batch.set_members = decodes.size();
    account_preemptions(replica, batch.decision);
    start_loads(replica, batch.decision);
    return true;
}

void Run::Impl::end_decode_set(ReplicaState& replica, std::int64_t steps) {
    DecodeSet& decodes = runtimes_[static_cast<std::size_t>(replica.index)].decodes;
    decodes.advance(steps);
    decodes.take_finished(replica, requests_, finished_);
    for (const RequestSlot slot : finished_) {
        requests_[slot].in_flight = false;
        complete(replica, slot);
    }
    finished_.clear();
    left_running_ = 0;  // they have left the running list
}

void Run::Impl::settle_decodes(ReplicaState& replica) {
    DecodeSet& decodes = runtimes_[static_cast<std::size_t>(replica.index)].decodes;
    for (std::int64_t i = 0; i < decodes.size(); ++i) {
        requests_[replica.running[static_cast<std::size_t>(i)]].in_flight = false;
    }
    decodes.settle(replica, requests_);
}

void Run::Impl::list_decodes(ReplicaState& replica) {
    ReplicaRuntime& runtime = runtimes_[static_cast<std::size_t>(replica.index)];
    if (runtime.decodes.size() == 0) return;
    REPLAYD_ASSERT(runtime.in_flight.size() == 1);
    BatchInFlight& batch = runtime.in_flight.front();
    std::vector<ScheduledTokens> listed;
    for (std::int64_t i = 0; i < batch.set_members; ++i) {
        listed.push_back({replica.running[static_cast<std::size_t>(i)], 1, false});
    }
    batch.decision.members.insert(batch.decision.members.begin(), listed.begin(), listed.end());
    batch.set_members = 0;
    runtime.decodes.settle(replica, requests_);
}

}  // namespace replayd
