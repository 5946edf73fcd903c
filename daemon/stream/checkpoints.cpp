#include "daemon/stream/checkpoints.hpp"

#include <algorithm>
#include <cstdlib>

namespace replayd::stream {
namespace {

// About what a copy takes: measured with 64 replicas, rounded up.
constexpr std::size_t k_bytes_base = 1u << 20;
constexpr std::size_t k_bytes_per_request = 2'000;
constexpr std::size_t k_bytes_per_cached_block = 100;

std::size_t bytes_of(const Checkpoint& checkpoint) {
    const RunSnapshot snapshot = checkpoint.run->snapshot();
    const std::int64_t requests = snapshot.waiting + snapshot.running + snapshot.transferring;
    return k_bytes_base + k_bytes_per_request * static_cast<std::size_t>(requests) +
           k_bytes_per_cached_block * static_cast<std::size_t>(snapshot.kv_blocks_cached + snapshot.host_blocks_used);
}

}  // namespace

std::size_t Checkpoints::OfRun::bytes() const {
    std::size_t sum = 0;
    for (const Checkpoint& each : kept) sum += bytes_of(each);
    return sum;
}

std::size_t Checkpoints::bytes() const {
    std::size_t sum = 0;
    for (const OfRun& of : runs_) sum += of.bytes();
    return sum;
}

std::optional<Checkpoint> Checkpoints::latest(std::int64_t run, VirtualTime at) {
    const std::lock_guard lock(mutex_);
    const auto of = std::find_if(runs_.begin(), runs_.end(), [run](const OfRun& each) { return each.run == run; });
    if (of == runs_.end()) return std::nullopt;
    runs_.splice(runs_.begin(), runs_, of);
    const auto behind =
        std::find_if(of->kept.rbegin(), of->kept.rend(), [at](const Checkpoint& each) { return each.at <= at; });
    return behind == of->kept.rend() ? std::nullopt : std::optional(*behind);
}

bool Checkpoints::wants(std::int64_t run, std::int64_t arrivals) const {
    const std::lock_guard lock(mutex_);
    const auto of = std::find_if(runs_.begin(), runs_.end(), [run](const OfRun& each) { return each.run == run; });
    if (of == runs_.end()) return arrivals >= k_stride;
    return arrivals >= of->stride && std::all_of(of->kept.begin(), of->kept.end(), [&](const Checkpoint& each) {
        return std::abs(each.arrivals - arrivals) >= of->stride;
    });
}

/// Leaves those that are a stride away from the one before.
void Checkpoints::thin(OfRun& of) {
    of.stride *= 2;
    std::int64_t last = 0;
    std::erase_if(of.kept, [&](const Checkpoint& each) {
        if (each.arrivals - last < of.stride) return true;
        last = each.arrivals;
        return false;
    });
}

void Checkpoints::keep(std::int64_t run, Checkpoint checkpoint) {
    const std::lock_guard lock(mutex_);
    auto of = std::find_if(runs_.begin(), runs_.end(), [run](const OfRun& each) { return each.run == run; });
    if (of == runs_.end()) of = runs_.insert(runs_.begin(), OfRun{run, k_stride, {}});
    const auto place = std::find_if(of->kept.begin(), of->kept.end(),
                                    [&](const Checkpoint& each) { return each.arrivals > checkpoint.arrivals; });
    of->kept.insert(place, std::move(checkpoint));
    while (of->kept.size() > k_per_run_max) thin(*of);
    while (runs_.size() > k_runs_max) runs_.pop_back();
    while (bytes() > k_bytes_max && runs_.size() > 1) runs_.pop_back();
    while (bytes() > k_bytes_max && !of->kept.empty()) thin(*of);
}

}  // namespace replayd::stream
