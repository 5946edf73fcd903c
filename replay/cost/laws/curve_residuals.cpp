#include "replay/cost/laws/curve_residuals.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "replay/cost/laws/byte_text.hpp"

namespace replayd::cost {
namespace {

// How residuals are stored, a byte each: no source but numerical accuracy.
/// Eight steps an octave: positions from 1 to 2^31.
constexpr double k_position_step = 0.125;
/// 0.7 % a step: up to a factor of 2.4 either way.
constexpr double k_residual_step = 0.007;
// Chosen by the errors on points kept aside (cost_fit --holdout), of 0.3 to 4 and 0.2 to 3.
constexpr double k_reach_octaves = 1.0;  ///< a call that far away weighs 1/e
constexpr double k_prior = 0.2;          ///< calls of residual 0 that every answer is mixed with

double octaves(double position) { return std::log2(std::max(1.0, position)); }

}  // namespace

CurveResiduals::CurveResiduals(const std::vector<Call>& calls) {
    std::vector<std::tuple<std::uint64_t, std::uint8_t, std::int8_t>> sorted;
    for (const Call& call : calls) {
        const double position = std::min(255.0, std::round(octaves(call.position) / k_position_step));
        const double residual = std::clamp(std::round(call.residual / k_residual_step), -127.0, 127.0);
        sorted.emplace_back(call.curve, static_cast<std::uint8_t>(position), static_cast<std::int8_t>(residual));
    }
    std::sort(sorted.begin(), sorted.end());
    for (const auto& [key, position, residual] : sorted) {
        if (curves_.empty() || curves_.back().key != key) curves_.push_back({key, 0});
        calls_.push_back({position, residual});
        curves_.back().end = static_cast<std::uint32_t>(calls_.size());
    }
}

std::span<const CurveResiduals::Stored> CurveResiduals::calls_of(std::uint64_t curve) const {
    const auto found = std::lower_bound(curves_.begin(), curves_.end(), curve,
                                        [](const Curve& one, std::uint64_t key) { return one.key < key; });
    if (found == curves_.end() || found->key != curve) return {};
    const std::size_t first = found == curves_.begin() ? 0 : std::prev(found)->end;
    return std::span(calls_).subspan(first, found->end - first);
}

double CurveResiduals::at(std::uint64_t curve, double position) const {
    const auto calls = calls_of(curve);
    if (calls.empty()) return 0;
    const double here = std::clamp(octaves(position), calls.front().position * k_position_step,
                                   calls.back().position * k_position_step);
    double sum = 0;
    double weights = k_prior;
    for (const Stored& call : calls) {
        const double weight = std::exp(-std::abs(here - call.position * k_position_step) / k_reach_octaves);
        sum += weight * call.residual * k_residual_step;
        weights += weight;
    }
    return sum / weights;
}

std::optional<double> CurveResiduals::between(std::uint64_t curve, double position) const {
    const auto calls = calls_of(curve);
    if (calls.empty()) return std::nullopt;
    const double first = calls.front().position;
    const double last = calls.back().position;
    const double here = std::clamp(octaves(position) / k_position_step, first, last);
    // Calls at one place (of two data types, say) count as their mean.
    const auto mean_at = [&](std::uint8_t place) {
        double sum = 0;
        double count = 0;
        for (const Stored& call : calls) {
            if (call.position != place) continue;
            sum += call.residual * k_residual_step;
            ++count;
        }
        return sum / count;
    };
    const auto reaches = [&](const Stored& call) { return call.position >= here; };
    const auto after = std::find_if(calls.begin(), calls.end(), reaches);
    if (after == calls.begin()) return mean_at(after->position);
    const double low = std::prev(after)->position;
    const double share = (here - low) / (after->position - low);
    return (1 - share) * mean_at(std::prev(after)->position) + share * mean_at(after->position);
}

std::string CurveResiduals::to_bytes() const {
    std::string out;
    put_bytes(out, static_cast<std::uint32_t>(curves_.size()));
    for (const Curve& curve : curves_) {
        put_bytes(out, curve.key);
        put_bytes(out, curve.end);
    }
    for (const Stored& call : calls_) {
        put_bytes(out, call.position);
        put_bytes(out, call.residual);
    }
    return out;
}

Result<CurveResiduals> CurveResiduals::from_bytes(std::string_view bytes) {
    const auto broken = [] {
        return fail(Code::invalid_argument, "a law's residuals are cut short or damaged; fit the law again");
    };
    ByteReader reader(bytes);
    CurveResiduals residuals;
    const auto count = reader.take<std::uint32_t>();
    if (count > bytes.size()) return broken();
    residuals.curves_.resize(count);
    std::uint32_t end = 0;
    for (std::size_t i = 0; i < count; ++i) {
        Curve& curve = residuals.curves_[i];
        curve.key = reader.take<std::uint64_t>();
        curve.end = reader.take<std::uint32_t>();
        if (curve.end <= end || (i > 0 && residuals.curves_[i - 1].key >= curve.key)) return broken();
        end = curve.end;
    }
    if (!reader.ok() || end > bytes.size()) return broken();
    residuals.calls_.resize(end);
    for (Stored& call : residuals.calls_) {
        call.position = reader.take<std::uint8_t>();
        call.residual = reader.take<std::int8_t>();
    }
    if (!reader.finished()) return broken();
    return residuals;
}

}  // namespace replayd::cost
