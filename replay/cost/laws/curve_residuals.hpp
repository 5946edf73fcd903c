#pragma once
// What a law leaves over on the calls that it was fitted on, kept per curve: the calls that differ in one number
// only (the tokens of an expert layer, the context of a decode batch). Serving frameworks pick their kernels per
// shape, in ways that no feature of the shape tells; the neighbours on a call's own curve do tell. Calls on no known
// curve get no correction. Stored as two bytes a call. Immutable; any thread.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"

namespace replayd::cost {

class CurveResiduals {
public:
    /// One fitted call: where it lies on its curve (> 0) and ln(measured / law).
    struct Call {
        std::uint64_t curve = 0;
        double position = 0;
        double residual = 0;
    };

    CurveResiduals() = default;
    explicit CurveResiduals(const std::vector<Call>& calls);

    /// Mean residual around `position` of `curve`, nearer calls weighing more, drawn towards 0 where they are few; in
    /// natural logarithms. Beyond the curve's ends what its end says; 0 where the curve is unknown. O(calls of the
    /// curve).
    [[nodiscard]] double at(std::uint64_t curve, double position) const;

    /// Residual at `position` between its two neighbours on the curve, in proportion to the octaves from each; beyond
    /// the curve's ends what its end says. nullopt where the curve is unknown. O(calls of the curve).
    [[nodiscard]] std::optional<double> between(std::uint64_t curve, double position) const;

    [[nodiscard]] bool empty() const { return curves_.empty(); }
    [[nodiscard]] std::string to_bytes() const;
    /// Error `invalid_argument` where `bytes` is not what to_bytes writes.
    [[nodiscard]] static Result<CurveResiduals> from_bytes(std::string_view bytes);

private:
    struct Curve {
        std::uint64_t key = 0;
        std::uint32_t end = 0;  ///< its calls end here in calls_; they begin at the end of the curve before
    };
    /// In steps of k_position_step and k_residual_step.
    struct Stored {
        std::uint8_t position = 0;
        std::int8_t residual = 0;
    };
    [[nodiscard]] std::span<const Stored> calls_of(std::uint64_t curve) const;
    std::vector<Curve> curves_;  ///< by key
    std::vector<Stored> calls_;  ///< curve by curve, positions rising
};

}  // namespace replayd::cost
