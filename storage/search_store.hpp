#pragma once
// The outcomes of searches in an SQLite file: a row per trial, and a row that says what the search was. Any number of
// searches share a file. The rows depend on the searches alone, not on when, where and in what order their trials ran,
// so files that were filled by parts merge into the one that a single process would have written.

#include <cstdint>
#include <string>

#include "replay/search/methods.hpp"
#include "storage/connection.hpp"
#include "storage/search_rows.hpp"

namespace replayd::storage {

class SearchStore {
public:
    /// Opens or creates the file, and adds the search unless it is there. Errors: `io`, `failed_state` for a database
    /// of another kind, `unavailable` while another process writes.
    [[nodiscard]] static Result<SearchStore> open(const std::string& path, const SearchFacts& facts);

    /// What is known of the search.
    [[nodiscard]] Result<search::Outcomes> outcomes();
    /// Adds one outcome of the candidate that sets `settings`; on return it survives the process. A trial that is there
    /// stays as it is. One thread at a time.
    [[nodiscard]] Result<void> add(const search::Trial& trial, const std::string& settings,
                                   const search::Measured& measured);

private:
    SearchStore(Connection connection, std::string identity)
        : connection_(std::move(connection)), identity_(std::move(identity)) {}

    Connection connection_;
    std::string identity_;
};

/// How much a merge added.
struct Merged {
    std::int64_t searches = 0;
    std::int64_t trials = 0;
};

/// Adds what `from` has and `into` lacks; `into` is created if need be. Doing it again changes nothing. Errors as of
/// open, and `failed_state` when a trial is in both with different outcomes, which one engine on one trace cannot have
/// found; then nothing is added.
[[nodiscard]] Result<Merged> merge_searches(const std::string& into, const std::string& from);

}  // namespace replayd::storage
