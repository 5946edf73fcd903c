#pragma once
// A run: one scenario replaying one stream. A pure value machine: arrivals in, records out through a sink.
// The result depends only on the arrivals and the scenario, not on how arrivals were split over calls or how
// far each call advanced.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/cost/cost_model.hpp"
#include "replay/cost/group_cost.hpp"
#include "replay/kv/prefix_cache.hpp"
#include "replay/memory/memory_plan.hpp"
#include "replay/sim/arrival_store.hpp"
#include "replay/sim/records.hpp"
#include "replay/sim/state_hash.hpp"

namespace replayd {

/// A scenario with its memory plans and cost models composed: made once, shared by runs, immutable.
struct CompiledScenario {
    Scenario scenario;
    std::vector<MemoryPlan> plans;                          ///< in the order of the pools
    std::vector<std::shared_ptr<const CostModel>> costs;    ///< in the order of the pools
    /// In the order of the pools: of those with several data-parallel ranks per replica, null for the others.
    std::vector<std::shared_ptr<const GroupCost>> group_costs;
    TransferSize transfer;
};
[[nodiscard]] Result<std::shared_ptr<const CompiledScenario>> compile(Scenario scenario);

/// The state of a run right now, for gauges.
struct RunSnapshot {
    VirtualTime now;                 ///< how far the run was advanced; once it has finished, its last event
    std::int64_t arrived = 0;
    std::int64_t waiting = 0;
    std::int64_t running = 0;
    std::int64_t transferring = 0;   ///< KV waiting for or on the wire, or the link from the host
    std::int64_t finished = 0;
    std::int64_t rejected = 0;
    std::int64_t preemptions = 0;
    std::int64_t steps = 0;
    std::int64_t failed_steps = 0;   ///< tries of steps that ended in an AFD server's timeout
    Tokens prompt_tokens{0};         ///< computed, recomputation included
    Tokens output_tokens{0};
    std::int64_t kv_blocks_used = 0;
    std::int64_t kv_blocks_total = 0;
    std::int64_t kv_blocks_cached = 0;  ///< unused, kept by prefix caches
    CacheCounters cache;             ///< of all prefix caches
    std::int64_t host_blocks_used = 0;  ///< of all host tiers
    std::int64_t host_blocks_total = 0;
    std::int64_t last_batch_sequences = 0;
    /// GPUs that were paid for × time, from the first arrival to the last event: replicas that start and are drained
    /// cost, too.
    Duration gpu_time{0};
    std::int64_t replicas_started = 0;  ///< by autoscaling
    std::int64_t replicas_stopped = 0;  ///< likewise, after they were drained
};

/// How a run is computed; never changes what it computes.
struct RunOptions {
    /// Decode steps of an unchanged batch that are planned in one go; 0: one event per step.
    std::int64_t stretch_steps_max = 128;
};

struct Moment;
class EventSink;

class Run {
public:
    /// `sink` must outlive the run.
    Run(std::shared_ptr<const CompiledScenario> scenario, RecordSink& sink, RunOptions options = {});
    ~Run();
    Run(Run&&) noexcept;
    Run& operator=(Run&&) noexcept;

    /// Queues the next arrival of the stream. Precondition: `violation(arrival)` is empty, and `at` is not
    /// earlier than the previous arrival's.
    void offer(Arrival arrival);
    /// The same for `count` arrivals of a batch from number `first` on, which the run refers to until their requests
    /// have ended: runs that replay one stream need no copies of it.
    void offer(const ArrivalBatch& batch, std::size_t first, std::size_t count);

    /// Processes everything that happens strictly before `watermark`: no later arrival may be earlier.
    /// Going back is a no-op.
    void advance(VirtualTime watermark);

    /// No arrival follows: runs until every request has finished or was rejected, and closes the last window.
    void finish();

    [[nodiscard]] StateHash hash() const;
    [[nodiscard]] RunSnapshot snapshot() const;
    /// Queues, batches and KV of every replica as they are now, each list with its first `listed_max` requests.
    /// O(state).
    [[nodiscard]] Moment moment(std::size_t listed_max) const;
    /// From now on the sink hears of windows only, which costs less: requests get no records, windows lack what would
    /// be in their ledgers and blame, and the hash stands still. All else stays what it would be. Forks are alike.
    void tell_windows_only();
    /// From now on `events` hears of every event; null: nobody. It must outlive the run. Forks tell nobody.
    void tell_events(EventSink* events);

    /// A copy of the run as it is now, reporting to `sink`: a checkpoint to go back to, or a branch. Offered the
    /// same arrivals it goes on exactly as the original. O(state): requests in the system, caches, queues.
    [[nodiscard]] Run fork(RecordSink& sink) const;

    /// A copy that goes on under another scenario: batches in flight end as planned, everything later is
    /// decided and priced by `changed`. Error `invalid_argument` names what cannot change in flight: the
    /// number, roles, batch policies, replicas, data-parallel ranks, pipeline stages, KV block size and prefix cache of
    /// the pools, the names of SLO classes, the length of windows, and a KV cache or limits too small for what is in
    /// the system. Until the next event of the run nothing is decided anew.
    [[nodiscard]] Result<Run> fork(std::shared_ptr<const CompiledScenario> changed, RecordSink& sink) const;

private:
    class Impl;
    explicit Run(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace replayd
