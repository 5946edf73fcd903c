#include "replay/cost/operator.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "replay/base/assert.hpp"

namespace replayd::cost {
namespace {

constexpr double k_ns = 1e9;

/// Nanoseconds of `amount` at `per_s`; 0 where there is nothing to do.
double nanoseconds(double amount, double per_s) { return amount > 0 ? amount * k_ns / per_s : 0.0; }

/// Range of the arithmetic: the largest value that a scaled time may take, with room for the rounding.
constexpr double k_scaled_max = 4.0e18;

/// False where a coefficient is not finite or the time could overflow.
bool scale(const Amount& amount, double per_s, AffineTime& out) {
    const double unit = static_cast<double>(std::int64_t{1} << k_fraction_bits);
    const double constant = nanoseconds(amount.constant, per_s) * unit;
    const double per_a = nanoseconds(amount.per_a, per_s) * unit;
    const double per_b = nanoseconds(amount.per_b, per_s) * unit;
    const double largest = constant + per_a * static_cast<double>(at(k_field_max, amount.a)) +
                           per_b * static_cast<double>(at(k_field_max, amount.b));
    if (!(largest <= k_scaled_max)) return false;  // also refuses NaN
    out = {std::llround(constant), std::llround(per_a), std::llround(per_b), amount.a, amount.b};
    return true;
}

bool uses_only_rows(const Amount& amount) {
    return (amount.per_a == 0 || amount.a == Field::rows) && (amount.per_b == 0 || amount.b == Field::rows);
}

}  // namespace

double Amount::of(const FieldValues& values) const {
    return constant + per_a * static_cast<double>(at(values, a)) + per_b * static_cast<double>(at(values, b));
}

Result<Operator> Operator::make(OperatorSpec spec) {
    Operator result(std::move(spec));
    const OperatorSpec& s = result.spec_;
    const bool in_range =
        scale(s.flops, s.flops_per_s, result.compute_) && scale(s.bytes, s.bytes_per_s, result.memory_);
    if (!in_range) {
        return fail(Code::invalid_argument,
                    "operator \"" + s.name +
                        "\": its time is out of range: check that the model's dimensions and the GPU's "
                        "FLOP/s, bandwidths and links are right");
    }
    return result;
}

bool Operator::depends_on_rows_only() const {
    if (spec_.curve) return spec_.gate == Field::rows && spec_.curve->field == Field::rows;
    return spec_.gate == Field::rows && uses_only_rows(spec_.flops) && uses_only_rows(spec_.bytes);
}

Operator::Terms Operator::terms(const FieldValues& values) const {
    Terms result = analytic_terms(values);
    if (!spec_.curve) return result;
    // The curve is the time of what binds; the other part keeps its share of it.
    const std::int64_t longer = std::max(result.compute_ns, result.memory_ns);
    const std::int64_t time = spec_.curve->curve.ns(at(values, spec_.curve->field));
    const auto part = [&](std::int64_t ns) -> std::int64_t {
        if (ns == longer) return time;
        return std::llround(static_cast<double>(time) * static_cast<double>(ns) / static_cast<double>(longer));
    };
    result.compute_ns = part(result.compute_ns);
    result.memory_ns = part(result.memory_ns);
    return result;
}

Operator::Terms Operator::analytic_terms(const FieldValues& values) const {
    if (!spec_.experts) {
        return {to_ns(compute_.scaled(values)), to_ns(memory_.scaled(values)), spec_.flops.of(values),
                spec_.bytes.of(values)};
    }
    const double batches = static_cast<double>(spec_.micro_batches);
    const std::int64_t rows = ceil_div(at(values, Field::rows), spec_.micro_batches);
    const double routed = batches * spec_.experts->routed_rows(rows);
    const double active = batches * spec_.experts->active_experts(rows);
    Terms result;
    result.flops = spec_.flops.per_a * routed;
    result.bytes = spec_.bytes.constant * active + spec_.bytes.per_a * routed;
    result.compute_ns = std::llround(nanoseconds(result.flops, spec_.flops_per_s));
    result.memory_ns = std::llround(nanoseconds(result.bytes, spec_.bytes_per_s));
    return result;
}

std::int64_t Operator::run_ns(const FieldValues& values) const {
    if (!runs(values)) return 0;
    if (spec_.curve) return spec_.fixed.value + spec_.curve->curve.ns(at(values, spec_.curve->field));
    const Terms t = terms(values);
    return spec_.fixed.value + std::max(t.compute_ns, t.memory_ns);
}

OperatorCost Operator::explain(const FieldValues& values) const {
    const Terms t = terms(values);
    OperatorCost cost;
    cost.name = spec_.name;
    for (const std::int64_t count : spec_.counts) cost.count += count;
    cost.fixed = spec_.fixed;
    cost.compute = Duration(t.compute_ns);
    cost.memory = Duration(t.memory_ns);
    cost.total = cost.count * (cost.fixed + std::max(cost.compute, cost.memory));
    cost.flops = t.flops;
    cost.bytes = t.bytes;
    cost.provenance = spec_.provenance;
    return cost;
}

}  // namespace replayd::cost
