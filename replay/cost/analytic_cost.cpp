#include "replay/cost/analytic_cost.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "replay/base/assert.hpp"
#include "replay/cost/composition.hpp"
#include "replay/cost/hot_operator.hpp"
#include "replay/cost/operator.hpp"

namespace replayd::cost {
namespace {

FieldValues only(Field field, std::int64_t value) {
    FieldValues values{};
    values[static_cast<std::size_t>(field)] = value;
    return values;
}
FieldValues only_rows(std::int64_t rows) { return only(Field::rows, rows); }

/// Fields that count sequences: what depends on one of them alone is tabulated up to so many, as are operators
/// over rows.
constexpr std::array k_sequence_fields = {Field::sampled_sequences, Field::decode_sequences, Field::prefill_sequences,
                                          Field::decode_rows};
constexpr std::int64_t k_table_sequences_max = 1'024;

/// Operators that depend on one field alone, and the sum of their runs for its smaller values.
struct FieldTable {
    Field field = Field::rows;
    std::vector<std::size_t> operators;  ///< indices of hot operators
    std::vector<std::int64_t> ns;        ///< [value][stage]
};

/// An operator of a pool with one stage, and how often it runs in a step.
struct CountedOperator {
    HotOperator op;
    std::int64_t count = 0;

    [[nodiscard]] std::int64_t ns(const FieldValues& values) const { return count * op.run_ns(values); }
};

/// What of a stage's time may pass at the same time, in ns, over all its layers.
struct Overlap {
    std::int64_t out = 0;    ///< tokens on their way to experts
    std::int64_t back = 0;   ///< and back
    std::array<std::int64_t, 3> hiding{};  ///< runs that they may be hidden behind, by HidingStage
    std::int64_t taxed = 0;  ///< what the hiding runs lose to the SMs that travelling takes

    std::int64_t& behind(HidingStage stage) { return hiding[static_cast<std::size_t>(stage)]; }

    /// Travelling takes SMs as long as it lasts, so the runs beside it end `taxed` later; what it lasts longer than
    /// they do is seen. Two halves of a batch take turns, stage by stage: one computes while the tokens of the other
    /// travel.
    [[nodiscard]] std::int64_t seen() const {
        const auto [any, before, after] = hiding;
        if (any > 0) return std::max(taxed, out + back - any);
        const std::int64_t turns =
            std::max(before, out) + std::max(after, out) + std::max(after, back) + std::max(before, back);
        return std::max(taxed, turns / 2 - before - after);
    }
};

/// Whether any operator hides another; then operators with `travel` count as Overlap says, else like all others.
bool hides_any(const std::vector<Operator>& operators) {
    return std::any_of(operators.begin(), operators.end(), [](const Operator& op) { return !op.spec().hides.empty(); });
}

class AnalyticCost final : public CostModel {
public:
    AnalyticCost(std::vector<Operator> operators, std::size_t stages, std::int64_t table_rows)
        : operators_(std::move(operators)), stages_(stages), overlaps_(hides_any(operators_)) {
        for (const Operator& op : operators_) {
            if (!op.depends_on_rows_only()) add_hot(op);
        }
        table_.assign(static_cast<std::size_t>(table_rows + 1) * stages_, Duration(0));
        if (overlaps_) overlap_table_.resize(table_.size());
        for (std::int64_t rows = 1; rows <= table_rows; ++rows) {
            const std::size_t begin = static_cast<std::size_t>(rows) * stages_;
            add_row_operators(only_rows(rows), std::span(table_).subspan(begin, stages_));
            if (!overlaps_) continue;
            for (std::size_t stage = 0; stage < stages_; ++stage) {
                overlap_table_[begin + stage] = row_overlap(only_rows(rows), stage);
            }
        }
        tabulate_sequences();
    }

    std::int64_t stages() const override { return static_cast<std::int64_t>(stages_); }

    void step(const StepShape& shape, std::span<Duration> out) const override {
        REPLAYD_ASSERT(out.size() == stages_);
        const FieldValues values = field_values(shape);
        if (stages_ == 1 && !overlaps_) {
            out[0] = step_of_one_stage(values);
            return;
        }
        step_rows(values, out);
        for (const FieldTable& table : tables_) add_tabulated(table, values, out);
        for (const std::size_t i : steady_) add_runs(i, hot_[i].run_ns(values), out);
        for (const std::size_t i : growing_) add_runs(i, hot_[i].run_ns(values), out);
        if (!overlaps_) return;
        for (std::size_t stage = 0; stage < stages_; ++stage) out[stage].value += overlap(values, stage).seen();
    }

    void next_decode_steps(const StepShape& shape, std::span<Duration> out) const override {
        REPLAYD_ASSERT(stages_ == 1 && shape.prefill_tokens == 0);
        if (overlaps_) return CostModel::next_decode_steps(shape, out);
        StepShape longest = shape;
        longest.decode_context += shape.decode_sequences * static_cast<std::int64_t>(out.size());
        (void)field_values(longest);  // aborts where a later step would leave the range
        const FieldValues values = field_values(shape);
        const Duration steady = steady_part(values);
        if (counted_growing_.size() == 1 &&
            counted_growing_[0].op.set_decode_steps(values, counted_growing_[0].count, steady, out)) {
            return;
        }
        std::fill(out.begin(), out.end(), steady);
        for (const std::size_t i : growing_) hot_[i].add_decode_steps(values, hot_counts_[i], out);
    }

    std::vector<OperatorCost> explain(const StepShape& shape) const override {
        const FieldValues values = field_values(shape);
        std::vector<OperatorCost> costs;
        for (const Operator& op : operators_) {
            if (!op.runs(values)) continue;
            OperatorCost cost = op.explain(values);
            if (cost.count > 0) costs.push_back(std::move(cost));
        }
        if (overlaps_) hide(values, costs);
        return costs;
    }

private:
    /// Takes what passes unseen off the operators that travel, the first ones first.
    void hide(const FieldValues& values, std::vector<OperatorCost>& costs) const {
        std::int64_t unseen = 0;
        for (std::size_t stage = 0; stage < stages_; ++stage) {
            const Overlap all = overlap(values, stage);
            unseen += all.out + all.back - all.seen();
        }
        for (OperatorCost& cost : costs) {
            const auto op = std::find_if(operators_.begin(), operators_.end(),
                                         [&](const Operator& each) { return each.spec().name == cost.name; });
            if (!op->spec().travel) continue;
            cost.hidden = Duration(std::min(unseen, cost.total.value));
            cost.total.value -= cost.hidden.value;
            unseen -= cost.hidden.value;
        }
    }

    /// Of the operators that see only the number of tokens.
    [[nodiscard]] Overlap row_overlap(const FieldValues& values, std::size_t stage) const {
        Overlap all;
        for (const Operator& op : operators_) {
            const OperatorSpec& spec = op.spec();
            if (!op.depends_on_rows_only()) continue;
            if (!spec.hides.empty()) all.behind(spec.hiding_stage) += spec.hides[stage] * op.run_ns(values);
            if (!spec.travel) continue;
            const std::int64_t runs_ns = spec.counts[stage] * op.run_ns(values);
            (spec.travel->out ? all.out : all.back) += runs_ns;
            all.taxed += runs_ns * spec.travel->sms_taken / spec.travel->sms;
        }
        return all;
    }

    [[nodiscard]] Overlap overlap(const FieldValues& values, std::size_t stage) const {
        const std::size_t index = static_cast<std::size_t>(at(values, Field::rows)) * stages_ + stage;
        Overlap all = index < overlap_table_.size() ? overlap_table_[index] : row_overlap(values, stage);
        for (std::size_t i = 0; i < hot_.size(); ++i) {
            const std::int64_t hides = hot_hides_[i * stages_ + stage];
            if (hides > 0) all.behind(hot_[i].hiding_stage) += hides * hot_[i].run_ns(values);
        }
        return all;
    }

    void add_hot(const Operator& op) {
        const FieldCurve* curve = op.spec().curve ? &*op.spec().curve : nullptr;
        hot_.push_back(
            {op.compute(), op.memory(), op.spec().fixed.value, op.spec().gate, curve, op.spec().hiding_stage});
        hot_counts_.insert(hot_counts_.end(), op.spec().counts.begin(), op.spec().counts.end());
        hot_hides_.insert(hot_hides_.end(), op.spec().hides.begin(), op.spec().hides.end());
        hot_hides_.resize(hot_counts_.size(), 0);
    }

    void tabulate_sequences() {
        for (const Field field : k_sequence_fields) {
            FieldTable table{field, {}, {}};
            for (std::size_t i = 0; i < hot_.size(); ++i) {
                if (hot_[i].gate == field && hot_[i].depends_on_gate_only()) table.operators.push_back(i);
            }
            if (table.operators.empty()) continue;
            for (std::int64_t value = 0; value <= k_table_sequences_max; ++value) {
                std::vector<Duration> sums(stages_, Duration(0));
                for (const std::size_t i : table.operators) add_runs(i, hot_[i].run_ns(only(field, value)), sums);
                for (const Duration sum : sums) table.ns.push_back(sum.value);
            }
            tables_.push_back(std::move(table));
        }
        for (std::size_t i = 0; i < hot_.size(); ++i) {
            const auto holds = [&](const FieldTable& table) {
                return std::find(table.operators.begin(), table.operators.end(), i) != table.operators.end();
            };
            if (std::any_of(tables_.begin(), tables_.end(), holds)) continue;
            const bool grows = hot_[i].grows_with_decode_context();
            (grows ? growing_ : steady_).push_back(i);
            if (stages_ == 1) (grows ? counted_growing_ : counted_steady_).push_back({hot_[i], hot_counts_[i]});
        }
    }

    /// The usual step, without loops over stages.
    [[nodiscard]] Duration step_of_one_stage(const FieldValues& values) const {
        Duration sum = steady_part(values);
        for (const CountedOperator& each : counted_growing_) sum.value += each.ns(values);
        return sum;
    }

    /// Of a pool with one stage: what does not grow with the contexts of decodes.
    [[nodiscard, gnu::always_inline]] inline Duration steady_part(const FieldValues& values) const {
        Duration sum{0};
        const auto rows = static_cast<std::size_t>(at(values, Field::rows));
        if (rows < table_.size()) {
            sum = table_[rows];
        } else {
            add_row_operators(values, std::span(&sum, 1));
        }
        for (const FieldTable& table : tables_) {
            const auto value = static_cast<std::size_t>(at(values, table.field));
            if (value < table.ns.size()) {
                sum.value += table.ns[value];
            } else {
                add_tabulated(table, values, std::span(&sum, 1));
            }
        }
        for (const CountedOperator& each : counted_steady_) sum.value += each.ns(values);
        return sum;
    }

    void add_runs(std::size_t hot, std::int64_t run_ns, std::span<Duration> out) const {
        const std::int64_t* counts = hot_counts_.data() + hot * stages_;
        for (std::size_t stage = 0; stage < stages_; ++stage) out[stage].value += counts[stage] * run_ns;
    }

    void add_tabulated(const FieldTable& table, const FieldValues& values, std::span<Duration> out) const {
        const std::int64_t value = at(values, table.field);
        if (value > k_table_sequences_max) {
            for (const std::size_t i : table.operators) add_runs(i, hot_[i].run_ns(values), out);
            return;
        }
        const std::int64_t* sums = table.ns.data() + static_cast<std::size_t>(value) * stages_;
        for (std::size_t stage = 0; stage < stages_; ++stage) out[stage].value += sums[stage];
    }

    /// The operators that see only the number of tokens.
    void step_rows(const FieldValues& values, std::span<Duration> out) const {
        const auto rows = static_cast<std::size_t>(at(values, Field::rows));
        if ((rows + 1) * stages_ <= table_.size()) {
            std::copy_n(table_.begin() + static_cast<std::ptrdiff_t>(rows * stages_), stages_, out.begin());
        } else {
            std::fill(out.begin(), out.end(), Duration(0));
            add_row_operators(values, out);
        }
    }

    void add_row_operators(const FieldValues& values, std::span<Duration> out) const {
        for (const Operator& op : operators_) {
            if (!op.depends_on_rows_only() || (overlaps_ && op.spec().travel)) continue;
            const std::int64_t run_ns = op.run_ns(values);
            for (std::size_t stage = 0; stage < stages_; ++stage) {
                out[stage].value += op.spec().counts[stage] * run_ns;
            }
        }
    }

    std::vector<Operator> operators_;  ///< in execution order, for explain and for rows beyond the table
    std::size_t stages_;
    bool overlaps_;
    std::vector<Overlap> overlap_table_;  ///< as table_; empty where nothing overlaps
    std::vector<Duration> table_;  ///< [rows][stage]: sum of the operators that depend on rows only
    std::vector<HotOperator> hot_;
    std::vector<std::int64_t> hot_counts_;  ///< [hot operator][stage]
    std::vector<std::int64_t> hot_hides_;   ///< likewise: runs that travelling tokens are hidden behind
    std::vector<FieldTable> tables_;        ///< of hot operators that depend on a number of sequences alone
    std::vector<std::size_t> growing_;      ///< the others, those that grow with the contexts of decodes
    std::vector<std::size_t> steady_;       ///< and those that do not
    std::vector<CountedOperator> counted_growing_;  ///< the same, in one piece of memory, for queries of one stage
    std::vector<CountedOperator> counted_steady_;
};

}  // namespace

Result<std::unique_ptr<const CostModel>> make_analytic_cost(const ModelSpec& model, const PoolSpec& pool) {
    if (auto ok = check_support(model, pool); !ok) return tl::unexpected(ok.error());
    return make_operator_cost(compose(model, pool), static_cast<std::size_t>(pool.parallel.pipeline),
                              pool.batching.max_batched_tokens.value, pool.name);
}

Result<std::unique_ptr<const CostModel>> make_operator_cost(std::vector<OperatorSpec> specs, std::size_t columns,
                                                            std::int64_t rows_max, const std::string& pool) {
    std::vector<Operator> operators;
    for (OperatorSpec& spec : specs) {
        auto op = Operator::make(std::move(spec));
        if (!op) return fail(op.error().code, "pool \"" + pool + "\": " + op.error().message);
        operators.push_back(std::move(*op));
    }
    const std::int64_t table_rows = std::clamp<std::int64_t>(rows_max, 1, k_table_rows_max);
    return std::make_unique<const AnalyticCost>(std::move(operators), columns, table_rows);
}

}  // namespace replayd::cost
