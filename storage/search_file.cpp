#include "storage/search_file.hpp"

#include <filesystem>
#include <utility>

#include "storage/schema.hpp"

namespace replayd::storage {
namespace {

constexpr const char* k_facts = "SELECT id, engine_version, spec, base, trace, search.arrivals";

SearchFacts facts_of(const Statement& row) {
    return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.integer(5)};
}

}  // namespace

bool is_search_file(const std::string& path) {
    return application_id_of(path) == k_search_application_id;
}

Result<std::unique_ptr<SearchFile>> SearchFile::open(const std::string& path) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
        return fail(Code::not_found, path + ": expected a file that replayctl search --db wrote");
    }
    auto connection = Connection::open(path, Access::read_only);
    if (!connection) return tl::unexpected(connection.error());
    if (auto ours = check_search_file(*connection); !ours) return tl::unexpected(ours.error());
    // Reads the schema, without which nothing can be prepared: a damaged file is told here.
    if (auto tables = connection->query_integer("SELECT count(*) FROM search"); !tables) {
        return tl::unexpected(tables.error());
    }
    return std::unique_ptr<SearchFile>(new SearchFile(std::move(*connection)));
}

Result<std::vector<StoredSearch>> SearchFile::searches() {
    auto rows = connection_.prepare(std::string(k_facts) +
                                    ", count(candidate), coalesce(sum(possible), 0) FROM search LEFT JOIN trial "
                                    "ON trial.search = search.id GROUP BY search.id ORDER BY search.id");
    if (!rows) return tl::unexpected(rows.error());
    std::vector<StoredSearch> out;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return out;
        out.push_back({facts_of(*rows), rows->integer(6), rows->integer(7)});
    }
}

Result<SearchFacts> SearchFile::facts(std::string_view identity) {
    auto rows = connection_.prepare(std::string(k_facts) + " FROM search WHERE id = ?");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, identity);
    const auto row = rows->step();
    if (!row) return tl::unexpected(row.error());
    if (*row) return facts_of(*rows);
    return fail(Code::not_found, "no search \"" + std::string(identity) + "\" in " + connection_.path());
}

Result<search::Outcomes> SearchFile::outcomes(std::string_view identity) {
    return read_outcomes(connection_, identity);
}

Result<Table> SearchFile::query(std::string_view sql) {
    return guard_.query(sql, k_search_query_limits);
}

}  // namespace replayd::storage
