#pragma once
// A search of 200 candidates on a small trace, and the rows that searches leave in a file.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "storage/connection.hpp"
#include "tests/daemon/replayctl/replayctl_process.hpp"

namespace replayd::ctl {

/// Every row of every table, as text, in the order in which the file has them.
inline std::string search_rows(const std::string& path) {
    auto connection = storage::Connection::open(path, storage::Access::read_only);
    EXPECT_TRUE(connection) << path;
    if (!connection) return {};
    std::string out;
    for (const auto& [table, columns] : {std::pair("search", 6), std::pair("trial", 25)}) {
        auto rows = connection->prepare(std::string("SELECT * FROM ") + table);
        EXPECT_TRUE(rows);
        for (auto row = rows->step(); row && *row; row = rows->step()) {
            out += table;
            for (int column = 0; column < columns; ++column) out += '|' + rows->text(column);
            out += '\n';
        }
    }
    return out;
}

class SearchOf200 {
public:
    explicit SearchOf200(const files::TemporaryFolder& folder) : trace_(folder.path("t.jsonl")) {
        const Said said = run_replayctl({"generate", trace_, "--count", "200", "--rate", "100", "--prompt-max", "400",
                                         "--output-max", "60", "--seed", "7"});
        EXPECT_EQ(said.status, 0) << said.err;
        search_ = folder.holding("grid.toml", "base = \"" + folder.holding("small.toml", k_small_scenario) + R"("
[objective]
ttft_p99_ms = 500
tpot_p99_ms = 40
[[axis]]
key = "pool.batching.max_sequences"
values = [2, 4, 8, 16, 64]
[[axis]]
key = "pool.replicas"
from = 1
to = 40
rising = true
)");
    }

    /// Of `replayctl`, with the outcomes in `db`.
    [[nodiscard]] std::vector<std::string> arguments(const std::string& db) const {
        return {"search", search_, trace_, "--json", "--db", db};
    }

private:
    std::string trace_;
    std::string search_;
};

}  // namespace replayd::ctl
