#pragma once
// The arrivals of a run from their offer until their requests have ended. Batches are referred to, not copied: the runs
// of a stream, their forks and their look-aheads share them. A batch is kept while any of its arrivals is in use.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "replay/sched/held_arrival.hpp"

namespace replayd {

/// Arrivals in their order, shared by whoever reads them.
using ArrivalBatch = std::shared_ptr<const std::vector<Arrival>>;

class ArrivalStore {
public:
    /// `count` >= 1 arrivals of the batch, from number `first` on, wait behind those that wait already.
    void add(const ArrivalBatch& batch, std::size_t first, std::size_t count);
    /// One arrival of nobody else's waits behind those that wait already.
    void add(Arrival&& arrival);

    /// None waits.
    [[nodiscard]] bool empty() const { return waiting_.empty(); }
    /// The first and the last one that wait. Precondition: not empty().
    [[nodiscard]] const Arrival& front() const { return *waiting_.front().next; }
    [[nodiscard]] const Arrival& back() const { return waiting_.back().end[-1]; }

    /// The first one waits no longer, and is held until it is given back. Precondition: not empty().
    HeldArrival take() {
        Waiting& first = waiting_.front();
        const HeldArrival held{first.next, first.batch};
        if (++first.next == first.end) waiting_.pop_front();
        return held;
    }
    void give_back(const HeldArrival& held) {
        Batch& batch = batches_[held.batch - first_batch_];
        if (--batch.in_use > 0) return;
        batch.arrivals.reset();
        drop_unused();
    }

    /// For a copy of another store, before anything is added to either: what comes to the one is none of the other's.
    void part() { open_.reset(); }

private:
    struct Batch {
        ArrivalBatch arrivals;   ///< null when none is in use
        std::size_t in_use = 0;  ///< that wait or are held
    };
    /// Neighbours that wait.
    struct Waiting {
        const Arrival* next = nullptr;
        const Arrival* end = nullptr;
        std::uint64_t batch = 0;
    };

    /// `count` neighbours of `batch`, the first of which is `begin`, wait.
    void wait(const ArrivalBatch& batch, const Arrival* begin, std::size_t count);
    void drop_unused();

    std::deque<Batch> batches_;      ///< in the order in which they came; from the first one in use on
    std::uint64_t first_batch_ = 0;  ///< number of the first of them
    std::deque<Waiting> waiting_;
    /// The last batch, while it takes single arrivals. Its memory is never moved: others may read what is in it.
    std::shared_ptr<std::vector<Arrival>> open_;
};

}  // namespace replayd
