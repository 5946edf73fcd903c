#include "daemon/replayctl/text_table.hpp"

#include <gtest/gtest.h>

namespace replayd::ctl {
namespace {

// Numbers end, and texts begin, in one column; "µ" is one character wide though it has two bytes.
TEST(TextTable, aligns_columns_by_characters) {
    TextTable table({{"what"}, {"time", Align::right}, {"note"}});
    table.add_row({"a", "1.5 µs", "x"});
    table.add_row({"longer", "45.6 ms", ""});
    EXPECT_EQ(table.render(),
              "what       time  note\n"
              "─────────────────────\n"
              "a        1.5 µs  x\n"
              "longer  45.6 ms\n");
}

TEST(TextTable, leaves_out_empty_titles) {
    TextTable table({{""}, {"", Align::right}});
    table.add_row({"a", "1"});
    table.add_rule();
    table.add_row({"b", "22"});
    EXPECT_EQ(table.render(), "a   1\n─────\nb  22\n");
}

TEST(TextTable, counts_characters_not_bytes) { EXPECT_EQ(text_width("µ≤█"), 3u); }

}  // namespace
}  // namespace replayd::ctl
