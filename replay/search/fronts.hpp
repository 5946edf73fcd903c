#pragma once
// The Pareto fronts of a search: what a cluster gives, as price or as throughput, against the latency that it gives it
// with.

#include <array>
#include <optional>
#include <set>
#include <span>
#include <string_view>

#include "replay/search/methods.hpp"

namespace replayd::search {

/// What a front sets against a latency.
enum class Yield {
    price,       ///< per hour; less is better
    throughput,  ///< output tokens per second and GPU; more is better
};
/// The latency of a front: its 99th percentile.
enum class Latency { ttft, tpot };

struct FrontKind {
    std::string_view name;  ///< in files and in the API
    Yield yield;
    Latency latency;
};

/// In the order of all outputs.
inline constexpr std::array<FrontKind, 4> k_fronts = {{{"ttft", Yield::price, Latency::ttft},
                                                       {"tpot", Yield::price, Latency::tpot},
                                                       {"throughput_ttft", Yield::throughput, Latency::ttft},
                                                       {"throughput_tpot", Yield::throughput, Latency::tpot}}};

/// Output tokens per second of virtual time and GPU, the axis of the field's throughput-latency curves: on one trace
/// all clusters that keep up make the same tokens in all, so per GPU is what tells them apart. Where replicas come and
/// go, per GPU that the cluster can have. 0 where nothing was replayed.
[[nodiscard]] double throughput_per_gpu(const Measured& measured);

[[nodiscard]] double yield_of(const Measured& measured, Yield yield);
[[nodiscard]] Duration latency_of(const Measured& measured, Latency latency);

/// Whether all arrivals of the trial were replayed and served: only such trials are on fronts, since what was rejected
/// or not replayed would flatter the others.
[[nodiscard]] bool is_complete(const Measured& measured);

/// The members of each front among `results` (keys of `outcomes`).
class Fronts {
public:
    Fronts(std::span<const Trial> results, const Outcomes& outcomes);

    [[nodiscard]] const std::set<Trial>& of(const FrontKind& kind) const { return members_[place(kind)]; }
    [[nodiscard]] bool has(const FrontKind& kind, const Trial& trial) const { return of(kind).count(trial) > 0; }

private:
    static std::size_t place(const FrontKind& kind);

    std::array<std::set<Trial>, k_fronts.size()> members_;
};

}  // namespace replayd::search
