#include "replay/cost/calibrated_cost.hpp"

#include <cmath>
#include <utility>

#include "replay/base/assert.hpp"

namespace replayd::cost {
namespace {

/// Fractional bits of the multiplier: it is off by a millionth at most.
constexpr int k_fraction_bits = 20;

__extension__ typedef __int128 Product;  // NOLINT(modernize-use-using): -Wpedantic wants it so

class CalibratedCost final : public CostModel {
public:
    CalibratedCost(std::unique_ptr<const CostModel> inner, const CalibrationSpec& calibration)
        : inner_(std::move(inner)),
          kernels_(std::llround(calibration.kernels * static_cast<double>(std::int64_t{1} << k_fraction_bits))),
          host_(calibration.host) {
        REPLAYD_ASSERT(kernels_ > 0 && host_ >= Duration(0));
    }

    [[nodiscard]] std::int64_t stages() const override { return inner_->stages(); }

    void step(const StepShape& shape, std::span<Duration> out) const override {
        inner_->step(shape, out);
        correct(out);
    }
    void alone(const StepShape& shape, std::span<Duration> out) const override {
        inner_->alone(shape, out);
        correct(out);
    }
    [[nodiscard]] bool alone_is_step() const override { return inner_->alone_is_step(); }
    void next_decode_steps(const StepShape& shape, std::span<Duration> out) const override {
        inner_->next_decode_steps(shape, out);
        correct(out);
    }

    /// Operators as scaled; what the host adds, and what rounding does, is one more.
    [[nodiscard]] std::vector<OperatorCost> explain(const StepShape& shape) const override {
        std::vector<Duration> times(static_cast<std::size_t>(stages()));
        step(shape, times);
        Duration left{0};
        for (const Duration time : times) left += time;
        std::vector<OperatorCost> costs = inner_->explain(shape);
        for (OperatorCost& cost : costs) {
            for (Duration* time : {&cost.fixed, &cost.compute, &cost.memory, &cost.hidden, &cost.total}) {
                *time = scaled(*time);
            }
            cost.provenance += ", calibrated";
            left -= cost.total;
        }
        OperatorCost host;
        host.name = "host";
        host.count = stages();
        host.fixed = host_;
        host.total = left;
        host.provenance = "calibrated";
        costs.push_back(std::move(host));
        return costs;
    }

private:
    /// In 128 bits, since the product with the multiplier may leave 64.
    [[nodiscard]] Duration scaled(Duration time) const {
        const auto whole = static_cast<std::int64_t>((static_cast<Product>(time.value) * kernels_) >> k_fraction_bits);
        return Duration(whole);
    }
    /// A stage without work has nothing for the host to do either.
    void correct(std::span<Duration> out) const {
        for (Duration& time : out) {
            if (time > Duration(0)) time = scaled(time) + host_;
        }
    }

    std::unique_ptr<const CostModel> inner_;
    std::int64_t kernels_;
    Duration host_;
};

}  // namespace

std::unique_ptr<const CostModel> make_calibrated_cost(std::unique_ptr<const CostModel> inner,
                                                      const CalibrationSpec& calibration) {
    return std::make_unique<const CalibratedCost>(std::move(inner), calibration);
}

}  // namespace replayd::cost
