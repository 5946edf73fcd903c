#include "replay/cost/laws/kernel_law.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "replay/base/assert.hpp"
#include "replay/cost/laws/number_hash.hpp"
#include "replay/cost/laws/carried_attention.hpp"

namespace replayd::cost {

double physical_us(const Hardware& hardware, const KernelShares& shares, const KernelWork& work) {
    const double compute = work.compute_us / (shares.compute * hardware.compute_share);
    const double cached = std::min(work.hbm_bytes, shares.l2 * hardware.l2_bytes);
    const double memory = cached / hardware.l2_bytes_per_us +
                          (work.hbm_bytes - cached) / (shares.memory * hardware.hbm_share * hardware.hbm_bytes_per_us);
    const double both = std::cbrt(compute * compute * compute + memory * memory * memory);
    return shares.fixed_us + shares.step_us * work.steps + both + work.link_us / shares.link;
}

KernelLaw::KernelLaw(Parts parts) : parts_(std::move(parts)), own_(find_hardware(parts_.gpu)) {
    REPLAYD_ASSERT(own_ != nullptr && parts_.table != nullptr && !parts_.kernels.empty());
}

std::int64_t KernelLaw::rows_of_variant(const LawKernel& kernel, const KernelRow& row) const {
    const auto found = kernel.rows_by_variant.find(static_cast<std::int64_t>(row.number[parts_.table->variant_number]));
    return found == kernel.rows_by_variant.end() ? 0 : found->second;
}

bool KernelLaw::knows(const KernelRow& row) const {
    std::size_t number = 0;
    for (const Column& column : parts_.table->columns) {
        if (column.kind == ColumnKind::name) continue;
        if (column.kind == ColumnKind::type) {
            const double type = row.number[number];
            if (type < parts_.number_min[number] || type > parts_.number_max[number]) return false;
            const auto has_rows = [&](const LawKernel& kernel) { return rows_of_variant(kernel, row) > 0; };
            if (number == parts_.table->variant_number &&
                std::none_of(parts_.kernels.begin(), parts_.kernels.end(), has_rows)) {
                return false;
            }
        }
        ++number;
    }
    return true;
}

std::size_t KernelLaw::kernel_of(const KernelRow& row, bool& assumed) const {
    for (std::size_t i = 0; i < parts_.kernels.size(); ++i) {
        if (parts_.kernels[i].name == row.kernel) return i;
    }
    assumed = true;
    // The same phase or collective goes first, then kernels that rows of this variant used, then a name of which more
    // than half is the same, then the kernel that most rows of this variant used, then the one that most rows did. A
    // kernel of a hundredth of the rows is too bound to their few shapes for its name to count (SGLang's Marlin kernel
    // of one MXFP4 family priced int4 experts three times too slow).
    const auto all_rows = [](const LawKernel& kernel) {
        std::int64_t rows = 0;
        for (const auto& [_, count] : kernel.rows_by_variant) rows += count;
        return rows;
    };
    std::int64_t total = 0;
    for (const LawKernel& kernel : parts_.kernels) total += all_rows(kernel);
    const std::string_view asked = row.kernel;
    const std::string_view part = asked.substr(0, asked.find('/'));
    const auto rank = [&](const LawKernel& kernel) {
        const std::int64_t rows = rows_of_variant(kernel, row);
        const auto alike =
            std::mismatch(asked.begin(), asked.end(), kernel.name.begin(), kernel.name.end()).first - asked.begin();
        const bool telling = 2 * static_cast<std::size_t>(alike) > asked.size() && 100 * all_rows(kernel) > total;
        const bool same_part = !part.empty() && kernel.name.starts_with(std::string(part) + "/");
        return std::tuple(same_part, rows > 0, telling ? alike : 0, rows,
                          all_rows(kernel));
    };
    std::size_t best = 0;
    for (std::size_t i = 1; i < parts_.kernels.size(); ++i) {
        if (rank(parts_.kernels[i]) > rank(parts_.kernels[best])) best = i;
    }
    return best;
}

void KernelLaw::features(const Hardware& target, const KernelRow& row, std::size_t kernel, double slowness,
                         std::vector<float>& out) const {
    if (parts_.table->across_number) return;
    out.push_back(static_cast<float>(kernel));
    const double own_us = physical_us(*own_, parts_.kernels[kernel].shares, parts_.table->work(*own_, row));
    parts_.table->features(*own_, row, own_us, out);
    if (parts_.table->tuned != nullptr) out.push_back(static_cast<float>(parts_.table->tuned(target, row)));
    if (!parts_.slow_curves.empty()) out.push_back(static_cast<float>(slowness));
}

double KernelLaw::slowness(const KernelRow& row, std::size_t kernel) const {
    if (parts_.slow_curves.empty()) return 0;
    const auto found = parts_.slow_curves.find(curve_of(row, kernel));
    if (found != parts_.slow_curves.end()) return found->second;
    if (parts_.table->tuning_name == nullptr) return 0;
    const auto tuned = parts_.shared_tuning.tuned_for.find(parts_.table->tuning_name(row));
    if (tuned == parts_.shared_tuning.tuned_for.end() || tuned->second == shape_of(row)) return 0;
    return slowness_of(row, kernel, parts_.shared_tuning.slow_factor);
}

double KernelLaw::slowness_of(const KernelRow& row, std::size_t kernel, double factor) const {
    const std::size_t along = *parts_.table->curve_number;
    KernelRow middle = row;
    middle.number[along] = std::sqrt(std::max(1.0, parts_.number_min[along]) * parts_.number_max[along]);
    const KernelShares& shares = parts_.kernels[kernel].shares;
    const double usual_us = physical_us(*own_, shares, parts_.table->work(*own_, middle));
    return std::log((shares.fixed_us + factor * (usual_us - shares.fixed_us)) / usual_us);
}

std::uint32_t KernelLaw::shape_of(const KernelRow& row) const {
    NumberHash hash;
    for (const std::size_t i : parts_.table->shape_numbers) hash.mix(std::bit_cast<std::uint64_t>(row.number[i]));
    return hash.narrow();
}

std::uint64_t KernelLaw::curve_of(const KernelRow& row, std::size_t kernel) const {
    NumberHash hash;
    hash.mix(kernel);  // the order of the kernels in a law is fixed
    for (std::size_t i = 0; i < row.number.size(); ++i) {
        if (i != parts_.table->curve_number) hash.mix(std::bit_cast<std::uint64_t>(row.number[i]));
    }
    return hash.value;
}

double KernelLaw::on_grid(const KernelRow& row, std::size_t kernel) const {
    KernelRow named = parts_.table->curve_row(row);
    double& across = named.number[*parts_.table->across_number];
    const double here = across;
    std::optional<std::pair<double, double>> below;  // value, residual
    for (const double value : parts_.across) {
        across = value;
        const double position = named.number[*parts_.table->curve_number];
        const auto residual = parts_.residuals.between(curve_of(named, kernel), position);
        if (!residual) continue;
        if (value >= here) {
            if (!below || value == here) return *residual;
            const double share = std::log2(here / below->first) / std::log2(value / below->first);
            return (1 - share) * below->second + share * *residual;
        }
        below = {value, *residual};
    }
    return below ? below->second : 0;
}

KernelRow KernelLaw::inside(const KernelRow& row) const {
    KernelRow nearest = row;
    for (const std::size_t i : parts_.table->growing_numbers) {
        nearest.number[i] = std::clamp(row.number[i], parts_.number_min[i], parts_.number_max[i]);
    }
    return nearest;
}

KernelPrice KernelLaw::price(const Hardware& target, const KernelRow& row) const {
    return priced(target, row, nullptr, true);
}

KernelPrice KernelLaw::priced(const Hardware& target, const KernelRow& asked, const KernelWork* work,
                              bool on_known_curves) const {
    KernelPrice price;
    const std::size_t kernel = kernel_of(asked, price.kernel_assumed);
    KernelRow row = asked;
    if (row.kernel.empty()) row.kernel = parts_.kernels[kernel].name;
    for (std::size_t i = 0; i < k_row_numbers_max; ++i) {
        // A column that came to the table after the law was fitted was 0 in all of its rows: attention without a
        // prefix.
        const bool fitted = i < parts_.number_min.size();
        const double low = fitted ? parts_.number_min[i] : 0;
        const double high = fitted ? parts_.number_max[i] : 0;
        price.extrapolated |= row.number[i] < low || row.number[i] > high;
    }
    // Features like the fill of the last wave go on changing beyond the fitted range; the correction must not.
    const KernelRow nearest = inside(row);
    const double slow = on_known_curves ? slowness(nearest, kernel) : 0;
    double correction = slow;
    if (parts_.table->across_number) {
        correction += on_grid(nearest, kernel);
    } else {
        std::vector<float> values;
        features(target, nearest, kernel, slow, values);
        correction += parts_.correction.sum(values);
    }
    if (on_known_curves && !parts_.table->across_number && !parts_.residuals.empty()) {
        correction += parts_.residuals.at(curve_of(nearest, kernel), nearest.number[*parts_.table->curve_number]);
    }
    const KernelShares& shares = parts_.kernels[kernel].shares;
    const bool carried = on_known_curves && parts_.table->carried_us != nullptr && target.name != own_->name &&
                         same_processor(*own_, target);
    if (carried) {
        const double own_us = physical_us(*own_, shares, parts_.table->work(*own_, row)) * std::exp(correction);
        price.us = carried_us(target, row, own_us);
        return price;
    }
    const KernelWork done = work != nullptr ? *work : parts_.table->work(target, row);
    KernelShares there = shares;
    // Not in a step, where launches overlap: steps on the H200 err by 4.6 and 7.5 % with it, by 4.4 and 7.4 without.
    const double latency = on_known_curves ? target.latency / own_->latency : 1;
    there.fixed_us *= latency;
    there.step_us *= latency;
    price.us = physical_us(target, there, done) * std::exp(correction);
    return price;
}

double KernelLaw::carried_us(const Hardware& target, const KernelRow& row, double own_us) const {
    // Our own tables read cold caches, but for those kernels that say otherwise.
    const bool repeats = parts_.backend != "replayd" || row.kernel.ends_with("_warm");
    CarriedCall call{*own_, target, row, own_us, 1, 0, repeats};
    if (parts_.table->longest != nullptr) {
        const KernelRow longest = inside(parts_.table->longest(*own_, row));
        const double bytes = parts_.table->work(*own_, longest).hbm_bytes;
        call.reach = bytes / (priced(*own_, longest, nullptr, true).us * own_->hbm_bytes_per_us);
        call.in_l2_us = priced(*own_, parts_.table->in_l2(*own_, row), nullptr, true).us;
    }
    return parts_.table->carried_us(call);
}

double KernelLaw::sustained(const Hardware& target, const KernelRow& row) const {
    return sustained(target, row, parts_.table->work(target, row));
}

double KernelLaw::sustained(const Hardware& target, const KernelRow& row, const KernelWork& work) const {
    return sustained_us(target, priced(target, row, &work, false).us, work.compute_us);
}

}  // namespace replayd::cost
