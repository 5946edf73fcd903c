// The loadable extension in the real sqlite3 shell: the same answers as on replayd's own connections.

#include <gtest/gtest.h>
#include <stdio.h>

#include <array>

#include "tests/source_paths.hpp"
#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

/// What the shell prints, on either channel, for `commands` given as arguments. The file is opened read-only.
std::string shell(const std::string& file, const std::vector<std::string>& commands) {
    std::string line = "sqlite3 -readonly '" + file + "'";
    for (const std::string& command : commands) line += " \"" + command + "\"";
    FILE* pipe = popen((line + " 2>&1").c_str(), "r");
    if (pipe == nullptr) return "popen failed";
    std::string out;
    std::array<char, 4096> buffer{};
    for (std::size_t read = 0; (read = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
        out.append(buffer.data(), read);
    }
    pclose(pipe);
    return out;
}

class SqliteExtension : public ::testing::Test {
protected:
    void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        GTEST_SKIP() << "the shell cannot load a library that wants a sanitizer's runtime";
#endif
        if (shell(":memory:", {"SELECT 41 + 1"}) != "42\n") {
            GTEST_SKIP() << "the sqlite3 shell is not installed (Debian package sqlite3)";
        }
        const auto history = open_history(dir_.file());
        const RunRow run = sample_run(*history);
        history->add_requests(run.id, sample_requests(0, 200));
        for (std::int64_t i = 0; i < 20; ++i) history->add_window(run.id, {sample_window(i)});
    }
    TempDir dir_;
    const std::string load_ = std::string(".load ") + REPLAYD_BINARY_DIR + "/replayd_sqlite";
};

TEST_F(SqliteExtension, gives_the_shell_the_functions) {
    for (const std::string sql :
         {"SELECT histogram_quantile(histogram_merge(ttft), 0.99) FROM window",
          "SELECT sum(histogram_count(ttft)) FROM window",
          "SELECT percentile(first_token_ns - arrived_ns, 99) FROM request WHERE outcome = 'finished'"}) {
        const auto reader = must(Reader::open(dir_.file()));
        const Table expected = must(reader->query(sql));
        EXPECT_EQ(shell(dir_.file(), {load_, sql}),
                  std::to_string(std::get<std::int64_t>(expected.rows.at(0).at(0))) + "\n")
            << sql;
    }
}

// A wrong argument is told in the shell as everywhere else.
TEST_F(SqliteExtension, says_what_is_wrong_with_an_argument) {
    const std::string said = shell(dir_.file(), {load_, "SELECT histogram_quantile(ttft, 99) FROM window"});
    EXPECT_NE(said.find("histogram_quantile: q is 99: expected a number from 0 to 1, e.g. 0.99"), std::string::npos)
        << said;
}

}  // namespace
}  // namespace replayd::storage
