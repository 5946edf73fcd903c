#include "replay/sim/arrival_store.hpp"

#include <utility>

namespace replayd {
namespace {

/// Single arrivals that share a batch.
constexpr std::size_t k_batch_arrivals = 64;

}  // namespace

void ArrivalStore::add(const ArrivalBatch& batch, std::size_t first, std::size_t count) {
    open_.reset();
    wait(batch, batch->data() + first, count);
}

void ArrivalStore::add(Arrival&& arrival) {
    if (open_ == nullptr || open_->size() == open_->capacity()) {
        open_ = std::make_shared<std::vector<Arrival>>();
        open_->reserve(k_batch_arrivals);
    }
    open_->push_back(std::move(arrival));
    wait(open_, &open_->back(), 1);
}

void ArrivalStore::wait(const ArrivalBatch& batch, const Arrival* begin, std::size_t count) {
    if (batches_.empty() || batches_.back().arrivals != batch) batches_.push_back({batch, 0});
    batches_.back().in_use += count;
    const std::uint64_t number = first_batch_ + batches_.size() - 1;
    if (!waiting_.empty() && waiting_.back().batch == number && waiting_.back().end == begin) {
        waiting_.back().end += count;
    } else {
        waiting_.push_back({begin, begin + count, number});
    }
}

void ArrivalStore::drop_unused() {
    while (!batches_.empty() && batches_.front().in_use == 0) {
        batches_.pop_front();
        ++first_batch_;
    }
}

}  // namespace replayd
