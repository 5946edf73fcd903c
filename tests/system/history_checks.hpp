#pragma once
// What must hold for every finished stream in a history, asked in SQL through `replayctl query`.

#include <cstdint>
#include <map>
#include <string>

#include "tests/system/process.hpp"

namespace replayd::testing {

/// State hash of each scenario.
using Hashes = std::map<std::string, std::string>;

/// `replayctl replay` of the trace on two_scenarios(), recorded in `db` (empty: nowhere). `program_path`: a replayctl
/// of any build.
[[nodiscard]] Hashes replay_hashes(const TemporaryDirectory& directory, const std::string& trace,
                                   const std::string& db, const std::string& program_path);

/// The hashes of the finished runs of a stream.
[[nodiscard]] Hashes stored_hashes(const TemporaryDirectory& directory, const std::string& db,
                                   const std::string& stream);

/// Every arrival is in the log once and in each run once, batches have no gaps, every ledger sums to the latency.
void expect_complete(const TemporaryDirectory& directory, const std::string& db, const std::string& stream,
                     std::int64_t arrivals);

/// Counts and sums over every row that a stream's runs wrote, as text: equal exactly when the runs wrote the same.
[[nodiscard]] std::string row_sums(const TemporaryDirectory& directory, const std::string& db,
                                   const std::string& stream);

}  // namespace replayd::testing
