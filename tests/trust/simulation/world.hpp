#pragma once
// The daemon's session, log, run, registry and history classes in one thread: a seed decides what happens next, when
// connections break, the disk fails, power goes and the process dies. Same seed, same history, event by event.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/stream/ingest_session.hpp"
#include "daemon/stream/stream_registry.hpp"
#include "replay/base/random.hpp"
#include "storage/stepped_history.hpp"
#include "tests/faults/faulty_disk.hpp"
#include "tests/trust/simulation/client.hpp"
#include "tests/trust/simulation/parts.hpp"

namespace replayd::trust {

/// Defects built in on purpose: the simulation must find them.
enum class Canary {
    none,
    early_ack,    ///< batches are acknowledged before they are stored
    lossy_writer  ///< instead of one batch in seven the one before is stored again
};

/// A trace and the state hash that the engine alone gives it in each scenario.
struct KnownTrace {
    std::vector<Arrival> arrivals;
    std::vector<std::string> hashes;  ///< in the order of the scenarios
};

/// What all seeds share; made once.
struct Setting {
    std::string path;         ///< of the history, on the faulty disk
    faults::DiskImage fresh;  ///< a new, migrated history
    std::unique_ptr<stream::ScenarioLibrary> known_scenarios;
    std::vector<std::string> scenarios;
    std::vector<KnownTrace> traces;
};

struct Verdict {
    std::vector<std::string> violations;
    std::uint64_t digest = 0;  ///< of everything that happened, in order
    std::int64_t steps = 0;
    std::int64_t deaths = 0;
    std::int64_t faults = 0;
    std::int64_t cuts = 0;
};

/// Plays one seed to its end. `disk` is wiped first.
[[nodiscard]] Verdict simulate(const Setting& setting, faults::FaultyDisk& disk, std::uint64_t seed, Canary canary);

}  // namespace replayd::trust
