#pragma once
// Batches of a replica between launch and end.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "replay/cost/cost_model.hpp"
#include "replay/sched/batch_policy.hpp"

namespace replayd {

/// When each step of a batch ends, ascending. Its memory stays as it is when steps are taken away and added.
class StepEnds {
public:
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] VirtualTime operator[](std::size_t step) const { return ends_[step]; }
    [[nodiscard]] VirtualTime back() const { return ends_[size_ - 1]; }

    void clear() { size_ = 0; }
    /// One step, which ends at `end`.
    void start(VirtualTime end) {
        if (ends_.empty()) ends_.resize(1);
        ends_[0] = end;
        size_ = 1;
    }
    /// Steps after those that there are, each as long as `times` says.
    void extend(std::span<const Duration> times) {
        if (ends_.size() < size_ + times.size()) ends_.resize(size_ + times.size());
        VirtualTime end = back();
        VirtualTime* next = ends_.data() + size_;
        for (const Duration time : times) {
            end = end + time;
            *next++ = end;
        }
        size_ += times.size();
    }
    /// Only the first `steps` of them. Precondition: no more than there are.
    void cut(std::size_t steps) { size_ = steps; }

    /// The first step that ends at `time` or later; size() if there is none. Precondition: size() > 0. Steps of a
    /// batch take about equally long, so it is looked for where it would be if they did.
    [[nodiscard]] std::size_t first_from(VirtualTime time) const {
        if (time > back()) return size_;
        if (time == back()) return size_ - 1;
        if (time <= ends_[0]) return 0;
        const Duration all = back() - ends_[0];
        const double passed = static_cast<double>((time - ends_[0]).value) / static_cast<double>(all.value);
        std::size_t step = 1 + static_cast<std::size_t>(passed * static_cast<double>(size_ - 2));
        while (ends_[step] < time) ++step;
        while (ends_[step - 1] >= time) --step;
        return step;
    }

private:
    std::vector<VirtualTime> ends_;  ///< the first size_ count
    std::size_t size_ = 0;
};

/// A batch that was launched and has not ended; with a decode stretch, several steps of the same batch.
struct BatchInFlight {
    BatchDecision decision;
    std::int64_t set_members = 0;     ///< decodes that the replica's decode set stands for, before those in `decision`
    StepShape shape;                  ///< of the first step
    VirtualTime scheduled;
    StepEnds ends;                    ///< at least one
    bool verifies = false;            ///< decodes are speculative: one step, each member with its drafts
    std::int64_t accepted = 0;        ///< drafts of the members that will be accepted
    std::size_t counted = 0;          ///< steps whose work is in the statistics
    Duration for_prefill{0};          ///< of a step that does both: what its prompt tokens add to its decodes
    Duration for_decodes{0};          ///< and what its decodes add to its prompt tokens
    std::optional<Duration> chunk_alone;  ///< of its only prompt chunk: what that would cost alone, where it is known
    Duration for_slower{0};           ///< of the first step: what the slowest rank of its group adds to it
    /// What its members would cost alone, if it was launched under another scenario than the present one.
    std::shared_ptr<const CostModel> launched_under;

    /// The step that is under way at `time`, when the batch was scheduled before it: the first that ends at
    /// `time` or later.
    [[nodiscard]] std::size_t step_at(VirtualTime time) const {
        return ends.first_from(time);
    }
    [[nodiscard]] std::int64_t sequences() const {
        return set_members + static_cast<std::int64_t>(decision.members.size());
    }
    /// Empty again, with the memory that it has.
    void reset() {
        decision.clear();
        set_members = 0;
        ends.clear();
        counted = 0;
        verifies = false;
        accepted = 0;
        for_prefill = for_decodes = for_slower = Duration(0);
        chunk_alone.reset();
        launched_under.reset();
    }
};

/// The batches in flight of one replica, oldest first, in a ring whose places keep their memory.
class BatchQueue {
public:
    explicit BatchQueue(std::size_t capacity = 1) : places_(capacity) {}

    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] bool full() const { return size_ == places_.size(); }
    [[nodiscard]] std::size_t size() const { return size_; }
    /// Whether any of them has members.
    [[nodiscard]] bool any_work() const {
        for (std::size_t i = 0; i < size_; ++i) {
            if ((*this)[i].sequences() > 0) return true;
        }
        return false;
    }
    /// Number `i` from the oldest on.
    BatchInFlight& operator[](std::size_t i) { return places_[(head_ + i) % places_.size()]; }
    const BatchInFlight& operator[](std::size_t i) const { return places_[(head_ + i) % places_.size()]; }
    BatchInFlight& front() { return (*this)[0]; }
    [[nodiscard]] const BatchInFlight& front() const { return (*this)[0]; }

    /// The place of the next batch, empty; it joins the queue with `push`. Precondition: not full.
    BatchInFlight& next() {
        BatchInFlight& batch = (*this)[size_];
        batch.reset();
        return batch;
    }
    /// The place that `next` gave last, as it was filled since.
    BatchInFlight& filled() { return (*this)[size_]; }
    void push() { ++size_; }
    void pop() {
        head_ = (head_ + 1) % places_.size();
        --size_;
    }

private:
    std::vector<BatchInFlight> places_;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

}  // namespace replayd
