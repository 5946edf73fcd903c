#pragma once
// Two runs of one stream, request by request: how many differ, by how much, since when, and for which causes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/sim/records.hpp"
#include "replay/stats/signed_histogram.hpp"
#include "storage/connection.hpp"

namespace replayd::storage {

struct ComparisonOptions {
    std::size_t requests = 20;  ///< pairs to list, those whose end-to-end times differ most first
    double quantile = 0.99;     ///< of a window, which breaks an objective when it is beyond it
};

/// One request in both runs.
struct RequestPair {
    RequestRecord a;
    RequestRecord b;
};

/// When the runs break one of their objectives first: start of the first window whose quantile is beyond. Nothing: it
/// has no such objective, or holds it.
struct ObjectiveBreaks {
    std::optional<VirtualTime> a;
    std::optional<VirtualTime> b;
};

/// Differences are B - A: above 0 where B takes longer.
struct RunComparison {
    std::string request_rows = "all";  ///< RequestPolicy of the stream: which requests can be paired
    std::int64_t pairs = 0;    ///< requests with a row in both runs
    std::int64_t only_a = 0;   ///< with a row in one of them, so far
    std::int64_t only_b = 0;
    std::int64_t differ = 0;   ///< of the pairs: another outcome, first token or end
    std::int64_t slower = 0;   ///< of the pairs that finished in both: later end in B
    std::int64_t faster = 0;
    std::int64_t rejected_by_a = 0;  ///< of the pairs: by A alone
    std::int64_t rejected_by_b = 0;
    SignedHistogram ttft;      ///< of the pairs that finished in both
    SignedHistogram tpot;
    SignedHistogram e2e;
    std::array<Duration, k_ledger_parts> ledger{};  ///< summed over pairs that differ and finished in both
    Blame blame;                                    ///< likewise
    ObjectiveBreaks ttft_breaks;
    ObjectiveBreaks tpot_breaks;
    std::vector<RequestPair> requests;
};

/// Reads each run's rows once, in the order of their key. Errors: `not_found`, `invalid_argument` (the same run twice,
/// runs of different streams, a stream that keeps no rows of requests).
[[nodiscard]] Result<RunComparison> compare_runs(Connection& connection, std::int64_t run_a, std::int64_t run_b,
                                                 const ComparisonOptions& options);

}  // namespace replayd::storage
