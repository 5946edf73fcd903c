// Seeded simulations of the daemon's session, log, run and history classes, and two built-in defects that they must
// find.

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include "daemon/config/log.hpp"
#include "tests/faults/faulty_disk.hpp"
#include "tests/linear_cluster.hpp"
#include "tests/trust/part.hpp"
#include "tests/trust/simulation/world.hpp"

namespace replayd::trust {
namespace {

std::vector<Arrival> make_arrivals(Random& random) {
    std::vector<Arrival> arrivals(20 + random.below(40));
    std::int64_t at = 0;
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        if (random.below(4) > 0) at += static_cast<std::int64_t>(random.below(60)) * k_ns_per_ms;
        arrivals[i].id = "r" + std::to_string(i / 2);  // twice each: ids need not be unique
        arrivals[i].at = VirtualTime(at);
        arrivals[i].prompt = Tokens(static_cast<std::int64_t>(1 + random.below(300)));
        arrivals[i].output = Tokens(static_cast<std::int64_t>(1 + random.below(30)));
    }
    return arrivals;
}

Setting make_setting(faults::FaultyDisk& disk) {
    Setting setting;
    // Readers look whether the path exists before they ask SQLite, which sees the faulty disk: an empty file stands
    // there.
    setting.path =
        (std::filesystem::temp_directory_path() / ("replayd-simulation-" + std::to_string(getpid()))).string();
    std::ofstream(setting.path).close();
    setting.known_scenarios = std::move(*stream::ScenarioLibrary::create(Catalog::built_in()));
    std::vector<std::string> tomls;
    for (int i = 0; i < 2; ++i) {
        const std::string name = i == 0 ? "one" : "two";
        tomls.push_back(test::to_toml({.name = name, .replicas = i + 1, .num_blocks = 200}));
        setting.scenarios.push_back(name);
        (void)setting.known_scenarios->add(tomls.back(), "simulation", false);
    }
    Random random(20'261'122);
    for (int i = 0; i < 8; ++i) {
        KnownTrace trace{make_arrivals(random), {}};
        for (const std::string& toml : tomls) trace.hashes.push_back(test::engine_hash(toml, trace.arrivals));
        setting.traces.push_back(std::move(trace));
    }
    storage::HistoryOptions options;
    options.path = setting.path;
    (*storage::SteppedHistory::open(std::move(options))).reset();
    setting.fresh = disk.image();
    return setting;
}

/// The seeds from 1 on; two plays of the same seed must be the same.
int play_seeds(const Setting& setting, faults::FaultyDisk& disk, Part part) {
    const std::int64_t count = part.seed() ? 1 : part.count({2'000, 10'000, 1'000'000});
    Verdict sum;
    for (std::int64_t i = 1; i <= count; ++i) {
        const std::uint64_t seed = part.seed().value_or(static_cast<std::uint64_t>(i));
        const Verdict verdict = simulate(setting, disk, seed, Canary::none);
        for (const std::string& what : verdict.violations) {
            part.violation("--seed " + std::to_string(seed) + ": " + what);
        }
        if (i % 50 == 1 && simulate(setting, disk, seed, Canary::none).digest != verdict.digest) {
            part.violation("--seed " + std::to_string(seed) + ": played twice, it went two ways");
        }
        sum.steps += verdict.steps;
        sum.deaths += verdict.deaths;
        sum.faults += verdict.faults;
        sum.cuts += verdict.cuts;
    }
    return part.finish(count, "seeds; " + std::to_string(sum.steps) + " steps, " + std::to_string(sum.cuts) +
                                  " connections cut, " + std::to_string(sum.faults) + " disk faults, " +
                                  std::to_string(sum.deaths) + " deaths");
}

/// A defect must be found, in some of the first seeds.
int play_canary(const Setting& setting, faults::FaultyDisk& disk, const std::string& name, Canary canary) {
    const char* no_arguments[] = {""};
    Part part("canary-" + name, 1, no_arguments);
    constexpr std::uint64_t k_seeds = 50;
    std::int64_t caught = 0;
    for (std::uint64_t seed = 1; seed <= k_seeds; ++seed) {
        caught += simulate(setting, disk, seed, canary).violations.empty() ? 0 : 1;
    }
    if (caught == 0) part.violation("the simulation did not find a daemon that loses acknowledged batches");
    return part.finish(static_cast<std::int64_t>(k_seeds), "seeds with the defect, found in " + std::to_string(caught));
}

int run(int argc, char** argv) {
    Part part("daemon-simulation", argc, argv);
    config::start_log(config::LogLevel::error);
    faults::FaultyDisk disk;
    const Setting setting = make_setting(disk);
    int status = play_seeds(setting, disk, std::move(part));
    status |= play_canary(setting, disk, "early-ack", Canary::early_ack);
    status |= play_canary(setting, disk, "lossy-writer", Canary::lossy_writer);
    disk.kill();
    std::filesystem::remove(setting.path);
    return status;
}

}  // namespace
}  // namespace replayd::trust

int main(int argc, char** argv) {
    return replayd::trust::run(argc, argv);
}
