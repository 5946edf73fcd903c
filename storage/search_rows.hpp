#pragma once
// What SearchStore writes into a file and SearchFile reads from it: tables, facts, outcomes.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "replay/search/methods.hpp"
#include "storage/connection.hpp"

namespace replayd::storage {

/// "rpsr", in the head of the file: tells a file of searches from a history.
inline constexpr std::int64_t k_search_application_id = 0x72707372;

extern const char* const k_search_schema;
/// Columns of `trial` after `search`.
extern const char* const k_trial_columns;

/// What a search was, beside its outcomes.
struct SearchFacts {
    std::string identity;        ///< of text, base scenario, trace and version: what outcomes depend on
    std::string engine_version;  ///< of the engine that ran it
    std::string spec;            ///< TOML text
    std::string base;            ///< TOML text of the base scenario
    std::string trace;           ///< path as it was named
    std::int64_t arrivals = 0;
};

/// The integers of a measurement from `gpus` on, in the order of the columns.
template <class M>
auto trial_integers(M& m) {
    return std::array{&m.gpus,          &m.prefill_replicas,    &m.decode_replicas, &m.prefill_gpus,
                      &m.decode_gpus,   &m.stopped_after,       &m.requests,        &m.finished,
                      &m.rejected,      &m.within_slo,          &m.ttft_p99.value,  &m.tpot_p99.value,
                      &m.e2e_p99.value, &m.output_tokens.value, &m.span.value};
}

/// Refuses a database that is no file of searches. Error `failed_state`.
[[nodiscard]] Result<void> check_search_file(Connection& connection);

/// The outcomes of the search of that identity; none for an unknown one.
[[nodiscard]] Result<search::Outcomes> read_outcomes(Connection& connection, std::string_view identity);

}  // namespace replayd::storage
