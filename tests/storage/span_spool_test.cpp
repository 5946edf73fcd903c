// The spool of spans: once each, by time, there after a restart.

#include "storage/span_spool.hpp"

#include <gtest/gtest.h>

#include "sample.hpp"

namespace replayd::storage {
namespace {

SpooledSpan span(const std::string& stream, const std::string& key, std::int64_t at) {
    return {stream, key, VirtualTime(at), "payload of " + key};
}

std::string keys(Result<std::vector<SpooledSpan>> spans) {
    std::string text;
    for (const SpooledSpan& one : must(std::move(spans))) text += one.key + " ";
    return text;
}

TEST(SpanSpool, gives_back_by_time_what_came_in_any_order_and_once) {
    const TempDir folder;
    auto spool = must(SpanSpool::open(folder.file(), Durability::normal));
    EXPECT_EQ(must(spool.add({span("s", "c", 30), span("s", "a", 10), span("s", "b", 20), span("t", "x", 5)})), 4);
    EXPECT_EQ(must(spool.add({span("s", "b", 20), span("s", "d", 20)})), 1);
    EXPECT_EQ(keys(spool.between("s", VirtualTime(0), VirtualTime(100), 10)), "a b d c ");
    EXPECT_EQ(keys(spool.between("s", VirtualTime(20), VirtualTime(30), 10)), "b d ");
    EXPECT_EQ(keys(spool.between("s", VirtualTime(0), VirtualTime(100), 2)), "a b ");
}

TEST(SpanSpool, forgets_what_is_elsewhere_and_keeps_the_rest_over_a_restart) {
    const TempDir folder;
    {
        auto spool = must(SpanSpool::open(folder.file(), Durability::full));
        EXPECT_EQ(must(spool.add({span("s", "a", 10), span("s", "b", 20), span("t", "x", 5)})), 3);
        EXPECT_EQ(must(spool.remove_before("s", VirtualTime(20))), 1);
    }
    auto spool = must(SpanSpool::open(folder.file(), Durability::full));
    const auto streams = must(spool.streams());
    ASSERT_EQ(streams.size(), 2U);
    EXPECT_EQ(streams[0].stream, "s");
    EXPECT_EQ(streams[0].spans, 1);
    EXPECT_EQ(streams[0].latest, VirtualTime(20));
    EXPECT_EQ(must(spool.between("t", VirtualTime(0), VirtualTime(9), 1)).front().payload, "payload of x");
}

// A history put in the spool's place stays as it is.
TEST(SpanSpool, another_file_is_refused_and_untouched) {
    const TempDir folder;
    HistoryOptions options;
    options.path = folder.file();
    must(History::open(options)).reset();
    const std::string before = bytes_of(folder.file());
    const auto opened = SpanSpool::open(folder.file(), Durability::normal);
    EXPECT_EQ(error_of(opened),
              folder.file() +
                  " is another kind of SQLite file: expected none there, or the spans that replayd keeps "
                  "beside its history; move it away");
    EXPECT_EQ(bytes_of(folder.file()), before);
}

}  // namespace
}  // namespace replayd::storage
