#include "replay/cost/tables/profile_cost.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "replay/base/assert.hpp"
#include "replay/catalog/graph_sizes.hpp"
#include "replay/cost/analytic_cost.hpp"
#include "replay/cost/composition.hpp"
#include "replay/cost/tables/attention_times.hpp"
#include "replay/cost/tables/profile_composition.hpp"

namespace replayd::cost {
namespace {

constexpr double k_ns_per_us = 1000;

/// Nanoseconds by argument, never falling: where a kernel gets faster with more work, the step could have been
/// padded to it. Beyond the table the operator's own function is asked.
std::vector<std::int64_t> rising(const std::function<double(double)>& us, std::int64_t last) {
    std::vector<std::int64_t> ns(static_cast<std::size_t>(last) + 1);
    for (std::size_t x = 1; x < ns.size(); ++x) {
        ns[x] = std::max<std::int64_t>(ns[x - 1], std::llround(us(static_cast<double>(x)) * k_ns_per_us));
    }
    return ns;
}

/// One operator with its times tabulated.
struct Timed {
    ProfiledOperator op;
    std::vector<std::int64_t> ns;

    [[nodiscard]] std::int64_t at_argument(std::int64_t x) const {
        const auto index = static_cast<std::size_t>(x);
        if (index < ns.size()) return ns[index];
        return std::max<std::int64_t>(ns.back(), std::llround(op.us(static_cast<double>(x)) * k_ns_per_us));
    }
};

/// Sums of the operators that see one argument only, per stage.
class StageTable {
public:
    StageTable(const std::vector<Timed>& operators, TimedBy timed_by, std::int64_t last, std::size_t stages)
        : stages_(stages), ns_((static_cast<std::size_t>(last) + 1) * stages) {
        for (const Timed& timed : operators) {
            if (timed.op.timed_by != timed_by) continue;
            for (std::size_t i = 0; i < ns_.size(); ++i) {
                ns_[i] += timed.op.counts[i % stages_] * timed.at_argument(static_cast<std::int64_t>(i / stages_));
            }
        }
    }
    [[nodiscard]] bool holds(std::int64_t x) const { return (static_cast<std::size_t>(x) + 1) * stages_ <= ns_.size(); }
    [[nodiscard]] const std::int64_t* at(std::int64_t x) const {
        return ns_.data() + static_cast<std::size_t>(x) * stages_;
    }

private:
    std::size_t stages_;
    std::vector<std::int64_t> ns_;
};

FieldValues padded_values(const StepShape& shape, std::int64_t graph_tokens_max) {
    FieldValues values = field_values(shape);
    std::int64_t& rows = values[static_cast<std::size_t>(Field::rows)];
    rows = padded_to_graph(rows, graph_tokens_max);
    return values;
}

class ProfileCost final : public CostModel {
public:
    ProfileCost(std::vector<Timed> operators, std::optional<AttentionTimes> attention, std::size_t stages,
                std::int64_t rows_max, std::int64_t sampled_max, std::int64_t graph_tokens_max)
        : operators_(std::move(operators)),
          attention_(std::move(attention)),
          stages_(stages),
          graph_tokens_max_(graph_tokens_max),
          rows_(operators_, TimedBy::rows, rows_max, stages),
          sampled_(operators_, TimedBy::sampled, sampled_max, stages) {}

    std::int64_t stages() const override { return static_cast<std::int64_t>(stages_); }

    void step(const StepShape& shape, std::span<Duration> out) const override {
        price(shape, attention_ ? attention_->ns(shape) : 0, out);
    }

    /// Attention is looked up by means, see AttentionTimes; all else never falls as work is added.
    void alone(const StepShape& shape, std::span<Duration> out) const override {
        price(shape, attention_ ? attention_->alone_ns(shape) : 0, out);
    }
    bool alone_is_step() const override { return !attention_; }

    std::vector<OperatorCost> explain(const StepShape& shape) const override {
        const FieldValues values = padded_values(shape, graph_tokens_max_);
        std::vector<OperatorCost> costs;
        for (const Timed& timed : operators_) {
            const ProfiledOperator& op = timed.op;
            if (op.timed_by == TimedBy::law) {
                if (op.composed.front().runs(values)) costs.push_back(op.composed.front().explain(values));
            } else {
                costs.push_back(explained(timed, shape, values));
            }
            if (costs.empty()) continue;
            if (costs.back().count == 0 || costs.back().total == Duration(0)) costs.pop_back();
        }
        return costs;
    }

private:
    void price(const StepShape& shape, std::int64_t attention_ns, std::span<Duration> out) const {
        REPLAYD_ASSERT(out.size() == stages_);
        const FieldValues values = padded_values(shape, graph_tokens_max_);
        std::fill(out.begin(), out.end(), Duration(0));
        add(rows_, TimedBy::rows, at(values, Field::rows), out);
        add(sampled_, TimedBy::sampled, at(values, Field::sampled_sequences), out);
        for (const Timed& timed : operators_) {
            if (timed.op.timed_by == TimedBy::attention) add_runs(timed, attention_ns, out);
            if (timed.op.timed_by == TimedBy::law) add_runs(timed, timed.op.composed.front().run_ns(values), out);
        }
    }

    static void add_runs(const Timed& timed, std::int64_t run_ns, std::span<Duration> out) {
        for (std::size_t stage = 0; stage < out.size(); ++stage) out[stage].value += timed.op.counts[stage] * run_ns;
    }

    void add(const StageTable& table, TimedBy timed_by, std::int64_t x, std::span<Duration> out) const {
        if (table.holds(x)) {
            const std::int64_t* ns = table.at(x);
            for (std::size_t stage = 0; stage < stages_; ++stage) out[stage].value += ns[stage];
            return;
        }
        for (const Timed& timed : operators_) {
            if (timed.op.timed_by == timed_by) add_runs(timed, timed.at_argument(x), out);
        }
    }

    [[nodiscard]] OperatorCost explained(const Timed& timed, const StepShape& shape, const FieldValues& values) const {
        const ProfiledOperator& op = timed.op;
        OperatorCost cost;
        cost.name = op.name;
        for (const std::int64_t count : op.counts) cost.count += count;
        bool measured = true;
        if (op.timed_by == TimedBy::attention) {
            cost.fixed = Duration(attention_->ns(shape));
            measured = attention_->covers(shape);
        } else {
            const std::int64_t x = at(values, op.timed_by == TimedBy::rows ? Field::rows : Field::sampled_sequences);
            cost.fixed = Duration(timed.at_argument(x));
            measured = static_cast<double>(x) <= op.x_max;
        }
        cost.total = cost.count * cost.fixed;
        // Work per run: operators that a profile measures as one run as often as they do together.
        for (const Operator& composed : op.composed) {
            if (!composed.runs(values)) continue;
            const OperatorCost work = composed.explain(values);
            cost.flops += work.flops;
            cost.bytes += work.bytes;
        }
        cost.provenance = op.provenance + (measured ? "; interpolated" : "; law beyond the measured range");
        return cost;
    }

    std::vector<Timed> operators_;  ///< in execution order
    std::optional<AttentionTimes> attention_;
    std::size_t stages_;
    std::int64_t graph_tokens_max_;
    StageTable rows_;
    StageTable sampled_;
};

/// Times by argument; beyond the tables the operators answer themselves.
std::vector<Timed> tabulated(std::vector<ProfiledOperator> operators, std::int64_t rows_max, std::int64_t sampled_max) {
    std::vector<Timed> timed;
    for (ProfiledOperator& op : operators) {
        std::vector<std::int64_t> ns;
        if (op.timed_by == TimedBy::rows) ns = rising(op.us, rows_max);
        if (op.timed_by == TimedBy::sampled) ns = rising(op.us, sampled_max);
        timed.push_back({std::move(op), std::move(ns)});
    }
    return timed;
}

}  // namespace

Result<std::unique_ptr<const CostModel>> make_profile_cost(const ModelSpec& model, const PoolSpec& pool,
                                                           const StepProfile& profile) {
    if (auto ok = check_support(model, pool); !ok) return tl::unexpected(ok.error());
    auto operators = compose_profiled(model, pool, profile);
    if (!operators) return fail(operators.error().code, "pool \"" + pool.name + "\": " + operators.error().message);
    const std::int64_t tokens = std::max(pool.batching.max_batched_tokens.value, pool.batching.max_sequences);
    const std::int64_t rows_max = std::clamp<std::int64_t>(tokens, 1, k_table_rows_max);
    const std::int64_t sampled_max = std::clamp<std::int64_t>(pool.batching.max_sequences, 1, k_table_rows_max);
    std::optional<AttentionTimes> attention;
    if (!profile.attention.empty()) {
        attention.emplace(profile.attention, AttentionLimits{rows_max, sampled_max, pool.max_context.value});
    }
    const std::int64_t graph_tokens_max = pool.runtime.cuda_graphs ? pool.runtime.graph_tokens_max : 0;
    return std::make_unique<const ProfileCost>(tabulated(std::move(*operators), rows_max, sampled_max),
                                               std::move(attention), static_cast<std::size_t>(pool.parallel.pipeline),
                                               rows_max, sampled_max, graph_tokens_max);
}

}  // namespace replayd::cost
