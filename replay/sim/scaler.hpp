#pragma once
// Which replicas of a run exist: those that serve, that start, that are drained. It decides how many there should be
// from what the engine says is needed; what is needed is found in engine_scaling.cpp. A replica here is a whole one,
// with all its data-parallel ranks. Without a pool that scales it does nothing, and `next` is never.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "replay/catalog/scenario.hpp"
#include "replay/sim/replica_timers.hpp"

namespace replayd {

enum class ReplicaPhase : std::uint8_t {
    off,       ///< there are no GPUs
    starting,  ///< costs already, takes nothing yet
    active,
    draining,  ///< takes nothing new, finishes what it has
};

/// What has become of a replica.
struct PhaseChange {
    std::size_t pool = 0;
    std::int64_t replica = 0;  ///< of the pool, from 0
    ReplicaPhase phase = ReplicaPhase::off;
};

/// A value: copying it copies its state.
class Scaler {
public:
    explicit Scaler(const Scenario& scenario);

    /// Whether any pool scales.
    [[nodiscard]] bool on() const { return on_; }
    /// When it has something to do next: a replica has started, or it is time to look.
    [[nodiscard]] VirtualTime next() const { return next_; }
    /// The first arrival: GPUs cost from now on, and the first look is at the next multiple of the interval.
    void begin(VirtualTime now);

    [[nodiscard]] bool scales(std::size_t pool) const { return pools_[pool].spec.has_value(); }
    [[nodiscard]] ReplicaPhase phase(std::size_t pool, std::int64_t replica) const {
        return pools_[pool].replicas[static_cast<std::size_t>(replica)].phase;
    }
    [[nodiscard]] std::int64_t active(std::size_t pool) const { return count(pool, ReplicaPhase::active); }
    [[nodiscard]] std::int64_t starting(std::size_t pool) const { return count(pool, ReplicaPhase::starting); }
    [[nodiscard]] std::int64_t draining() const { return draining_; }  ///< of all pools

    /// Replicas whose start has ended by `now` serve from now on; they are appended to `changes`.
    void end_starts(VirtualTime now, std::vector<PhaseChange>& changes);
    /// Whether it is time to look; then `decide` is to be called.
    [[nodiscard]] bool looks(VirtualTime now) const { return next_look_ <= now; }
    /// Starts and drains replicas towards `wanted` ones of each pool (of pools that do not scale: ignored). `load_of`
    /// says how much a replica has to do: the one with the least is drained first, the last of equals.
    using LoadOf = std::function<std::int64_t(std::size_t pool, std::int64_t replica)>;
    void decide(VirtualTime now, std::span<const std::int64_t> wanted, const LoadOf& load_of,
                std::vector<PhaseChange>& changes);
    /// A draining replica has nothing left: its GPUs go, or to the pool that waits for them.
    void drained(VirtualTime now, std::size_t pool, std::int64_t replica, std::vector<PhaseChange>& changes);

    /// GPU time paid for up to `now`, over all pools, scaling or not: of replicas that start, serve or are drained,
    /// since `begin`.
    [[nodiscard]] Duration gpu_time(VirtualTime now) const;
    [[nodiscard]] std::int64_t started() const { return started_; }  ///< replicas so far, by any way
    [[nodiscard]] std::int64_t stopped() const { return stopped_; }  ///< replicas drained so far

private:
    static constexpr VirtualTime k_never = ReplicaTimers::k_never;

    struct Replica {
        ReplicaPhase phase = ReplicaPhase::off;
        VirtualTime ready = k_never;       ///< while it starts; never: it waits for the GPUs of another one
        std::int64_t heir_replica = -1;    ///< while it drains: this one of the other pool starts on its GPUs; -1: none
    };
    struct Pool {
        std::optional<PoolAutoscaleSpec> spec;
        std::int64_t gpus = 0;             ///< of one replica
        std::vector<Replica> replicas;
        VirtualTime low_since = k_never;   ///< since when fewer were enough
        std::int64_t low_most = 0;         ///< the most that were wanted since
    };

    [[nodiscard]] std::int64_t count(std::size_t pool, ReplicaPhase phase) const;
    void set(std::size_t pool, std::int64_t replica, ReplicaPhase phase, std::vector<PhaseChange>& changes);
    void pay(VirtualTime now);
    void grow(VirtualTime now, std::size_t pool, std::int64_t more, std::span<const std::int64_t> wanted,
              const LoadOf& load_of, std::vector<PhaseChange>& changes);
    std::int64_t take_over(std::size_t pool, std::int64_t more, std::span<const std::int64_t> wanted,
                           const LoadOf& load_of, std::vector<PhaseChange>& changes);
    void shrink(VirtualTime now, std::size_t pool, std::int64_t wanted, const LoadOf& load_of,
                std::vector<PhaseChange>& changes);
    [[nodiscard]] std::int64_t least_loaded(std::size_t pool, const LoadOf& load_of) const;
    [[nodiscard]] std::int64_t first(std::size_t pool, ReplicaPhase phase) const;
    void set_next();

    AutoscaleSpec times_;
    std::vector<Pool> pools_;
    bool on_ = false;
    std::int64_t draining_ = 0;
    std::int64_t gpus_on_ = 0;
    std::int64_t started_ = 0;
    std::int64_t stopped_ = 0;
    VirtualTime next_ = k_never;
    VirtualTime next_look_ = k_never;
    VirtualTime paid_until_ = k_never;   ///< never: not begun
    Duration paid_{0};                   ///< GPU time until then
};

}  // namespace replayd
