#include "replay/cost/group_cost.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "replay/cost/afd/afd_cost.hpp"

namespace replayd {
namespace {

/// Times that are priced at once, on the stack.
constexpr std::size_t k_piece = 128;

bool has_work(const StepShape& shape) { return shape.prefill_tokens + shape.decode_sequences > 0; }

class SlowestRankCost final : public GroupCost {
public:
    explicit SlowestRankCost(std::shared_ptr<const CostModel> cost) : cost_(std::move(cost)) {}

    void step(std::span<const StepShape> ranks, std::span<Duration> out) const override {
        std::fill(out.begin(), out.end(), Duration(0));
        std::array<Duration, k_piece> few;
        std::vector<Duration> many(out.size() > k_piece ? out.size() : 0);
        const std::span<Duration> stages = many.empty() ? std::span(few).first(out.size()) : std::span(many);
        for (const StepShape& shape : ranks) {
            if (!has_work(shape)) continue;
            cost_->step(shape, stages);
            keep_longer(out, stages);
        }
    }

    void next_decode_steps(std::span<const StepShape> ranks, std::span<Duration> out) const override {
        std::fill(out.begin(), out.end(), Duration(0));
        std::array<Duration, k_piece> times;
        for (const StepShape& shape : ranks) {
            if (!has_work(shape)) continue;
            StepShape next = shape;
            for (std::size_t begin = 0; begin < out.size(); begin += k_piece) {
                const std::size_t size = std::min(k_piece, out.size() - begin);
                cost_->next_decode_steps(next, std::span(times).first(size));
                keep_longer(out.subspan(begin, size), times);
                next.decode_context += static_cast<std::int64_t>(size) * next.decode_sequences;
            }
        }
    }

private:
    static void keep_longer(std::span<Duration> longest, std::span<const Duration> times) {
        for (std::size_t i = 0; i < longest.size(); ++i) longest[i] = std::max(longest[i], times[i]);
    }

    std::shared_ptr<const CostModel> cost_;
};

}  // namespace

std::shared_ptr<const GroupCost> make_slowest_rank_cost(std::shared_ptr<const CostModel> cost) {
    return std::make_shared<const SlowestRankCost>(std::move(cost));
}

std::shared_ptr<const GroupCost> make_group_cost(const Scenario& scenario, const PoolSpec& pool,
                                                 std::shared_ptr<const CostModel> cost) {
    if (is_priced_as_afd(scenario, pool)) return std::static_pointer_cast<const afd::AfdCost>(std::move(cost));
    if (pool.parallel.data == 1 && !pool.afd) return nullptr;
    return make_slowest_rank_cost(std::move(cost));
}

}  // namespace replayd
