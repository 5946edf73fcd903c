#include "replay/sim/scaler.hpp"

#include <algorithm>

#include "replay/base/assert.hpp"

namespace replayd {

Scaler::Scaler(const Scenario& scenario) : times_(scenario.autoscale) {
    for (const PoolSpec& spec : scenario.pools) {
        Pool pool;
        pool.spec = spec.autoscale;
        pool.gpus = spec.gpus_per_replica();
        pool.replicas.resize(static_cast<std::size_t>(spec.replicas));
        const std::int64_t from_start = spec.autoscale ? spec.autoscale->replicas_start : spec.replicas;
        for (std::int64_t i = 0; i < from_start; ++i) {
            pool.replicas[static_cast<std::size_t>(i)].phase = ReplicaPhase::active;
            gpus_on_ += pool.gpus;
        }
        on_ = on_ || spec.autoscale.has_value();
        pools_.push_back(std::move(pool));
    }
}

void Scaler::begin(VirtualTime now) {
    if (paid_until_ != k_never) return;
    paid_until_ = now;
    if (!on_) return;
    next_look_ = VirtualTime((now.ns / times_.interval.value + 1) * times_.interval.value);
    set_next();
}

std::int64_t Scaler::count(std::size_t pool, ReplicaPhase phase) const {
    const std::vector<Replica>& replicas = pools_[pool].replicas;
    return std::count_if(replicas.begin(), replicas.end(),
                         [&](const Replica& replica) { return replica.phase == phase; });
}

std::int64_t Scaler::first(std::size_t pool, ReplicaPhase phase) const {
    const std::vector<Replica>& replicas = pools_[pool].replicas;
    const auto found = std::find_if(replicas.begin(), replicas.end(), [&](const Replica& replica) {
        return replica.phase == phase && replica.heir_replica < 0;
    });
    return found == replicas.end() ? -1 : found - replicas.begin();
}

void Scaler::set(std::size_t pool, std::int64_t replica, ReplicaPhase phase, std::vector<PhaseChange>& changes) {
    Replica& changed = pools_[pool].replicas[static_cast<std::size_t>(replica)];
    draining_ += (phase == ReplicaPhase::draining ? 1 : 0) - (changed.phase == ReplicaPhase::draining ? 1 : 0);
    changed.phase = phase;
    if (phase != ReplicaPhase::starting) changed.ready = k_never;
    if (phase != ReplicaPhase::draining) changed.heir_replica = -1;
    changes.push_back({pool, replica, phase});
}

void Scaler::pay(VirtualTime now) {
    REPLAYD_ASSERT(now >= paid_until_);
    paid_ += Duration((now - paid_until_).value * gpus_on_);
    paid_until_ = now;
}

Duration Scaler::gpu_time(VirtualTime now) const {
    if (paid_until_ == k_never || now <= paid_until_) return paid_;
    return paid_ + Duration((now - paid_until_).value * gpus_on_);
}

void Scaler::end_starts(VirtualTime now, std::vector<PhaseChange>& changes) {
    for (std::size_t pool = 0; pool < pools_.size(); ++pool) {
        for (std::size_t i = 0; i < pools_[pool].replicas.size(); ++i) {
            if (pools_[pool].replicas[i].ready > now) continue;
            set(pool, static_cast<std::int64_t>(i), ReplicaPhase::active, changes);
        }
    }
    set_next();
}

void Scaler::decide(VirtualTime now, std::span<const std::int64_t> wanted, const LoadOf& load_of,
                    std::vector<PhaseChange>& changes) {
    pay(now);
    std::vector<std::int64_t> bounded(wanted.begin(), wanted.end());
    for (std::size_t pool = 0; pool < pools_.size(); ++pool) {
        if (!scales(pool)) continue;
        const auto most = static_cast<std::int64_t>(pools_[pool].replicas.size());
        bounded[pool] = std::clamp(bounded[pool], pools_[pool].spec->replicas_min, most);
    }
    // First who needs more: it may take over what the other pool can spare.
    for (std::size_t pool = 0; pool < pools_.size(); ++pool) {
        if (!scales(pool)) continue;
        const std::int64_t more = bounded[pool] - active(pool) - starting(pool);
        if (more > 0) grow(now, pool, more, bounded, load_of, changes);
    }
    for (std::size_t pool = 0; pool < pools_.size(); ++pool) {
        if (scales(pool)) shrink(now, pool, bounded[pool], load_of, changes);
    }
    next_look_ = next_look_ + times_.interval;
    set_next();
}

void Scaler::grow(VirtualTime now, std::size_t pool, std::int64_t more, std::span<const std::int64_t> wanted,
                  const LoadOf& load_of, std::vector<PhaseChange>& changes) {
    // What is being drained and promised to nobody serves on.
    for (std::int64_t i = first(pool, ReplicaPhase::draining); more > 0 && i >= 0;
         i = first(pool, ReplicaPhase::draining)) {
        set(pool, i, ReplicaPhase::active, changes);
        --more;
    }
    if (times_.take_over.value > 0) more -= take_over(pool, more, wanted, load_of, changes);
    for (std::int64_t i = first(pool, ReplicaPhase::off); more > 0 && i >= 0; i = first(pool, ReplicaPhase::off)) {
        set(pool, i, ReplicaPhase::starting, changes);
        pools_[pool].replicas[static_cast<std::size_t>(i)].ready = now + times_.startup;
        gpus_on_ += pools_[pool].gpus;
        ++started_;
        --more;
    }
}

std::int64_t Scaler::take_over(std::size_t pool, std::int64_t more, std::span<const std::int64_t> wanted,
                               const LoadOf& load_of, std::vector<PhaseChange>& changes) {
    const std::size_t other = 1 - pool;
    std::int64_t taken = 0;
    while (taken < more && active(other) > wanted[other]) {
        const std::int64_t heir = first(pool, ReplicaPhase::off);
        if (heir < 0) break;
        const std::int64_t leaving = least_loaded(other, load_of);
        set(other, leaving, ReplicaPhase::draining, changes);
        pools_[other].replicas[static_cast<std::size_t>(leaving)].heir_replica = heir;
        // It waits for the GPUs, which are paid for as the other one's.
        set(pool, heir, ReplicaPhase::starting, changes);
        ++taken;
    }
    return taken;
}

void Scaler::shrink(VirtualTime now, std::size_t pool, std::int64_t wanted, const LoadOf& load_of,
                    std::vector<PhaseChange>& changes) {
    Pool& state = pools_[pool];
    if (wanted >= active(pool)) {
        state.low_since = k_never;
        return;
    }
    if (state.low_since == k_never) {
        state.low_since = now;
        state.low_most = 0;
    }
    state.low_most = std::max(state.low_most, wanted);
    if (now - state.low_since < times_.down_after) return;
    while (active(pool) > state.low_most) set(pool, least_loaded(pool, load_of), ReplicaPhase::draining, changes);
    state.low_since = k_never;
}

std::int64_t Scaler::least_loaded(std::size_t pool, const LoadOf& load_of) const {
    std::int64_t found = -1;
    std::int64_t least = 0;
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(pools_[pool].replicas.size()); ++i) {
        if (phase(pool, i) != ReplicaPhase::active) continue;
        const std::int64_t load = load_of(pool, i);
        if (found >= 0 && load > least) continue;
        found = i;
        least = load;
    }
    REPLAYD_ASSERT(found >= 0);
    return found;
}

void Scaler::drained(VirtualTime now, std::size_t pool, std::int64_t replica, std::vector<PhaseChange>& changes) {
    const std::int64_t heir = pools_[pool].replicas[static_cast<std::size_t>(replica)].heir_replica;
    REPLAYD_ASSERT(phase(pool, replica) == ReplicaPhase::draining);
    pay(now);
    set(pool, replica, ReplicaPhase::off, changes);
    ++stopped_;
    if (heir < 0) {
        gpus_on_ -= pools_[pool].gpus;
    } else {
        pools_[1 - pool].replicas[static_cast<std::size_t>(heir)].ready = now + times_.take_over;
        ++started_;
    }
    set_next();
}

void Scaler::set_next() {
    next_ = next_look_;
    for (const Pool& pool : pools_) {
        for (const Replica& replica : pool.replicas) next_ = std::min(next_, replica.ready);
    }
}

}  // namespace replayd
