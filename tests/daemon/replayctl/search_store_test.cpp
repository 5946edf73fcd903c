// Outcomes in SQLite: a search goes on from its file, files of parts merge into the whole one, a real Slurm gives what
// one process does.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "storage/search_file.hpp"
#include "tests/daemon/replayctl/search_rows.hpp"
#include "tests/source_paths.hpp"

namespace replayd::ctl {
namespace {

class SearchFiles : public testing::Test {
protected:
    Said searched(const std::string& db, const std::vector<std::string>& more = {}) const {
        return run_replayctl(with(search_.arguments(db), more));
    }
    static std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
        arguments.insert(arguments.end(), more.begin(), more.end());
        return arguments;
    }

    files::TemporaryFolder folder_;
    SearchOf200 search_{folder_};
};

TEST_F(SearchFiles, a_search_goes_on_from_its_file) {
    const std::string db = folder_.path("s.db");
    const Said first = searched(db);
    ASSERT_EQ(first.status, 0) << first.err;
    EXPECT_NE(first.out.find("\"ran\":200"), std::string::npos);
    const std::string rows = search_rows(db);
    const Said again = searched(db);
    EXPECT_NE(again.out.find("\"ran\":0"), std::string::npos) << again.err;
    EXPECT_EQ(search_rows(db), rows);
    EXPECT_EQ(again.out.substr(again.out.find("\"results\"")), first.out.substr(first.out.find("\"results\"")));
}

// Tasks that share trials, in any order, merged twice: the file of one process, row by row.
TEST_F(SearchFiles, parts_merge_into_the_file_of_one_process) {
    const std::string whole = folder_.path("whole.db");
    ASSERT_EQ(searched(whole).status, 0);
    std::string first;
    std::string second;
    for (int candidate = 0; candidate < 200; ++candidate) {
        const std::string line = std::to_string(candidate) + " 200 1000\n";
        if (candidate < 120) first += line;
        if (candidate >= 80) second += line;
    }
    const std::string a = folder_.path("a.db");
    const std::string b = folder_.path("b.db");
    ASSERT_EQ(searched(a, {"--trials", folder_.holding("a", first)}).status, 0);
    ASSERT_EQ(searched(b, {"--trials", folder_.holding("b", second)}).status, 0);
    const std::string merged = folder_.path("merged.db");
    const Said said = run_replayctl({"merge", merged, b, a, "--json"});
    ASSERT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(said.out, "{\"searches\":1,\"trials\":200}\n");
    EXPECT_EQ(search_rows(merged), search_rows(whole));
    EXPECT_EQ(run_replayctl({"merge", merged, a, b, "--json"}).out, "{\"searches\":0,\"trials\":0}\n");
    EXPECT_EQ(search_rows(merged), search_rows(whole));
}

TEST_F(SearchFiles, outcomes_that_contradict_each_other_are_not_merged) {
    const std::string a = folder_.path("a.db");
    const std::string b = folder_.path("b.db");
    for (const std::string& db : {a, b})
        ASSERT_EQ(searched(db, {"--trials", folder_.holding("one", "7 200 1000\n")}).status, 0);
    auto connection = storage::Connection::open(b, storage::Access::read_write);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->execute("UPDATE trial SET hash = 'another'"));
    const std::string before = search_rows(a);
    const Said said = run_replayctl({"merge", a, b});
    EXPECT_EQ(said.status, 1);
    EXPECT_NE(said.err.find("1 trials have other outcomes here"), std::string::npos) << said.err;
    EXPECT_EQ(search_rows(a), before);
}

struct BadCall {
    const char* name;
    std::vector<std::string> arguments;
    const char* message;
};

class BadCalls : public SearchFiles, public testing::WithParamInterface<BadCall> {};

TEST_P(BadCalls, are_refused_with_one_clear_message) {
    const std::string search = folder_.holding("s.toml", "");
    const Said said = run_replayctl(with({"search", search, "t.jsonl"}, GetParam().arguments));
    EXPECT_EQ(said.status, 2);
    EXPECT_EQ(said.err, std::string("replayctl: ") + GetParam().message + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    Searches, BadCalls,
    testing::Values(
        BadCall{"slurm_without_db",
                {"--executor", "slurm"},
                "--executor slurm: expected --db FILE with it, where the tasks' outcomes are merged"},
        BadCall{"trials_without_db", {"--trials", "x"}, "--trials: expected --db FILE with it, where the outcomes go"}),
    [](const auto& each) { return std::string(each.param.name); });

// The questions of replay/search/README.md, which the page asks, on a search that was run.
TEST_F(SearchFiles, the_questions_of_the_readme_have_answers) {
    const std::string db = folder_.path("s.db");
    ASSERT_EQ(searched(db).status, 0);
    auto file = storage::SearchFile::open(db);
    ASSERT_TRUE(file) << file.error().message;
    const std::string text = files::contents(REPLAYD_SOURCE_DIR "/replay/search/README.md");
    int questions = 0;
    for (std::size_t at = text.find("```sql\n"); at != std::string::npos; at = text.find("```sql\n", at)) {
        at += 7;
        const std::string sql = text.substr(at, text.find("```", at) - at);
        const auto answer = (*file)->query(sql);
        EXPECT_TRUE(answer) << sql << answer.error().message;
        ++questions;
    }
    EXPECT_EQ(questions, 5);
    EXPECT_EQ((*file)->query("SELECT count(*) FROM trial WHERE possible")->rows.front().front(),
              storage::Cell(std::int64_t{200}));
}

// sbatch stands for Slurm here: a script that runs the tasks one after the other and then fails, as a job whose last
// task was killed does. What they found is kept, and the next call has only the rest run.
TEST_F(SearchFiles, what_the_tasks_of_a_failed_job_found_is_kept) {
    const std::string bin = folder_.path("bin");
    std::filesystem::create_directory(bin);
    const std::string sbatch = bin + "/sbatch";
    std::ofstream(sbatch)
        << "#!/bin/sh\nfor word; do script=$word; done\n"
           "for task in 0 1 2; do SLURM_ARRAY_TASK_ID=$task sh \"$script\" > /dev/null || exit 9; done\nexit 5\n";
    std::filesystem::permissions(sbatch, std::filesystem::perms::owner_all);
    const std::string db = folder_.path("s.db");
    const std::vector<std::string> arguments = with(search_.arguments(db), {"--executor", "slurm", "--tasks", "4"});
    const std::string path = "PATH=" + bin + ":" + std::getenv("PATH");
    const Said failed = run_replayctl(arguments, path);
    EXPECT_EQ(failed.status, 1);
    EXPECT_NE(failed.err.find("sbatch ended with status 5"), std::string::npos) << failed.err;
    std::ofstream(sbatch, std::ios::trunc)
        << "#!/bin/sh\nfor word; do script=$word; done\n"
           "for task in 0 1 2 3; do SLURM_ARRAY_TASK_ID=$task sh \"$script\" > /dev/null || exit 9; done\n";
    const Said done = run_replayctl(arguments, path);
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_NE(done.out.find("\"ran\":50"), std::string::npos) << done.out.substr(0, 100);
    const std::string whole = folder_.path("whole.db");
    ASSERT_EQ(searched(whole).status, 0);
    EXPECT_EQ(search_rows(db), search_rows(whole));
}

}  // namespace
}  // namespace replayd::ctl
