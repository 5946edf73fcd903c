// cost_fit: fits the laws of replay/cost/laws on a folder of kernel tables, or measures how well laws fitted on
// a part of the rows predict the rest.
//
//   cost_fit DATA_DIR --out LAWS_DIR             fit everything and write one file per law
//   cost_fit DATA_DIR --holdout                  print the errors on rows and shapes kept aside
//   cost_fit DATA_DIR --carry-from GPU           print the errors on all other GPUs of laws fitted on that one
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

void add_errors(const KernelLaw& law, const Hardware& target, const Samples& samples, const std::vector<bool>& held,
                std::vector<double>& errors) {
    for (std::size_t i = 0; i < samples.rows.size(); ++i) {
        if (held[i]) errors.push_back(std::abs(law.price(target, samples.rows[i]).us / samples.us[i] - 1));
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

std::uint64_t shape_hash(const Samples& samples, const KernelRow& row) {
    std::uint64_t hash = 1;
    for (const std::size_t n : samples.table->shape_numbers) hash = mix(hash, row.number[n]);
    return hash;
}

/// The rows (or whole shapes) of one fold of several, by hash.
std::vector<bool> keep_aside(const Samples& samples, bool whole_shapes, std::uint64_t folds, std::uint64_t fold) {
    std::vector<bool> held;
    for (const KernelRow& row : samples.rows) {
        std::uint64_t hash = 1;
        for (const double value : row.number) hash = mix(hash, value);
        if (whole_shapes) hash = shape_hash(samples, row);
        held.push_back((hash >> 20) % folds == fold);
    }
    return held;
}

/// Where a table has few shapes, one fold says little: all of five are gone through.
bool has_few_shapes(const Samples& samples) {
    std::set<std::uint64_t> shapes;
    for (const KernelRow& row : samples.rows) shapes.insert(shape_hash(samples, row));
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

void print(const Samples& samples, const char* split, const Errors& errors) {
    std::printf("%-20s %-20s %-8s %-8s %6.1f %6.1f  %zu\n", samples.table->name.data(), samples.gpu.c_str(),
                samples.backend.c_str(), split, 100 * errors.median, 100 * errors.p90, errors.rows);
    std::fflush(stdout);
}

void hold_out(const Samples& samples) {
    const Hardware& own = *find_hardware(samples.gpu);
    for (const bool whole_shapes : {false, true}) {
        const bool every_fold = whole_shapes && has_few_shapes(samples);
        const std::uint64_t folds = every_fold ? 16 : 10;
        std::vector<double> errors;
        for (std::uint64_t fold = 0; fold < (every_fold ? folds : 1); ++fold) {
            const auto held = keep_aside(samples, whole_shapes, folds, fold);
            const Samples rest = without(samples, held);
            if (rest.rows.empty()) continue;
            const KernelLaw law = fit_law(rest, options_for(*samples.table, rest.rows.size()));
            add_errors(law, own, samples, held, errors);
        }
        print(samples, whole_shapes ? "shapes" : "points", summary(std::move(errors)));
    }
}

/// How the law that was fitted on `from` does on this table of another GPU; nothing where `from` has no such
/// table of that framework.
void carry(const fs::path& data, const std::string& from, const Samples& samples) {
    const std::string folder = samples.backend == "replayd" ? from : from + "/" + samples.backend;
    const std::string stem = folder + "/" + std::string(samples.table->name) + ".csv";
    for (const char* ending : {"", ".gz"}) {
        const fs::path file = data / (stem + ending);
        if (samples.gpu == from || !fs::exists(file)) continue;
        const Samples own = read_samples(file, *samples.table, from, samples.backend);
        const KernelLaw law = fit_law(own, options_for(*own.table, own.rows.size()));
        std::vector<double> errors;
        add_errors(law, *find_hardware(samples.gpu), samples, std::vector<bool>(samples.rows.size(), true), errors);
        print(samples, "carried", summary(std::move(errors)));
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::optional<fs::path> out;
    std::string only;
    std::string from;
    if (argc < 3) stop("usage: cost_fit DATA_DIR --out DIR | --holdout | --carry-from GPU [--only TEXT]");
    for (int i = 2; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--out" && i + 1 < argc) out = argv[++i];
        if (argument == "--only" && i + 1 < argc) only = argv[++i];
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
            carry(argv[1], from, samples);
            continue;
        }
        if (!out) {
            hold_out(samples);
            continue;
        }
        const KernelLaw law = fit_law(samples, options_for(*table, samples.rows.size()));
        const fs::path path = *out / (samples.gpu + "." + samples.backend + "." + std::string(table->name) + ".law");
        std::ofstream(path, std::ios::binary) << law.to_bytes();
        std::printf("%s\n", path.filename().c_str());
    }
}
