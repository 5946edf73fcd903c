#pragma once
// Which fitted law prices an operator on a GPU under a serving framework, where no table of that very pair
// may exist.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
    [[nodiscard]] double sustained(const KernelRow& row, const KernelWork& work) const {
        return law.sustained(target, row, work);
    }
    /// Where the price comes from, without commas: "law h100_sxm/sglang", "… scaled to h200_sxm",
    /// "… for vllm", "… extrapolated", "… usual kernel assumed". Never blank.
    [[nodiscard]] std::string provenance(const KernelPrice& price) const;
};

/// Frameworks of the public tables: "sglang", "vllm", "trtllm", and "nccl" for the collectives; "replayd" for the
/// tables of replay/cost/profile.
[[nodiscard]] std::string_view known_backends();

/// The laws of one operator, nearest first, each parsed when a row first needs it. Not for several threads.
class LawChoice {
public:
    /// Error `invalid_argument` for an unknown system (lists the known ones) or framework.
    [[nodiscard]] static Result<LawChoice> of(const KernelTable& table, std::string_view gpu, std::string_view backend);

    /// The nearest law (see choose_law) that knows the row's data types, else the nearest of all.
    [[nodiscard]] Result<const ChosenLaw*> law_for(const KernelRow& row);

private:
    struct Candidate {
        std::string_view bytes;
        std::optional<ChosenLaw> law;
    };
    LawChoice(const Hardware& target, std::string_view backend) : target_(target), backend_(backend) {}
    Hardware target_;
    std::string backend_;
    std::vector<Candidate> nearest_first_;
};

/// The law of the same GPU and framework, else of the same framework on the nearest GPU of the same
/// architecture, else of another framework on such a GPU, else of the nearest other GPU. Parses one law.
/// Error `invalid_argument` for a framework that is unknown.
[[nodiscard]] Result<ChosenLaw> choose_law(const KernelTable& table, const Hardware& target, std::string_view backend);

/// A known system by its name, e.g. "h200_sxm". Error `invalid_argument` lists the known ones.
[[nodiscard]] Result<Hardware> known_system(std::string_view gpu);

}  // namespace replayd::cost
