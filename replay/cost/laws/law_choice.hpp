#pragma once
// Which fitted law prices an operator on a GPU under a serving framework, where no table of that very pair
// may exist.

#include <string>
#include <string_view>

#include "replay/base/error.hpp"
#include "replay/cost/laws/kernel_law.hpp"

namespace replayd::cost {

/// A law and the GPU that it is asked to price.
struct ChosenLaw {
    KernelLaw law;
    Hardware target;
    std::string backend;  ///< the one that was asked for

    [[nodiscard]] KernelPrice price(const KernelRow& row) const { return law.price(target, row); }
    [[nodiscard]] double sustained(const KernelRow& row) const { return law.sustained(target, row); }
    /// Where the price comes from, without commas: "law h100_sxm/sglang", "… scaled to h200_sxm",
    /// "… for vllm", "… extrapolated", "… usual kernel assumed". Never blank.
    [[nodiscard]] std::string provenance(const KernelPrice& price) const;
};

/// Frameworks of the public tables: "sglang", "vllm", "trtllm", and "nccl" for the collectives; "replayd" for the
/// tables of replay/cost/profile.
[[nodiscard]] std::string_view known_backends();

/// The law of the same GPU and framework, else of the same framework on the nearest GPU of the same
/// architecture, else of another framework on such a GPU, else of the nearest other GPU. Parses one law.
/// Error `invalid_argument` for a framework that is unknown.
[[nodiscard]] Result<ChosenLaw> choose_law(const KernelTable& table, const Hardware& target, std::string_view backend);

/// The same by the system's name, e.g. "h200_sxm". Error `invalid_argument` lists the known ones.
[[nodiscard]] Result<ChosenLaw> choose_law(const KernelTable& table, std::string_view gpu, std::string_view backend);

}  // namespace replayd::cost
