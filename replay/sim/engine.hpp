#pragma once
// The discrete-event engine behind Run. Arrivals wait in a sorted queue of their own, batch ends in one timer per
// replica, ends of KV transfers and of loads from the host in heaps. Decode steps that repeat the same batch are
// planned in one go (a decode stretch): only their end times are computed, requests and blocks are brought up to date
// when something touches the replica. With `stretch_steps_max` 0 every step is an event of its own; the
// results are the same, which is a property test.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <vector>

#include "replay/sched/batch_policy.hpp"
#include "replay/sched/replica_state.hpp"
#include "replay/sched/request_state.hpp"
#include "replay/sched/router.hpp"
#include "replay/sim/arrival_store.hpp"
#include "replay/sim/batch_queue.hpp"
#include "replay/sim/decode_set.hpp"
#include "replay/sim/events.hpp"
#include "replay/sim/moment.hpp"
#include "replay/sim/replica_timers.hpp"
#include "replay/sim/run.hpp"
#include "replay/sim/scaler.hpp"
#include "replay/sim/solo_cost.hpp"
#include "replay/sim/transfer_network.hpp"
#include "replay/sim/window_accumulator.hpp"

namespace replayd {

/// Before every moment: the blocks of a stretch are yet to be looked at.
inline constexpr VirtualTime k_not_synced{-1};

/// Of replicas with one rank, which step by themselves.
inline constexpr std::int32_t k_no_group = -1;

/// The data-parallel ranks of one replica, which begin and end their steps together.
struct RankGroup {
    std::int32_t first = 0;  ///< index over all replicas
    std::int32_t size = 0;
};

/// What the engine knows of a replica beside what schedulers see.
struct ReplicaRuntime {
    BatchQueue in_flight;                   ///< at most one per pipeline stage
    std::vector<VirtualTime> stage_free;    ///< when each pipeline stage has worked off what was launched
    VirtualTime busy_since;                 ///< while something is in flight: busy time is counted up to here
    VirtualTime host_link_free;             ///< when its link from the host has brought what was asked for
    std::int64_t never_ran = 0;             ///< waiting requests that were routed here and never ran
    DecodeSet decodes;                      ///< with one stage: members of the batch in flight, if not empty
    std::int64_t forms_until_set = 0;       ///< batches to form one by one before a decode set is tried again
    ReplicaClocks clocks;                   ///< why requests wait here
    StepAdditions additions;                ///< of its ended steps
    Bytes workspace{0};                     ///< most that an attention plan of its prefill has needed
    bool dirty = false;                     ///< to be scheduled in this tick
    bool decides_ahead = false;             ///< BatchingSpec::asynchronous, where it holds
    bool resources_freed = false;           ///< for the step after the one just formed: requests have left
    VirtualTime last_start;                 ///< of the step that ended last
    VirtualTime last_end{-1};               ///< and its end
    std::int32_t group = k_no_group;        ///< of the ranks that step together
    std::int64_t last_sequences = 0;        ///< members of the last launched batch
};

/// A request whose KV goes, or waits to go, from a prefill to a decode replica. With layer-wise overlap its last
/// chunk may be under way still.
struct Handoff {
    RequestSlot slot = 0;
    VirtualTime launched;               ///< from here on KV of the last chunk is made
    VirtualTime made;                   ///< when all of it is: the end of its prefill
    std::int64_t tokens_before = 0;     ///< whose KV was there at `launched`
    std::int32_t destination = -1;
    std::int64_t destination_blocks = 0;
    VirtualTime start;                  ///< the destination was reserved and sending began
    Duration alone{0};                  ///< what would follow `made` if no other transfer were there
};

class Run::Impl {
public:
    Impl(std::shared_ptr<const CompiledScenario> compiled, RecordSink& sink, RunOptions options);

    void offer(Arrival&& arrival);
    void offer(const ArrivalBatch& batch, std::size_t first, std::size_t count);
    void advance(VirtualTime watermark);
    void finish();
    [[nodiscard]] StateHash hash() const { return hash_; }
    [[nodiscard]] RunSnapshot snapshot() const;
    void report_to(RecordSink& sink) {
        sink_ = &sink;
        events_ = nullptr;
        windows_.forget_replicas();
        arrivals_.part();
    }
    void tell_events(EventSink* events) { events_ = events; }
    void tell_windows_only() { keeps_records_ = false; }
    /// Goes on under `changed`; see Run::fork.
    [[nodiscard]] Result<void> adopt(std::shared_ptr<const CompiledScenario> changed);
    /// As Run::moment, of a copy: what decode sets and stretches stand for is settled.
    [[nodiscard]] Moment settle_to_moment(std::size_t listed_max);

private:
    struct TransferEnd {
        VirtualTime time;
        std::int64_t sequence = 0;   ///< of the request: order among equal times
        std::uint32_t place = 0;     ///< in transfers_
        /// Heap order: earliest first.
        bool operator<(const TransferEnd& other) const {
            if (time != other.time) return other.time < time;
            return other.sequence < sequence;
        }
    };
    struct LoadEnd {
        VirtualTime time;
        std::int64_t sequence = 0;   ///< of the request: order among equal times
        VirtualTime start;           ///< on the link
        RequestSlot slot = 0;
        /// Heap order: earliest first.
        bool operator<(const LoadEnd& other) const {
            if (time != other.time) return other.time < time;
            return other.sequence < sequence;
        }
    };
    // engine.cpp: the loop
    void run_until(VirtualTime limit);
    void tick(VirtualTime now);
    void accept(const HeldArrival& held);
    /// It has ended: its slot and its arrival are free.
    void remove(RequestSlot slot);
    /// Finds the SLO class of a request.
    void classify(RequestSlot slot);
    [[nodiscard]] std::size_t route(const Arrival& arrival);
    void sync_for_router(std::size_t pool);
    /// The request is outstanding at the replica from now on, or (`requests` -1) no longer.
    void count_outstanding(ReplicaState& replica, const RequestState& request, std::int64_t requests);
    /// What the routers go by, for those made anew.
    void tell_router(std::size_t pool);
    /// Routers that count now and then do so: nothing has changed since their count was due.
    void count_for_routers();
    [[nodiscard]] std::string refusal(const Arrival& arrival) const;
    [[nodiscard]] std::string refusal_of(std::size_t pool, const Arrival& arrival, std::int64_t kept) const;
    void reject(const Arrival& arrival, std::string reason);
    void drain_events();
    void schedule_dirty();
    void mark_dirty(std::int32_t replica);
    void log(EventKind kind, std::int64_t sequence, std::int64_t detail = 0);
    [[nodiscard]] std::span<ReplicaState> pool_replicas(std::size_t pool);
    [[nodiscard]] VirtualTime next_event() const {
        VirtualTime event = std::min(batch_ends_.first_time(), network_.next());
        if (!load_ends_.empty()) event = std::min(event, load_ends_.top().time);
        return transfer_ends_.empty() ? event : std::min(event, transfer_ends_.top().time);
    }
    [[nodiscard]] VirtualTime next_time() const;

    // engine_steps.cpp: batches are formed and launched
    void schedule(std::int32_t replica);
    [[nodiscard]] bool prepare(std::int32_t replica, BatchInFlight& batch);
    void launch(std::int32_t replica, BatchInFlight& batch);
    [[nodiscard]] bool form(ReplicaState& replica, BatchInFlight& batch);
    void join_batch(RequestState& request);
    [[nodiscard]] ReplicaRuntime& runtime_of(const RequestState& request) {
        return runtimes_[static_cast<std::size_t>(request.replica)];
    }
    void plan_stages(std::int32_t replica, BatchInFlight& batch);
    /// When the last of them is through with what takes it `times`.
    [[nodiscard]] VirtualTime occupy_stages(ReplicaRuntime& runtime, std::span<const Duration> times) const;
    void take_interference_apart(std::int32_t replica, BatchInFlight& batch);
    void extend_stretch(std::int32_t replica, BatchInFlight& batch);
    [[nodiscard]] std::int64_t repeats_of(std::int32_t replica, const BatchInFlight& batch, std::int64_t most) const;
    void append_stretch(std::int32_t replica, BatchInFlight& batch);
    void interrupt(std::int32_t replica, std::size_t further_steps = 0);
    void cut(std::int32_t replica, std::size_t steps);
    void sync_blocks(std::int32_t replica, VirtualTime time);
    [[nodiscard]] VirtualTime take_stretch_blocks(std::int32_t replica, VirtualTime time);
    void account_preemptions(ReplicaState& replica, const BatchDecision& decision);
    void emit_batch(const ReplicaState& replica, const BatchInFlight& batch);

    // engine_groups.cpp: data-parallel ranks step together
    void schedule_group(std::int32_t group);
    [[nodiscard]] bool prepare_group(const RankGroup& group);
    [[nodiscard]] std::int64_t replica_of(const RankGroup& group) const;
    void add_faults(const RankGroup& group);
    [[nodiscard]] bool faults_ahead(const RankGroup& group) const;
    void plan_rank(std::int32_t replica, BatchInFlight& batch);
    void extend_group_stretch(const RankGroup& group);
    [[nodiscard]] std::int64_t group_repeats(const RankGroup& group);
    [[nodiscard]] Duration for_slower_ranks(std::int32_t replica, const BatchInFlight& batch);

    // engine_ahead.cpp: schedulers that decide a step ahead
    void join_queue(ReplicaState& replica, RequestSlot slot);
    void keep_unseen(ReplicaState& replica, RequestSlot slot);
    [[nodiscard]] bool form_ahead(ReplicaState& replica, BatchInFlight& batch);
    bool show_until(ReplicaState& replica, VirtualTime time);
    void release_leaving(ReplicaState& replica);
    [[nodiscard]] bool next_differs(const ReplicaState& replica) const;

    // engine_ends.cpp: batches end
    void end_batch(std::int32_t replica);
    void end_members(ReplicaState& replica, const BatchInFlight& batch);
    void end_chunk(ReplicaState& replica, const ScheduledTokens& member, const BatchInFlight& batch,
                   const SoloCost& solo);
    void end_decode(ReplicaState& replica, RequestSlot slot, std::int64_t steps);
    void close_decode_segment(SoloCost& solo, RequestState& request, std::int64_t computed);
    /// Counts the time since `mark`, in which the request decoded: `alone` of it for its own tokens.
    void settle_decode(RequestState& request, Duration alone);
    /// The end of a step that verified drafts.
    void end_verified(ReplicaState& replica, const ScheduledTokens& member, const SoloCost& solo);
    void complete(ReplicaState& replica, RequestSlot slot);
    [[nodiscard]] RequestRecord make_record(RequestSlot slot);
    void note_times(const RequestState& request, RequestRecord& record) const;
    void drop_left(ReplicaState& replica, std::size_t from);
    void account_chunk(RequestState& request, std::int64_t tokens, const BatchInFlight& batch, const SoloCost& solo);
    static void hand_over_ledger(const RequestState& request, RequestRecord& record);

    // engine_decodes.cpp: the decode set
    [[nodiscard]] bool form_around_decodes(ReplicaState& replica, BatchInFlight& batch);
    void end_decode_set(ReplicaState& replica, std::int64_t steps);
    void settle_decodes(ReplicaState& replica);
    void list_decodes(ReplicaState& replica);

    // engine_handoff.cpp: prefill to decode
    [[nodiscard]] std::vector<NicSpec> cards_of(const Scenario& scenario) const;
    [[nodiscard]] std::optional<std::size_t> local_prefill(const Arrival& arrival);
    void announce_handoffs(const ReplicaState& replica, const BatchInFlight& batch);
    void hand_off(ReplicaState& replica, RequestSlot slot);
    bool place_handoffs();
    [[nodiscard]] BlameCause why_no_room();
    [[nodiscard]] std::int64_t sequences_of(const ReplicaState& replica) const;
    [[nodiscard]] bool has_room(const ReplicaState& replica, std::int64_t blocks);
    [[nodiscard]] bool outlasts_reservation(const ReplicaState& replica) const;
    void start_transfer(Handoff handoff, ReplicaState& destination);
    [[nodiscard]] TransferLoad load_of(const Handoff& handoff) const;
    void end_sending();
    void end_transfer(std::uint32_t transfer);

    // engine_scaling.cpp: replicas come and go
    /// What has come to a pool that scales since the last look.
    struct PoolLoad {
        Duration busy{0};              ///< of all ranks, in steps
        std::int64_t prompts = 0;
        std::int64_t prompt_tokens = 0;
    };
    /// What the replicas of a pool that take requests hold now.
    struct PoolUse {
        std::int64_t blocks = 0;
        std::int64_t sequences = 0;       ///< that hold or will soon hold KV
        std::int64_t waiting = 0;         ///< requests
        std::int64_t waiting_tokens = 0;  ///< that these must compute before anything else comes of them
    };
    void scale();
    void release_drained();
    void apply_phases();
    void forget_caches(std::size_t pool, std::int64_t replica);
    void count_blocks();
    void note_arrival(const Arrival& arrival);
    [[nodiscard]] std::int64_t replica_number(const ReplicaState& replica) const;
    /// It has GPUs and has started.
    [[nodiscard]] bool exists(const ReplicaState& replica) const;
    [[nodiscard]] bool takes_requests(const ReplicaState& replica) const;
    [[nodiscard]] std::span<ReplicaState> ranks_of(std::size_t pool, std::int64_t replica);
    [[nodiscard]] PoolUse use_of(std::size_t pool);
    [[nodiscard]] std::int64_t replicas_wanted(std::size_t pool);
    [[nodiscard]] std::int64_t replicas_for_ttft(std::size_t pool, const PoolUse& use);
    [[nodiscard]] std::int64_t replicas_for_tpot(std::size_t pool, const PoolUse& use);
    [[nodiscard]] double time_of(std::size_t pool, const StepShape& shape);

    // engine_host.cpp: KV from the host tier
    void start_loads(const ReplicaState& replica, const BatchDecision& decision);
    void end_load();
    [[nodiscard]] Duration loading_time(std::size_t pool, std::int64_t blocks) const;

    // engine_fork.cpp: changing the scenario in flight
    [[nodiscard]] Result<void> check_adoptable(const CompiledScenario& changed) const;
    [[nodiscard]] Result<void> check_requests_fit(const CompiledScenario& changed) const;
    [[nodiscard]] static std::int64_t state_blocks(const MemoryPlan& plan);
    void settle_for_change(std::int32_t replica);

    // engine_moment.cpp: the state as others see it
    [[nodiscard]] MomentReplica replica_now(const ReplicaState& replica, std::size_t listed_max);
    [[nodiscard]] MomentRequest request_now(RequestSlot slot, std::int64_t steps_ended) const;
    [[nodiscard]] std::vector<MomentTransfer> transfers_now();
    [[nodiscard]] MomentTransfer transfer_of(const Handoff& handoff, MomentTransfer::State state) const;

    // engine_windows.cpp: statistics
    void count_steps(std::int32_t replica, BatchInFlight& batch, VirtualTime before);
    void close_windows(VirtualTime until);
    void close_window();
    void count_busy(std::int32_t replica, VirtualTime until);
    void note_workspace(std::int32_t replica, const BatchDecision& decision);

    std::shared_ptr<const CompiledScenario> compiled_;
    RecordSink* sink_;
    EventSink* events_ = nullptr;
    RunOptions options_;
    bool keeps_records_ = true;             ///< of requests, with their ledgers, and the hash
    RequestRecord bare_;                    ///< scratch: what windows count of a request that gets no record
    std::vector<ReplicaState> replicas_;
    std::vector<ReplicaRuntime> runtimes_;
    std::vector<VirtualTime> synced_until_;  ///< by replica: up to then the blocks of its stretch are taken. Asked for
                                             ///< often, so apart
    std::vector<std::size_t> pool_begin_;  ///< first replica of each pool, and one past the last
    std::vector<std::shared_ptr<const BatchPolicy>> policies_;
    std::vector<Router> routers_;
    VirtualTime next_count_ = ReplicaTimers::k_never;  ///< of routers that count now and then
    std::vector<SoloCost> solo_;
    std::vector<RankGroup> groups_;

    ArrivalStore arrivals_;
    RequestTable requests_;
    ReplicaTimers batch_ends_;             ///< end of the oldest batch in flight of each replica
    std::priority_queue<TransferEnd> transfer_ends_;
    std::priority_queue<LoadEnd> load_ends_;
    std::vector<std::int32_t> dirty_;
    std::deque<Handoff> handoffs_;         ///< wait for a destination, first come first served
    DestinationClocks destination_clocks_; ///< why they wait
    std::vector<Handoff> transfers_;       ///< on the wire, in reusable places
    std::vector<std::uint32_t> free_transfers_;
    TransferNetwork network_;              ///< sends them
    std::vector<std::uint32_t> sent_;      ///< scratch
    std::vector<std::uint32_t> announced_; ///< by slot: hand-offs begun before the prefill ended: place in transfers_
    std::int64_t transferring_ = 0;        ///< requests whose KV is awaited: prefilled elsewhere, or from the host
    std::size_t left_running_ = 0;         ///< requests to be dropped from a running list
    std::vector<RequestSlot> ended_;       ///< completed by the batch that ends now
    std::vector<RequestSlot> finished_;    ///< scratch
    std::vector<Duration> stage_times_;    ///< scratch
    std::vector<Duration> stretch_times_;  ///< scratch
    std::vector<Duration> group_times_;    ///< scratch
    std::vector<StepShape> group_shapes_;  ///< scratch
    bool blocks_freed_ = false;            ///< by preemption in this tick, after hand-offs were placed
    bool handoff_announced_ = false;       ///< in this tick, after hand-offs were placed

    Scaler scaler_;
    std::vector<PoolLoad> scaling_;            ///< by pool
    std::vector<bool> pool_starting_;          ///< by pool: a replica of it is starting
    std::vector<PhaseChange> phase_changes_;   ///< scratch
    VirtualTime last_event_;                   ///< the latest arrival or tick

    VirtualTime now_;
    VirtualTime watermark_;
    std::int64_t next_sequence_ = 0;
    std::int64_t next_batch_ = 0;
    StateHash hash_;
    RunSnapshot totals_;
    WindowAccumulator windows_;
    bool batches_wanted_;
};

}  // namespace replayd
