#include "hold_out.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace replayd::cost_fit {
namespace {

using namespace replayd::cost;

struct Errors {
    double median = 0;
    double p90 = 0;
    std::size_t rows = 0;
};

Errors summary(std::vector<double> errors) {
    std::sort(errors.begin(), errors.end());
    if (errors.empty()) return {};
    return {errors[errors.size() / 2], errors[errors.size() * 9 / 10], errors.size()};
}

/// The targets that the cost model was built for, in per cent: H100 rows and shapes kept aside, H200 from H100 tables.
struct Limit {
    std::string_view table, split;
    double median, p90;
};
constexpr std::array<Limit, 12> k_limits = {{{"gemm", "points", 3, 12},
                                             {"context_attention", "points", 3, 10},
                                             {"generation_attention", "points", 3, 9},
                                             {"moe", "points", 2.5, 11},
                                             {"gemm", "shapes", 4.5, 14},
                                             {"context_attention", "shapes", 3.5, 11},
                                             {"generation_attention", "shapes", 3.5, 10},
                                             {"moe", "shapes", 8, 28},
                                             {"gemm", "carried", 6, 20},
                                             {"context_attention", "carried", 3, 11},
                                             {"generation_attention", "carried", 2.5, 15},
                                             {"moe", "carried", 9, 22}}};

std::optional<Limit> limit_of(std::string_view table, std::string_view split) {
    for (const Limit& limit : k_limits) {
        if (limit.table == table && limit.split == split) return limit;
    }
    return std::nullopt;
}

double middle(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

std::uint64_t mix(std::uint64_t hash, double value) {
    return (hash ^ std::hash<double>{}(value)) * 0x9E3779B97F4A7C15ULL;
}

std::uint64_t shape_hash(const Samples& samples, const KernelRow& row, std::uint64_t seed) {
    std::uint64_t hash = seed;
    for (const std::size_t n : samples.table->shape_numbers) hash = mix(hash, row.number[n]);
    return hash;
}

/// The rows (or whole shapes) of one fold of several, by hash.
struct Fold {
    std::uint64_t seed = 1;  ///< another seed draws other rows
    std::uint64_t count = 10;
    std::uint64_t index = 0;
};

std::vector<bool> keep_aside(const Samples& samples, bool whole_shapes, Fold fold) {
    std::vector<bool> held;
    for (const KernelRow& row : samples.rows) {
        std::uint64_t hash = fold.seed;
        for (const double value : row.number) hash = mix(hash, value);
        if (whole_shapes) hash = shape_hash(samples, row, fold.seed);
        held.push_back((hash >> 20) % fold.count == fold.index);
    }
    return held;
}

std::set<std::uint64_t> shapes_of(const Samples& samples) {
    std::set<std::uint64_t> shapes;
    for (const KernelRow& row : samples.rows) shapes.insert(shape_hash(samples, row, 1));
    return shapes;
}

/// Where a table has few shapes, one fold says little: all of 16 are gone through.
bool has_few_shapes(const Samples& samples) { return shapes_of(samples).size() < 150; }

/// The shapes dealt out to folds in turn, so that no fold has two of so few.
std::vector<bool> deal_aside(const Samples& samples, Fold fold) {
    const std::set<std::uint64_t> shapes = shapes_of(samples);
    std::vector<bool> held;
    for (const KernelRow& row : samples.rows) {
        const auto place = std::distance(shapes.begin(), shapes.find(shape_hash(samples, row, 1)));
        held.push_back(static_cast<std::uint64_t>(place) % fold.count == fold.index);
    }
    return held;
}

Samples without(const Samples& samples, const std::vector<bool>& held) {
    Samples rest{samples.table, samples.gpu, samples.backend, {}, {}};
    for (std::size_t i = 0; i < held.size(); ++i) {
        if (held[i]) continue;
        rest.rows.push_back(samples.rows[i]);
        rest.us.push_back(samples.us[i]);
    }
    return rest;
}

/// The errors of one draw: of its first fold, or of all.
ErrorsByKernel one_draw(const Samples& samples, bool whole_shapes, std::uint64_t seed, bool every_fold) {
    const std::uint64_t folds = every_fold ? 16 : 10;
    ErrorsByKernel errors;
    for (std::uint64_t fold = 0; fold < (every_fold ? folds : 1); ++fold) {
        const Fold one{seed, folds, fold};
        const auto held = every_fold ? deal_aside(samples, one) : keep_aside(samples, whole_shapes, one);
        const Samples rest = without(samples, held);
        if (rest.rows.empty() || rest.rows.size() == samples.rows.size()) continue;
        const KernelLaw law = fit_law(rest, options_for(rest));
        add_errors(law, *find_hardware(samples.gpu), samples, held, errors);
    }
    return errors;
}

}  // namespace

void add_errors(const KernelLaw& law, const Hardware& target, const Samples& samples, const std::vector<bool>& held,
                ErrorsByKernel& errors) {
    for (std::size_t i = 0; i < samples.rows.size(); ++i) {
        if (!held[i]) continue;
        const double error = std::abs(law.price(target, samples.rows[i]).us / samples.us[i] - 1);
        errors[""].push_back(error);
        errors[samples.rows[i].kernel].push_back(error);
    }
}

ErrorsByKernel ratio_errors(const KernelLaw& law, const Samples& own, const Samples& samples) {
    std::map<std::pair<std::array<double, k_row_numbers_max>, std::string>, double> own_us;
    for (std::size_t i = 0; i < own.rows.size(); ++i) own_us[{own.rows[i].number, own.rows[i].kernel}] = own.us[i];
    ErrorsByKernel errors;
    for (std::size_t i = 0; i < samples.rows.size(); ++i) {
        const KernelRow& row = samples.rows[i];
        const auto found = own_us.find({row.number, row.kernel});
        if (found == own_us.end()) continue;
        const double there = law.price(*find_hardware(samples.gpu), row).us;
        const double predicted = there / law.price(*find_hardware(own.gpu), row).us;
        const double error = std::abs(predicted / (samples.us[i] / found->second) - 1);
        errors[""].push_back(error);
        errors[row.kernel].push_back(error);
    }
    return errors;
}

void print_heading() {
    std::printf("%-20s %-20s %-8s %-8s %6s %6s %6s %6s  %6s\n", "table", "gpu", "backend", "aside", "p50 %", "p90 %",
                "limit", "limit", "rows");
}

void print(const Samples& samples, const std::string& split, const std::vector<ErrorsByKernel>& draws, bool by_kernel) {
    std::set<std::string> kernels;
    for (const ErrorsByKernel& draw : draws) {
        for (const auto& [kernel, _] : draw) kernels.insert(kernel);
    }
    const auto limit = limit_of(samples.table->name, split);
    for (const std::string& kernel : kernels) {
        if (!by_kernel && !kernel.empty()) continue;
        std::vector<double> medians;
        std::vector<double> p90s;
        std::size_t rows = 0;
        for (const ErrorsByKernel& draw : draws) {
            const auto found = draw.find(kernel);
            if (found == draw.end()) continue;
            const Errors errors = summary(found->second);
            medians.push_back(100 * errors.median);
            p90s.push_back(100 * errors.p90);
            rows += errors.rows;
        }
        std::printf("%-20s %-20s %-8s %-8s %6.1f %6.1f ", samples.table->name.data(), samples.gpu.c_str(),
                    samples.backend.c_str(), split.c_str(), middle(medians), middle(p90s));
        if (limit && kernel.empty()) {
            const bool over = middle(medians) > limit->median || middle(p90s) > limit->p90;
            std::printf("%6.1f %6.1f  %6zu%s\n", limit->median, limit->p90, rows, over ? "  over" : "");
        } else {
            std::printf("%6s %6s  %6zu  %s\n", "", "", rows, kernel.c_str());
        }
    }
    std::fflush(stdout);
}

void hold_out(const Samples& samples, std::uint64_t first, std::uint64_t draws, bool by_kernel) {
    for (const bool whole_shapes : {false, true}) {
        const bool every_fold = whole_shapes && has_few_shapes(samples);
        std::vector<ErrorsByKernel> errors;
        for (std::uint64_t draw = 0; draw < (every_fold ? 1 : draws); ++draw) {
            errors.push_back(one_draw(samples, whole_shapes, first + draw, every_fold));
        }
        print(samples, whole_shapes ? "shapes" : "points", errors, by_kernel);
    }
}

}  // namespace replayd::cost_fit
