#pragma once
// Reads a file that searches were stored in (search_store.hpp), also while a search writes to it. One thread at a time.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/search_rows.hpp"
#include "storage/sql_query.hpp"

namespace replayd::storage {

/// Limits of free SQL on a file of searches: shorter than a search waits for the file that it writes to.
inline constexpr QueryLimits k_search_query_limits{.time_max = std::chrono::milliseconds(2'000)};

/// Whether the file's head is that of a database that searches were stored in. Nothing is opened by SQLite.
[[nodiscard]] bool is_search_file(const std::string& path);

/// A search of a file, with how far it came.
struct StoredSearch {
    SearchFacts facts;
    std::int64_t trials = 0;
    std::int64_t possible = 0;  ///< of the trials
};

class SearchFile {
public:
    /// Opens the file for reading alone. Errors: `not_found`, `failed_state` for a database of another kind, `io`.
    [[nodiscard]] static Result<std::unique_ptr<SearchFile>> open(const std::string& path);

    /// In the order of their identities.
    [[nodiscard]] Result<std::vector<StoredSearch>> searches();
    /// Error `not_found`.
    [[nodiscard]] Result<SearchFacts> facts(std::string_view identity);
    [[nodiscard]] Result<search::Outcomes> outcomes(std::string_view identity);
    /// Runs one SELECT on the tables `search` and `trial`; see SelectGuard::query.
    [[nodiscard]] Result<Table> query(std::string_view sql);

private:
    explicit SearchFile(Connection connection) : connection_(std::move(connection)), guard_(connection_) {}

    Connection connection_;
    SelectGuard guard_;
};

}  // namespace replayd::storage
