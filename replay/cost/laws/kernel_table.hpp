#pragma once
// The kernel tables that the laws know: one per operator, in the column layout of the public tables of
// ai-dynamo/aiconfigurator. A row becomes numbers and the name of its kernel; a table says which work a row
// is and which features the learned correction sees.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "replay/cost/laws/hardware.hpp"

namespace replayd::cost {

inline constexpr std::size_t k_row_numbers_max = 10;

/// One kernel call. `number[i]` belongs to the i-th number or type column of the table.
struct KernelRow {
    std::array<double, k_row_numbers_max> number{};
    std::string kernel;  ///< kernel_source, with op_name or phase before it where the table has them; "": unknown
};

/// What the row does, before any efficiency.
struct KernelWork {
    double compute_us = 0;      ///< FLOPs / peak
    double hbm_bytes = 0;       ///< bytes that must pass between HBM or L2 and the SMs once
    double link_us = 0;         ///< what follows alone: bytes sent to other GPUs / link rate; experts: passes / HBM
                                ///< rate
    double steps = 0;           ///< hand-overs that wait for each other: of a ring or tree over GPUs
};

enum class ColumnKind : std::uint8_t {
    number,        ///< integer ≥ 0
    type,          ///< data type, becomes its TypeTraits index
    distribution,  ///< "balanced" (0) or "power_law_<exponent>"
    name,          ///< part of KernelRow::kernel
};

struct Column {
    std::string_view name;
    ColumnKind kind = ColumnKind::number;
    bool optional = false;     ///< read as 0 (numbers) or left out (names) where the file lacks it
    std::span<const std::string_view>
        known{};  ///< names that have a meaning; empty: any, and an unknown one is the usual kernel
};

struct CarriedCall;

struct KernelTable {
    std::string_view name;                      ///< file stem, e.g. "gemm"
    std::span<const Column> columns;
    std::span<const std::string_view> results;  ///< measured columns that sum to the row's time
    double result_us = 1000;                    ///< microseconds per unit of `results`
    /// Numbers that make up a "shape" (for hold-outs by shape) and a "family".
    std::span<const std::size_t> shape_numbers;
    /// Numbers that grow with the work of a call: tokens, sequences, context, bytes. Beyond their fitted range the
    /// learned correction is the one at its end.
    std::span<const std::size_t> growing_numbers;
    std::size_t variant_number = 0;             ///< number that picks the usual kernel of a row without one
    KernelWork (*work)(const Hardware&, const KernelRow&) = nullptr;
    /// Appends the features, always the same count; `law_us` is the law's own answer.
    void (*features)(const Hardware&, const KernelRow&, double law_us, std::vector<float>&) = nullptr;
    /// Number along which a law keeps what it leaves over (CurveResiduals); none for most tables.
    std::optional<std::size_t> curve_number{};
    /// Time on a GPU with the same processor and other memory (carried_attention.hpp); nullptr: the physical form's.
    double (*carried_us)(const CarriedCall&) = nullptr;
    /// A call of the row's kind that is as long as calls come, for CarriedCall::reach; nullptr: not asked for.
    KernelRow (*longest)(const Hardware&, const KernelRow&) = nullptr;
    /// The row's call at the context that L2 keeps, for CarriedCall::in_l2_us; present where `longest` is.
    KernelRow (*in_l2)(const Hardware&, const KernelRow&) = nullptr;
    /// Whether the framework ships a tuned configuration of its kernel for this call on that GPU (1) or takes its
    /// default (0); the last feature but slowness. Of the target GPU: frameworks tune each apart. None for most tables.
    double (*tuned)(const Hardware& target, const KernelRow&) = nullptr;
    /// Number across whose fitted values what a law leaves over is interpolated, curve by curve
    /// (CurveResiduals::between), in place of a learned correction: the GPUs of a collective, whose few rows lie on a
    /// grid. None for most tables.
    std::optional<std::size_t> across_number{};
    /// The row that names the curve of a call and its place there, where the call's own numbers tell more than the
    /// curve depends on; present where `across_number` is.
    KernelRow (*curve_row)(const KernelRow&) = nullptr;
    /// Names the configuration that the tables' collector filed the row's kernel under (shared_tuning.hpp); nullptr:
    /// none.
    std::uint32_t (*tuning_name)(const KernelRow&) = nullptr;
};

/// All tables, by name.
[[nodiscard]] std::span<const KernelTable> kernel_tables();
[[nodiscard]] const KernelTable* find_kernel_table(std::string_view name);

/// Storage and arithmetic of a data type of the tables.
struct TypeTraits {
    std::string_view name;
    double bytes = 2;        ///< per stored weight element, scales included
    double input_bytes = 2;  ///< per activation element: 2, 1 or 0.5 pick the bf16, fp8 or fp4 peak
};
[[nodiscard]] std::span<const TypeTraits> type_traits();
/// -1 where the name is unknown.
[[nodiscard]] int find_type(std::string_view name);
/// Traits by the number that a row holds.
[[nodiscard]] const TypeTraits& type_of(double number);
/// Tensor peak for activations of that type.
[[nodiscard]] double peak_flops_per_us(const Hardware& hardware, const TypeTraits& type);

}  // namespace replayd::cost
