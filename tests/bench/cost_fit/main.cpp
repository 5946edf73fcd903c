// cost_fit: fits the laws of replay/cost/laws on a folder of kernel tables, or measures how well laws fitted on
// a part of the rows predict the rest.
//
//   cost_fit DATA_DIR --out LAWS_DIR             fit everything and write one file per law
//   cost_fit DATA_DIR --holdout [--seed N]       print the errors on rows and shapes kept aside; another N, other rows
//   cost_fit DATA_DIR --holdout --draws N        over the seeds 1 to N: errors of the middle draw, limits beside
//   cost_fit DATA_DIR --carry-from GPU           print the errors on all other GPUs of laws fitted on that one
//   … --by-kernel                                print the errors of every kernel too
//   … --only TEXT                                take only files whose path holds the text
//
// DATA_DIR holds <system>/<backend>/<table>.csv[.gz] in the column layout of the public tables, or
// <system>/<table>.csv as replay/cost/profile writes them (backend "replayd").

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>

#include "hold_out.hpp"
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
    for (int got = 0; (got = gzread(file, buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(got));
    }
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

/// How the law that was fitted on `from` does on this table of another GPU, and on the ratio of their times, which is
/// what carrying it over adds to its errors; nothing where `from` has no file of that name of that framework.
void carry(const fs::path& data, const std::string& from, const std::string& name, const Samples& samples,
           bool by_kernel) {
    const std::string folder = samples.backend == "replayd" ? from : from + "/" + samples.backend;
    const fs::path file = data / folder / name;
    if (samples.gpu == from || !fs::exists(file)) return;
    const Samples own = read_samples(file, *samples.table, from, samples.backend);
    const KernelLaw law = fit_law(own, options_for(own));
    ErrorsByKernel errors;
    add_errors(law, *find_hardware(samples.gpu), samples, std::vector<bool>(samples.rows.size(), true), errors);
    print(samples, "carried", {errors}, by_kernel);
    print(samples, "ratio", {ratio_errors(law, own, samples)}, by_kernel);
}

}  // namespace

int main(int argc, char** argv) {
    std::optional<fs::path> out;
    std::string only;
    std::string from;
    std::uint64_t seed = 1;
    std::uint64_t draws = 1;
    bool by_kernel = false;
    if (argc < 3) {
        stop("usage: cost_fit DATA_DIR --out DIR | --holdout [--seed N] [--draws N] | --carry-from GPU [--only TEXT]");
    }
    for (int i = 2; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--out" && i + 1 < argc) out = argv[++i];
        if (argument == "--only" && i + 1 < argc) only = argv[++i];
        if (argument == "--seed" && i + 1 < argc) seed = std::strtoull(argv[++i], nullptr, 10);
        if (argument == "--draws" && i + 1 < argc) draws = std::strtoull(argv[++i], nullptr, 10);
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
    if (!out) print_heading();
    for (const fs::path& file : files) {
        const std::string name = file.filename().string();
        const KernelTable* table = find_kernel_table(name.substr(0, name.find('.')));
        if (table == nullptr) continue;
        const fs::path folder = file.parent_path();
        const bool own = find_hardware(folder.filename().string()) != nullptr;
        const Samples samples = read_samples(file, *table, (own ? folder : folder.parent_path()).filename().string(),
                                             own ? "replayd" : folder.filename().string());
        if (!from.empty()) {
            carry(argv[1], from, name, samples, by_kernel);
            continue;
        }
        if (!out) {
            hold_out(samples, seed, draws, by_kernel);
            continue;
        }
        const KernelLaw law = fit_law(samples, options_for(samples));
        const fs::path path = *out / (samples.gpu + "." + samples.backend + "." + std::string(table->name) + ".law");
        std::ofstream(path, std::ios::binary) << law.to_bytes();
        std::printf("%s\n", path.filename().c_str());
    }
}
