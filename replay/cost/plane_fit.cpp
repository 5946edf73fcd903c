#include "replay/cost/plane_fit.hpp"

#include <algorithm>
#include <cstddef>

#include "replay/base/assert.hpp"

namespace replayd::cost {
namespace {

constexpr std::size_t k_terms = 3;
using Terms = std::array<double, k_terms>;

/// Solves the normal equations over the terms in use by elimination; the others stay 0.
Terms solve(std::array<Terms, k_terms> matrix, Terms right, const std::array<bool, k_terms>& used) {
    for (std::size_t i = 0; i < k_terms; ++i) {
        if (used[i]) continue;
        for (std::size_t j = 0; j < k_terms; ++j) matrix[i][j] = matrix[j][i] = 0;
        matrix[i][i] = 1;
        right[i] = 0;
    }
    for (std::size_t column = 0; column < k_terms; ++column) {
        // Symmetric and positive definite: the pivots need no exchange. A term that no sample has gets 0.
        if (matrix[column][column] <= 0) matrix[column][column] = 1;
        for (std::size_t row = column + 1; row < k_terms; ++row) {
            const double factor = matrix[row][column] / matrix[column][column];
            for (std::size_t j = column; j < k_terms; ++j) matrix[row][j] -= factor * matrix[column][j];
            right[row] -= factor * right[column];
        }
    }
    Terms result{};
    for (std::size_t i = k_terms; i-- > 0;) {
        double rest = right[i];
        for (std::size_t j = i + 1; j < k_terms; ++j) rest -= matrix[i][j] * result[j];
        result[i] = rest / matrix[i][i];
    }
    return result;
}

/// Scales that keep the three terms of one order of magnitude.
Terms scales_of(const std::vector<PlaneSample>& samples) {
    Terms scales{1, 1, 1};
    for (const PlaneSample& sample : samples) {
        scales[1] = std::max(scales[1], sample.a);
        scales[2] = std::max(scales[2], sample.b);
    }
    return scales;
}

}  // namespace

std::array<double, 3> fit_plane(const std::vector<PlaneSample>& samples) {
    REPLAYD_ASSERT(!samples.empty());
    const Terms scales = scales_of(samples);
    std::array<Terms, k_terms> matrix{};
    Terms right{};
    for (const PlaneSample& sample : samples) {
        const Terms row = {1 / sample.time, sample.a / scales[1] / sample.time, sample.b / scales[2] / sample.time};
        for (std::size_t i = 0; i < k_terms; ++i) {
            for (std::size_t j = 0; j < k_terms; ++j) matrix[i][j] += row[i] * row[j];
            right[i] += row[i];
        }
    }
    std::array<bool, k_terms> used = {true, true, true};
    while (true) {
        Terms result = solve(matrix, right, used);
        std::size_t lowest = 0;
        for (std::size_t i = 1; i < k_terms; ++i) {
            if (result[i] < result[lowest]) lowest = i;
        }
        if (result[lowest] < 0) {
            used[lowest] = false;
            continue;
        }
        for (std::size_t i = 0; i < k_terms; ++i) result[i] /= scales[i];
        return result;
    }
}

}  // namespace replayd::cost
