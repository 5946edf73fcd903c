#include "replay/sched/router.hpp"

#include <utility>

namespace replayd {
namespace {

template <class Cost>
std::optional<std::size_t> cheapest(std::span<const ReplicaState> replicas, const Router::Eligible& eligible,
                                    Cost cost) {
    std::optional<std::size_t> best;
    decltype(cost(replicas[0])) least{};
    for (std::size_t i = 0; i < replicas.size(); ++i) {
        // Of many replicas few are the cheapest so far: only these are asked, which can take longer than the cost.
        if (best && !(cost(replicas[i]) < least)) continue;
        if (!eligible(replicas[i])) continue;
        const auto candidate = cost(replicas[i]);
        if (best && !(candidate < least)) continue;
        best = i;
        least = candidate;
    }
    return best;
}

/// FNV-1a, 64 bit: the same on every platform, unlike std::hash.
std::uint64_t text_hash(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return hash;
}

/// A waiting request weighs as much as so many that run: vLLM's balancer.
constexpr std::int64_t k_waiting_weight = 4;

std::int64_t requests_of(const ReplicaState& replica) { return replica.outstanding_requests; }

}  // namespace

Router::Router(const PoolSpec& pool, std::uint64_t seed)
    : kind_(pool.router), match_weight_(pool.router_match_weight), load_weight_(pool.router_load_weight),
      outstanding_(static_cast<std::size_t>(pool.replicas * pool.parallel.data), 0), random_(seed) {}

std::size_t Router::pick(std::span<const ReplicaState> replicas, const Arrival& arrival) {
    if (kind_ == RouterKind::least_outstanding) return static_cast<std::size_t>(outstanding_.least());
    return *pick(replicas, arrival, [](const ReplicaState&) { return true; });
}

std::optional<std::size_t> Router::pick(std::span<const ReplicaState> replicas, const Arrival& arrival,
                                        const Eligible& eligible) {
    switch (kind_) {
        case RouterKind::round_robin: return round_robin(replicas, eligible);
        case RouterKind::random: return draw(replicas, eligible);
        case RouterKind::least_outstanding: return by_outstanding(replicas, eligible);
        case RouterKind::least_tokens:
            return cheapest(replicas, eligible, [](const ReplicaState& r) { return r.outstanding_tokens; });
        case RouterKind::prefix_aware:
            return cheapest(replicas, eligible, [&](const ReplicaState& r) { return prefix_cost(r, arrival); });
        case RouterKind::kv_headroom:
            return cheapest(replicas, eligible, [](const ReplicaState& r) {
                return std::pair(-r.kv.free(), r.outstanding_requests);
            });
        case RouterKind::session_affinity: return by_session(replicas, arrival, eligible);
        case RouterKind::vllm_balancer: return by_scores(replicas, eligible);
        case RouterKind::lor:
            return cheapest(replicas, eligible, [](const ReplicaState& r) { return r.queued(); });
    }
    return std::nullopt;
}

std::optional<std::size_t> Router::round_robin(std::span<const ReplicaState> replicas, const Eligible& eligible) {
    for (std::size_t tried = 0; tried < replicas.size(); ++tried) {
        const std::size_t candidate = (next_ + tried) % replicas.size();
        if (!eligible(replicas[candidate])) continue;
        next_ = candidate + 1;
        return candidate;
    }
    return std::nullopt;
}

std::optional<std::size_t> Router::draw(std::span<const ReplicaState> replicas, const Eligible& eligible) {
    std::uint64_t count = 0;
    for (const ReplicaState& replica : replicas) count += eligible(replica) ? 1 : 0;
    if (count == 0) return std::nullopt;
    std::uint64_t skip = random_.below(count);
    for (std::size_t i = 0; i < replicas.size(); ++i) {
        if (eligible(replicas[i]) && skip-- == 0) return i;
    }
    return std::nullopt;
}

std::optional<std::size_t> Router::by_outstanding(std::span<const ReplicaState> replicas,
                                                  const Eligible& eligible) const {
    const auto least = static_cast<std::size_t>(outstanding_.least());
    if (eligible(replicas[least])) return least;
    return cheapest(replicas, eligible, requests_of);
}

std::optional<std::size_t> Router::by_session(std::span<const ReplicaState> replicas, const Arrival& arrival,
                                              const Eligible& eligible) const {
    if (arrival.conversation.empty()) return cheapest(replicas, eligible, requests_of);
    const std::size_t home = static_cast<std::size_t>(text_hash(arrival.conversation) % replicas.size());
    for (std::size_t tried = 0; tried < replicas.size(); ++tried) {
        const std::size_t candidate = (home + tried) % replicas.size();
        if (eligible(replicas[candidate])) return candidate;
    }
    return std::nullopt;
}

void Router::count(std::span<const ReplicaState> replicas) {
    if (kind_ != RouterKind::vllm_balancer) return;
    scores_.resize(replicas.size());
    for (std::size_t i = 0; i < replicas.size(); ++i) {
        scores_[i] = k_waiting_weight * replicas[i].queued() + static_cast<std::int64_t>(replicas[i].running.size());
    }
}

std::optional<std::size_t> Router::by_scores(std::span<const ReplicaState> replicas, const Eligible& eligible) {
    scores_.resize(replicas.size());
    const auto score = [&](const ReplicaState& replica) {
        return scores_[static_cast<std::size_t>(&replica - replicas.data())];
    };
    const auto picked = cheapest(replicas, eligible, score);
    if (picked) scores_[*picked] += k_waiting_weight;
    return picked;
}

double Router::prefix_cost(const ReplicaState& replica, const Arrival& arrival) const {
    std::int64_t matched = 0;
    if (replica.kv.cache() != nullptr && !arrival.prefix_hashes.empty()) {
        matched =
            replica.kv.cache()->match(arrival.prefix_hashes, arrival.prefix_block.value, arrival.prompt.value).tokens;
    }
    return match_weight_ * static_cast<double>(arrival.prompt.value - matched) +
           load_weight_ * static_cast<double>(replica.outstanding_tokens);
}

}  // namespace replayd
