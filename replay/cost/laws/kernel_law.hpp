#pragma once
// The law of one operator on one GPU under one serving framework: a physical form
//     t = fixed + steps + (compute³ + memory³)^(1/3) + link
// whose shares of the data-sheet rates are fitted per kernel, times a learned correction. On another GPU the
// physical form is evaluated with that GPU's facts and the correction is kept: the fixed part stays, the
// compute and memory parts scale. Calls on the curve of a fitted shape are corrected once more, by what the law left
// over there (CurveResiduals). Immutable; any thread.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/cost/laws/curve_residuals.hpp"
#include "replay/cost/laws/forest.hpp"
#include "replay/cost/laws/kernel_table.hpp"
#include "replay/cost/laws/shared_tuning.hpp"

namespace replayd::cost {

/// What a kernel reaches.
struct KernelShares {
    double fixed_us = 3;
    double compute = 0.7;  ///< of the tensor peak
    double memory = 0.85;  ///< of the HBM bandwidth
    double l2 = 0.5;       ///< part of the L2 that holds operands from one call to the next
    double link = 0.7;     ///< of the link rate
    double step_us = 0;    ///< each of KernelWork::steps
};

/// Microseconds of the physical form. Work that stays in L2 between calls (the public tables repeat a call
/// without flushing) moves at the L2's rate.
[[nodiscard]] double physical_us(const Hardware& hardware, const KernelShares& shares, const KernelWork& work);

/// One kernel of a law and what it was fitted on.
struct LawKernel {
    std::string name;
    KernelShares shares;
    std::map<std::int64_t, std::int64_t> rows_by_variant;  ///< by KernelTable::variant_number
};

struct KernelPrice {
    double us = 0;
    bool extrapolated = false;    ///< a number of the row lies outside the fitted range
    bool kernel_assumed = false;  ///< the row's kernel is unknown to the law: its usual one was taken
};

class KernelLaw {
public:
    struct Parts {
        const KernelTable* table = nullptr;
        std::string gpu;
        std::string backend;
        std::string source;  ///< which data the law was fitted on, and their licence
        std::vector<LawKernel> kernels;
        std::vector<double> number_min;
        std::vector<double> number_max;
        Forest correction;
        CurveResiduals residuals;  ///< empty where the table has no curve number
        /// Curves on which the framework ran its kernel in another way than elsewhere, and ln of by how much longer it
        /// took: an autotuner that fell back to its first choice, say (TensorRT-LLM's CUTLASS experts then read weights
        /// at a fifth of the bandwidth, on one shape in eight). Kept out of the correction, which then is that of the
        /// usual way; calls on no known curve are priced so, but for those that shared_tuning names.
        std::map<std::uint64_t, double> slow_curves;
        /// Fitted values of the table's across_number, rising; empty where it has none.
        std::vector<double> across;
        /// Which unknown curves are likely to be slow as well.
        SharedTuning shared_tuning;
    };
    /// `gpu` is a known system; at least one kernel.
    explicit KernelLaw(Parts parts);

    /// Time of `row` on `target`, which may be another GPU than the law's own.
    [[nodiscard]] KernelPrice price(const Hardware& target, const KernelRow& row) const;

    /// The same in a served model, which runs on and on: see sustained_us. Without the residuals of known curves, which
    /// are one framework's choice of kernels at one version: with them steps come out worse (H200, MoE prefill: 9.6 %
    /// instead of 8.7 % in the median).
    [[nodiscard]] double sustained(const Hardware& target, const KernelRow& row) const;

    /// The same for a call that does `work` where `row` says otherwise: the physical form takes `work`, the correction
    /// is the row's. For routing that no table holds.
    [[nodiscard]] double sustained(const Hardware& target, const KernelRow& row, const KernelWork& work) const;

    /// Whether calls of the row's data types were among those fitted.
    [[nodiscard]] bool knows(const KernelRow& row) const;

    /// The features that the correction of `row` sees on `target`, the kernel's index first, KernelTable::tuned after
    /// the table's own and, in a law with slow curves, slowness() last. None where the table has an across_number.
    /// Appends to `out`.
    void features(const Hardware& target, const KernelRow& row, std::size_t kernel, double slowness,
                  std::vector<float>& out) const;

    /// What Parts::slow_curves says of the row's curve, or Parts::shared_tuning of an unknown one; 0 for most.
    [[nodiscard]] double slowness(const KernelRow& row, std::size_t kernel) const;

    /// ln of by how much longer a call amid the row's curve takes where all but its fixed part takes `factor` times as
    /// long. Of tables with a curve number.
    [[nodiscard]] double slowness_of(const KernelRow& row, std::size_t kernel, double factor) const;

    /// Names the row's shape (KernelTable::shape_numbers), for SharedTuning.
    [[nodiscard]] std::uint32_t shape_of(const KernelRow& row) const;

    /// Names the curve that `row` lies on: all its numbers but the table's curve number, and its kernel. Of tables
    /// with an across_number, `row` is what their curve_row makes of the call.
    [[nodiscard]] std::uint64_t curve_of(const KernelRow& row, std::size_t kernel) const;

    [[nodiscard]] const Parts& parts() const { return parts_; }

    [[nodiscard]] std::string to_bytes() const;
    /// Error `invalid_argument` names what is wrong with the bytes.
    [[nodiscard]] static Result<KernelLaw> from_bytes(std::string_view bytes);

private:
    /// `work`: what the call does instead of what the row says; nullptr: the row's.
    [[nodiscard]] KernelPrice priced(const Hardware& target, const KernelRow& row, const KernelWork* work,
                                     bool on_known_curves) const;
    /// What a call that took `own_us` on the law's own GPU takes on `target`, which has the same processor.
    [[nodiscard]] double carried_us(const Hardware& target, const KernelRow& row, double own_us) const;
    /// The call with its growing numbers (KernelTable) moved into the fitted range.
    [[nodiscard]] KernelRow inside(const KernelRow& row) const;
    [[nodiscard]] std::int64_t rows_of_variant(const LawKernel& kernel, const KernelRow& row) const;
    /// Residual of a call of a table with an across_number: on its own curve, or between those of more and of fewer.
    [[nodiscard]] double on_grid(const KernelRow& row, std::size_t kernel) const;
    [[nodiscard]] std::size_t kernel_of(const KernelRow& row, bool& assumed) const;
    Parts parts_;
    const Hardware* own_;
};

}  // namespace replayd::cost
