#pragma once
// One operator of a step as numbers: FLOPs and bytes that are affine in the fields of the step, the rates
// they are worked off at, and the same as integer time, so that a query does no floating-point arithmetic.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "replay/base/assert.hpp"
#include "replay/base/error.hpp"
#include "replay/cost/cost_model.hpp"
#include "replay/cost/expert_load.hpp"
#include "replay/cost/row_curve.hpp"

namespace replayd::cost {

/// What the work of an operator can grow with: the fields of StepShape; `rows`, the tokens of the step
/// (prefill_tokens + decode_rows), which every projection sees; `decode_rows`, decode_sequences + draft_tokens; and
/// `mixed_decode_context`, decode_context where any sequence has several tokens in the step (a prompt's, or drafts),
/// else 0.
enum class Field : std::uint8_t {
    prefill_tokens,
    prefill_sequences,
    prefill_pairs,
    prefill_context,
    decode_sequences,
    decode_context,
    sampled_sequences,
    rows,
    mixed_decode_context,
    decode_rows,
    draft_pairs,
};

inline constexpr std::size_t k_fields = 11;
using FieldValues = std::array<std::int64_t, k_fields>;

/// Largest value of each field, by the order of Field: 4 Mi tokens or sequences, 1 Ti pairs (64 Gi of drafts), 4 Gi
/// tokens of context. Within them no integer time overflows; beyond them a step is a defect of the caller.
inline constexpr FieldValues k_field_max = {
    std::int64_t{1} << 22, std::int64_t{1} << 22, std::int64_t{1} << 40, std::int64_t{1} << 32,
    std::int64_t{1} << 22, std::int64_t{1} << 32, std::int64_t{1} << 22, std::int64_t{1} << 23,
    std::int64_t{1} << 32, std::int64_t{1} << 22, std::int64_t{1} << 36};

[[nodiscard]] constexpr std::int64_t at(const FieldValues& values, Field field) {
    return values[static_cast<std::size_t>(field)];
}

/// The fields of a step. Aborts where one is negative or beyond k_field_max.
[[nodiscard]] inline FieldValues field_values(const StepShape& shape) {
    const std::int64_t decode_rows = shape.decode_sequences + shape.draft_tokens;
    const bool several = shape.prefill_tokens + shape.draft_tokens > 0;
    const FieldValues values = {shape.prefill_tokens,   shape.prefill_sequences, shape.prefill_pairs,
                                shape.prefill_context,  shape.decode_sequences,  shape.decode_context,
                                shape.sampled_sequences, shape.prefill_tokens + decode_rows,
                                several ? shape.decode_context : 0, decode_rows, shape.draft_pairs};
    std::int64_t out_of_range = 0;  // its sign: of a negative value, or of one beyond the largest
#pragma GCC unroll 16
    for (std::size_t i = 0; i < k_fields; ++i) out_of_range |= values[i] | (k_field_max[i] - values[i]);
    const bool in_range = out_of_range >= 0;
    REPLAYD_ASSERT(in_range);
    return values;
}

/// FLOPs or bytes: constant + per_a × a + per_b × b, none negative.
struct Amount {
    double constant = 0;
    double per_a = 0;
    Field a = Field::rows;
    double per_b = 0;
    Field b = Field::rows;

    [[nodiscard]] double of(const FieldValues& values) const;
};

/// Fractional bits of a time inside a query: coefficients are rounded to 2^-20 ns (about 1 fs).
inline constexpr int k_fraction_bits = 20;

/// An Amount divided by a rate, in units of 2^-k_fraction_bits ns.
struct AffineTime {
    std::int64_t constant = 0;
    std::int64_t per_a = 0;
    std::int64_t per_b = 0;
    Field a = Field::rows;
    Field b = Field::rows;

    [[nodiscard]] std::int64_t scaled(const FieldValues& values) const {
        return constant + per_a * at(values, a) + per_b * at(values, b);
    }
    /// Growth with one unit of `field`.
    [[nodiscard]] std::int64_t per(Field field) const { return (a == field ? per_a : 0) + (b == field ? per_b : 0); }
};

/// Rounds a scaled time to nanoseconds, half up.
[[nodiscard]] constexpr std::int64_t to_ns(std::int64_t scaled) {
    return (scaled + (std::int64_t{1} << (k_fraction_bits - 1))) >> k_fraction_bits;
}

/// A measured or fitted time over one field. It takes the place of the affine times, whose larger one then
/// only says what the time is spent on.
struct FieldCurve {
    RowCurve curve;
    Field field = Field::rows;
};

/// Tokens on their way between GPUs, with `sms_taken` of the GPU's `sms` at work on it.
struct Travel {
    bool out = true;  ///< to the experts, or back
    std::int64_t sms_taken = 0;
    std::int64_t sms = 1;
};

/// Which part of a layer hides travelling tokens.
enum class HidingStage : std::uint8_t {
    any,     ///< all that travels in the layer may pass behind it
    before,  ///< of two halves of a batch: what one computes before its dispatch, the other's tokens travelling
    after,   ///< likewise between dispatch and combine
};

/// An operator before its times are fixed. With `experts`, `flops.per_a` and `bytes.per_a` count per routed
/// row of the slowest rank, `bytes.constant` per activated expert, and the work depends on `rows` alone.
struct OperatorSpec {
    std::string name;
    Field gate = Field::rows;  ///< the operator runs where this field is > 0
    Duration fixed{0};         ///< per run
    Amount flops;
    double flops_per_s = 0;
    Amount bytes;
    double bytes_per_s = 0;
    std::optional<ExpertLoad> experts;
    std::optional<FieldCurve> curve;   ///< time of one run without `fixed`
    std::vector<std::int64_t> counts;  ///< runs per step on each pipeline stage
    /// Of `counts`, the runs behind which travelling tokens are hidden; empty: none.
    std::vector<std::int64_t> hides;
    HidingStage hiding_stage = HidingStage::any;
    /// Set where the operator may pass unseen behind the runs that hide it; it depends on Field::rows alone.
    std::optional<Travel> travel;
    std::int64_t micro_batches = 1;  ///< `experts` see that part of the rows, so many times
    std::string provenance = "analytic";
};

/// An operator ready to be asked for its time. Copies are independent.
class Operator {
public:
    /// Error `invalid_argument` where a coefficient is not finite or a time could leave the range of int64
    /// within k_field_max (a rate of the GPU is missing or absurdly small).
    [[nodiscard]] static Result<Operator> make(OperatorSpec spec);

    /// Whether the work depends on Field::rows alone, so that it can be tabulated.
    [[nodiscard]] bool depends_on_rows_only() const;
    /// Whether the operator runs at all in this step.
    [[nodiscard]] bool runs(const FieldValues& values) const { return at(values, spec_.gate) > 0; }
    /// Time of one run: fixed + max(compute, memory), each rounded to ns. 0 where it does not run.
    [[nodiscard]] std::int64_t run_ns(const FieldValues& values) const;
    /// The same taken apart, over all stages. Its total is Σ counts × run_ns.
    [[nodiscard]] OperatorCost explain(const FieldValues& values) const;

    [[nodiscard]] const OperatorSpec& spec() const { return spec_; }
    [[nodiscard]] const AffineTime& compute() const { return compute_; }
    [[nodiscard]] const AffineTime& memory() const { return memory_; }

private:
    struct Terms {
        std::int64_t compute_ns = 0;
        std::int64_t memory_ns = 0;
        double flops = 0;
        double bytes = 0;
    };
    [[nodiscard]] Terms analytic_terms(const FieldValues& values) const;
    explicit Operator(OperatorSpec spec) : spec_(std::move(spec)) {}
    [[nodiscard]] Terms terms(const FieldValues& values) const;

    OperatorSpec spec_;
    AffineTime compute_;  ///< unused with spec_.experts, whose law is not affine
    AffineTime memory_;
};

}  // namespace replayd::cost
