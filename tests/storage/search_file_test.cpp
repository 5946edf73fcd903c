// Files of searches, read while they are written and refused when they are something else.

#include <gtest/gtest.h>

#include "storage/search_file.hpp"
#include "storage/search_store.hpp"
#include "tests/daemon/files/temporary_file.hpp"

namespace replayd::storage {
namespace {

const SearchFacts k_facts{"id-1", "0.1.0", "base = \"x\"", "name = \"x\"", "trace.jsonl", 600};

search::Measured measured(std::int64_t gpus) {
    search::Measured out;
    out.possible = gpus > 0;
    out.reason = gpus > 0 ? "" : "does not fit";
    out.gpus = gpus;
    out.price_per_hour = 2.5 * static_cast<double>(gpus);
    out.ttft_p99 = Duration(12);
    out.span = Duration(99);
    out.hash = "abc";
    return out;
}

TEST(SearchFile, shows_what_a_search_has_found_so_far) {
    const files::TemporaryFolder folder;
    const std::string path = folder.path("s.db");
    auto store = SearchStore::open(path, k_facts);
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_TRUE(is_search_file(path));
    auto file = SearchFile::open(path);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(store->add({0, 600}, "a=1", measured(8)));
    ASSERT_TRUE(store->add({1, 600}, "a=2", measured(0)));
    const auto searches = (*file)->searches();
    ASSERT_TRUE(searches) << searches.error().message;
    ASSERT_EQ(searches->size(), 1U);
    EXPECT_EQ(searches->front().facts.trace, "trace.jsonl");
    EXPECT_EQ(searches->front().facts.arrivals, 600);
    EXPECT_EQ(searches->front().trials, 2);
    EXPECT_EQ(searches->front().possible, 1);
    const auto outcomes = (*file)->outcomes("id-1");
    ASSERT_TRUE(outcomes);
    EXPECT_EQ(outcomes->at({0, 600}), measured(8));
    EXPECT_EQ(outcomes->at({1, 600}), measured(0));
    EXPECT_EQ((*file)->facts("id-2").error().message, "no search \"id-2\" in " + path);
}

TEST(SearchFile, answers_select_statements_and_nothing_else) {
    const files::TemporaryFolder folder;
    const std::string path = folder.path("s.db");
    auto store = SearchStore::open(path, k_facts);
    ASSERT_TRUE(store);
    ASSERT_TRUE(store->add({0, 600}, "a=1", measured(8)));
    auto file = SearchFile::open(path);
    ASSERT_TRUE(file);
    const auto table = (*file)->query("SELECT settings, gpus FROM trial");
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_EQ(table->rows, (std::vector<std::vector<Cell>>{{std::string("a=1"), std::int64_t{8}}}));
    const auto refused = (*file)->query("DELETE FROM trial");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::invalid_argument) << refused.error().message;
    EXPECT_EQ((*file)->outcomes("id-1")->size(), 1U);
}

TEST(SearchFile, a_file_of_another_kind_is_refused) {
    const files::TemporaryFolder folder;
    const std::string other = folder.path("other.db");
    ASSERT_TRUE(Connection::open(other, Access::read_write_create)->execute("CREATE TABLE t (a INTEGER)"));
    EXPECT_FALSE(is_search_file(other));
    EXPECT_FALSE(is_search_file(folder.holding("text", "hello")));
    EXPECT_EQ(
        SearchFile::open(other).error().message,
        '"' + other + "\" is a database of another kind: expected a file that replayctl search made, or a new name");
    EXPECT_EQ(SearchFile::open(folder.path("none")).error().message,
              folder.path("none") + ": expected a file that replayctl search --db wrote");
}

}  // namespace
}  // namespace replayd::storage
