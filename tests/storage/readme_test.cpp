// Every SQL block of storage/README.md is asked of a small database: it must be answered with rows.
#include <gtest/gtest.h>

#include "tests/source_paths.hpp"
#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

std::vector<std::string> sql_blocks(const std::string& markdown) {
    const std::string open = "```sql\n";
    std::vector<std::string> blocks;
    for (std::size_t at = markdown.find(open); at != std::string::npos; at = markdown.find(open, at)) {
        at += open.size();
        blocks.push_back(markdown.substr(at, markdown.find("```", at) - at));
    }
    return blocks;
}

/// Two runs with 200 requests over more than 3 minutes, 20 windows and 4 minutes of residuals each.
void fill(const std::string& path) {
    const auto history = open_history(path);
    const RunRow first = sample_run(*history);
    const RunRow second = must(history->add_run(first, sample_plans(), sample_scenario()));
    for (const RunRow& run : {first, second}) {
        history->add_requests(run.id, sample_requests(0, 200));
        for (std::int64_t i = 0; i < 20; ++i) history->add_window(run.id, {sample_window(i)});
        history->add_residuals(run.id, sample_residuals(200, DriftSpec{}));
    }
}

TEST(Readme, every_question_is_answered) {
    const TempDir dir;
    fill(dir.file());
    const auto reader = must(Reader::open(dir.file()));
    const auto blocks = sql_blocks(bytes_of(REPLAYD_SOURCE_DIR "/storage/README.md"));
    // Rows of each question, from the data of fill().
    const std::vector<std::size_t> rows = {2, 8, 2, 2, 10, 1, 2, 4, 6, 2, 27, 32};
    ASSERT_EQ(blocks.size(), rows.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const auto table = reader->query(blocks[i]);
        ASSERT_TRUE(table) << "question " << i + 1 << ": " << error_of(table);
        EXPECT_GE(table->columns.size(), 3U) << "question " << i + 1;
        EXPECT_EQ(table->rows.size(), rows[i]) << "question " << i + 1;
        for (std::size_t column = 0; column < table->columns.size(); ++column) {
            EXPECT_FALSE(std::holds_alternative<std::monostate>(table->rows[0][column]) &&
                         table->columns[column] != "slo_attainment")
                << "question " << i + 1 << ", column " << table->columns[column];
        }
    }
}

// Spot checks against values computed by hand from the samples.
TEST(Readme, answers_are_right) {
    const TempDir dir;
    fill(dir.file());
    const auto reader = must(Reader::open(dir.file()));
    const auto blocks = sql_blocks(bytes_of(REPLAYD_SOURCE_DIR "/storage/README.md"));
    // Minute 0 of run 1: 60 arrivals, of them 54 finished, TTFT 20 ms + sequence ns; p50 is the 27th: sequence 28.
    const Table minutes = must(reader->query(blocks.at(1)));
    EXPECT_EQ(minutes.rows[0][2], Cell(std::int64_t{60}));
    EXPECT_EQ(minutes.rows[0][3], Cell(20'000'028 / 1e6));
    // Pool 0 is busy 1 s of 10 s times 2 replicas, pool 1 2 s of 10 s times 3.
    const Table pools = must(reader->query(blocks.at(7)));
    EXPECT_EQ(pools.rows[0][4], Cell(1.0 / 20.0));
    EXPECT_EQ(pools.rows[1][4], Cell(2.0 / 30.0));
    // Replica 4 of pool d, window 0: 20 blocks used and 6 cached of 200, 160 bytes each; beside them 30,000 bytes of
    // weights and 2,000 of activations.
    const Table memory = must(reader->query(blocks.at(10)));
    EXPECT_EQ(memory.rows.back()[1], Cell(std::string("d")));
    EXPECT_EQ(memory.rows.back()[4], Cell(30'000 / 1e9));
    EXPECT_EQ(memory.rows.back()[5], Cell(2'000 / 1e9));
    EXPECT_EQ(memory.rows.back()[6], Cell((20 + 18) * 160 / 1e9)) << "the last of windows 0, 3, … 18";
    EXPECT_EQ(memory.rows.back()[8], Cell((200 - 38 - 6) * 160 / 1e9));
    // Of 200 requests, every tenth was rejected.
    EXPECT_EQ(must(reader->query(blocks.at(6))).rows[0][2], Cell(std::int64_t{20}));
}

// The README names each table and view of the schema.
TEST(Readme, names_every_table_and_view) {
    const TempDir dir;
    { const auto history = open_history(dir.file()); }
    const std::string readme = bytes_of(REPLAYD_SOURCE_DIR "/storage/README.md");
    const auto reader = must(Reader::open(dir.file()));
    const Table names = must(reader->query("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND "
                                          "name NOT LIKE 'sqlite_%'"));
    EXPECT_EQ(names.rows.size(), 15U);
    for (const auto& row : names.rows) {
        const std::string name = std::get<std::string>(row[0]);
        EXPECT_NE(readme.find("| `" + name + "` |"), std::string::npos) << name;
    }
}

}  // namespace
}  // namespace replayd::storage
