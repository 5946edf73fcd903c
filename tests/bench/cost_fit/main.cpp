// cost_fit: fits the laws of replay/cost/laws on a folder of kernel tables, or measures how well laws fitted on
// a part of the rows predict the rest.
//
//   cost_fit DATA_DIR --out LAWS_DIR             fit everything and write one file per law
//   cost_fit DATA_DIR --holdout [--seed N]       print the errors on rows and shapes kept aside; another N, other rows
//   cost_fit DATA_DIR --carry-from GPU           print the errors on all other GPUs of laws fitted on that one
//   … --by-kernel                                print the errors of every kernel too
//   … --only TEXT                                take only files whose path holds the text
//
// DATA_DIR holds <system>/<backend>/<table>.csv[.gz] in the column layout of the public tables, or
// <system>/<table>.csv as replay/cost/profile writes them (backend "replayd").

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "law_fit.hpp"
#include "replay/cost/eval/kernel_rows.hpp"

namespace {

using namespace replayd;
using namespace replayd::cost;
using namespace replayd::cost_fit;
namespace fs = std::filesystem;

std::string read_maybe_gzip(const fs::path& path) {
    std::string text;
    gzFile file = gzopen(path.c_str(), "rb");
    char buffer[1 << 16];
    for (int got = 0; (got = gzread(file, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(got));
    gzclose(file);
    return text;
}

[[noreturn]] void stop(const std::string& message) {
    std::fprintf(stderr, "cost_fit: %s\n", message.c_str());
    std::exit(2);
}

/// The rows of one file, repeated keys left out after their first row (as the tables' authors do).
Samples read_samples(const fs::path& path, const KernelTable& table, std::string gpu, std::string backend) {
    const std::string text = read_maybe_gzip(path);
    const auto csv = parse_csv(path.string(), text);
    if (!csv) stop(csv.error().message);
    auto rows = kernel_rows(path.string(), table, *csv);
    auto us = measured_us(path.string(), table, *csv);
    if (!rows) stop(rows.error().message);
    if (!us) stop(us.error().message);
    Samples samples{&table, std::move(gpu), std::move(backend), {}, {}};
    std::set<std::pair<std::array<double, k_row_numbers_max>, std::string>> seen;
    for (std::size_t i = 0; i < rows->size(); ++i) {
        if ((*us)[i] <= 0 || !seen.emplace((*rows)[i].number, (*rows)[i].kernel).second) continue;
        samples.rows.push_back(std::move((*rows)[i]));
        samples.us.push_back((*us)[i]);
    }
    return samples;
}

struct Errors {
    double median = 0;
    double p90 = 0;
    std::size_t rows = 0;
};

/// Absolute errors of one split, all together under "" and by kernel.
using ErrorsByKernel = std::map<std::string, std::vector<double>>;

void add_errors(const KernelLaw& law, const Hardware& target, const Samples& samples, const std::vector<bool>& held,
                ErrorsByKernel& errors) {
    for (std::size_t i = 0; i < samples.rows.size(); ++i) {
        if (!held[i]) continue;
        const double error = std::abs(law.price(target, samples.rows[i]).us / samples.us[i] - 1);
        errors[""].push_back(error);
        errors[samples.rows[i].kernel].push_back(error);
    }
}

Errors summary(std::vector<double> errors) {
    std::sort(errors.begin(), errors.end());
    if (errors.empty()) return {};
    return {errors[errors.size() / 2], errors[errors.size() * 9 / 10], errors.size()};
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

/// Where a table has few shapes, one fold says little: all of five are gone through.
bool has_few_shapes(const Samples& samples) {
    std::set<std::uint64_t> shapes;
    for (const KernelRow& row : samples.rows) shapes.insert(shape_hash(samples, row, 1));
    return shapes.size() < 150;
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

void print(const Samples& samples, const char* split, const ErrorsByKernel& all, bool by_kernel) {
    for (const auto& [kernel, values] : all) {
        if (!by_kernel && !kernel.empty()) continue;
        const Errors errors = summary(values);
        std::printf("%-20s %-20s %-8s %-8s %6.1f %6.1f  %zu  %s\n", samples.table->name.data(), samples.gpu.c_str(),
                    samples.backend.c_str(), split, 100 * errors.median, 100 * errors.p90, errors.rows, kernel.c_str());
    }
    std::fflush(stdout);
}

void hold_out(const Samples& samples, std::uint64_t seed, bool by_kernel) {
    const Hardware& own = *find_hardware(samples.gpu);
    for (const bool whole_shapes : {false, true}) {
        const bool every_fold = whole_shapes && has_few_shapes(samples);
        const std::uint64_t folds = every_fold ? 16 : 10;
        ErrorsByKernel errors;
        for (std::uint64_t fold = 0; fold < (every_fold ? folds : 1); ++fold) {
            const auto held = keep_aside(samples, whole_shapes, {seed, folds, fold});
            const Samples rest = without(samples, held);
            if (rest.rows.empty()) continue;
            const KernelLaw law = fit_law(rest, options_for(rest));
            add_errors(law, own, samples, held, errors);
        }
        print(samples, whole_shapes ? "shapes" : "points", errors, by_kernel);
    }
}

/// How the law that was fitted on `from` does on this table of another GPU; nothing where `from` has no such
/// table of that framework.
void carry(const fs::path& data, const std::string& from, const Samples& samples, bool by_kernel) {
    const std::string folder = samples.backend == "replayd" ? from : from + "/" + samples.backend;
    const std::string stem = folder + "/" + std::string(samples.table->name) + ".csv";
    for (const char* ending : {"", ".gz"}) {
        const fs::path file = data / (stem + ending);
        if (samples.gpu == from || !fs::exists(file)) continue;
        const Samples own = read_samples(file, *samples.table, from, samples.backend);
        const KernelLaw law = fit_law(own, options_for(own));
        ErrorsByKernel errors;
        add_errors(law, *find_hardware(samples.gpu), samples, std::vector<bool>(samples.rows.size(), true), errors);
        print(samples, "carried", errors, by_kernel);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::optional<fs::path> out;
    std::string only;
    std::string from;
    std::uint64_t seed = 1;
    bool by_kernel = false;
    if (argc < 3) stop("usage: cost_fit DATA_DIR --out DIR | --holdout [--seed N] | --carry-from GPU [--only TEXT]");
    for (int i = 2; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--out" && i + 1 < argc) out = argv[++i];
        if (argument == "--only" && i + 1 < argc) only = argv[++i];
        if (argument == "--seed" && i + 1 < argc) seed = std::strtoull(argv[++i], nullptr, 10);
        if (argument == "--by-kernel") by_kernel = true;
        if (argument == "--carry-from" && i + 1 < argc) from = argv[++i];
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(argv[1])) {
        const std::string path = entry.path().string();
        if ((path.ends_with(".csv") || path.ends_with(".csv.gz")) && path.find(only) != std::string::npos) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    if (!out) std::printf("%-20s %-20s %-8s %-8s %6s %6s  rows\n", "table", "gpu", "backend", "aside", "p50 %", "p90 %");
    for (const fs::path& file : files) {
        const std::string name = file.filename().string();
        const KernelTable* table = find_kernel_table(name.substr(0, name.find('.')));
        if (table == nullptr) continue;
        const fs::path folder = file.parent_path();
        const bool own = find_hardware(folder.filename().string()) != nullptr;
        const Samples samples = read_samples(file, *table, (own ? folder : folder.parent_path()).filename().string(),
                                             own ? "replayd" : folder.filename().string());
        if (!from.empty()) {
            carry(argv[1], from, samples, by_kernel);
            continue;
        }
        if (!out) {
            hold_out(samples, seed, by_kernel);
            continue;
        }
        const KernelLaw law = fit_law(samples, options_for(samples));
        const fs::path path = *out / (samples.gpu + "." + samples.backend + "." + std::string(table->name) + ".law");
        std::ofstream(path, std::ios::binary) << law.to_bytes();
        std::printf("%s\n", path.filename().c_str());
    }
}
