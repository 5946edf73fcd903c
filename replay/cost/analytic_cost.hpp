#pragma once
// The analytic cost source: every operator of a step from the laws that were fitted on public kernel tables
// (pool_laws.hpp), scaled to the pool's GPU, and from catalog facts and the constants of efficiency.hpp where no
// table exists. Each operator's provenance says which.
//
// Composition turns a law into a curve over rows (row_curve.hpp) or, for attention, into a plane over pairs or
// context and tokens. A step costs, per stage, Σ over operators of count × (fixed + max(compute, memory)),
// where each of the three is rounded to nanoseconds before it is summed, so explain() adds up to step() exactly.
// Operators that see only the number of tokens are summed into a table at construction; the few others (attention,
// head, sampler) are evaluated as integer affine forms. Results are equal in every build.
//
// For steps that only decode, with fixed sequences, exactly one operator ("attention.decode") varies, and only
// with decode_context x: the stage's time is A + layers × round(max(a1 x + b1, a2 x + b2) / 2^20), before
// rounding a convex, piecewise-affine function with integer coefficients. A sum over consecutive steps, in
// which x grows by the number of sequences, is therefore two floor-sums in closed form.
//
// Overlap (RuntimeSpec::moe_overlap): tokens that travel pass behind the runs that hide them, so a stage takes
// S + max(T, seen): S all runs but those of travelling tokens, T what these take × the share of SMs that they occupy.
// Shared experts hide what travels as long as they last. With two halves of the batch every kernel of a layer runs once
// per half, and the halves take turns: with a the runs before dispatch, d dispatch, e the runs after it, c combine, all
// of one half, a layer takes max(a, d) + max(e, d) + max(e, c) + max(a, c). The exchange before the first and after the
// last turn, which nothing can hide, is left out.
//
// Stated simplifications: the other scheduler ranks of a data-parallel replica carry the same load; nothing else
// overlaps with anything.

#include <memory>

#include "replay/cost/cost_model.hpp"
#include "replay/cost/operator.hpp"

namespace replayd::cost {

/// Most steps that are tabulated; larger ones are evaluated operator by operator with the same result.
inline constexpr std::int64_t k_table_rows_max = 65'536;

/// Composes the model of one pool. Memory: stages × min(max_batched_tokens, k_table_rows_max) × 8 bytes.
/// Error `invalid_argument` as check_support and Operator::make say.
[[nodiscard]] Result<std::unique_ptr<const CostModel>> make_analytic_cost(const ModelSpec& model, const PoolSpec& pool);

/// Prices any list of operators, each with as many counts as there are `columns`, the model's stages. `pool` is for
/// messages; operators that depend on rows alone are tabulated up to `rows_max`. Error `invalid_argument` as
/// Operator::make says.
[[nodiscard]] Result<std::unique_ptr<const CostModel>> make_operator_cost(std::vector<OperatorSpec> specs,
                                                                          std::size_t columns, std::int64_t rows_max,
                                                                          const std::string& pool);

}  // namespace replayd::cost
