// Sources are read beside each other: no line is longer than 120 columns, where .clang-format breaks C++. Held are the
// texts that people edit. Not held: documents, which readers wrap; migrations of the schema, which never change once
// they have run; measured and generated data.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/system/source_tree.hpp"

namespace replayd::testing {
namespace {

constexpr std::size_t k_columns_max = 120;  // ColumnLimit of .clang-format

/// Characters of UTF-8 text: its bytes but for those that continue one.
std::size_t columns_of(std::string_view line) {
    return static_cast<std::size_t>(
        std::count_if(line.begin(), line.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

/// The description of a scenario, which lists show as one line and which therefore is one.
bool is_description(std::string_view line) { return line.starts_with("description = \""); }

/// Numbers of the lines of `text` that are too long, from 1.
std::vector<std::size_t> long_lines(std::string_view text) {
    std::vector<std::size_t> found;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        if (columns_of(line) > k_columns_max && !is_description(line)) found.push_back(number);
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return found;
}

// A hundred files at least must have been read, or the test looks at the wrong place.
TEST(LineLength, no_line_of_a_source_is_longer_than_120_columns) {
    const std::vector<std::string> files =
        files_of_tree({".cpp", ".hpp", ".h", ".in", ".js", ".mjs", ".css", ".py", ".cu", ".toml", ".proto", ".cmake",
                       "CMakeLists.txt", "dev"});
    ASSERT_GT(files.size(), 100U);
    for (const std::string& file : files) {
        for (const std::size_t line : long_lines(text_of(file))) {
            ADD_FAILURE() << file << ":" << line << ": longer than " << k_columns_max << " columns; break it";
        }
    }
}

// A rule that finds nothing would let every line pass.
TEST(LineLength, columns_are_characters_and_each_line_counts) {
    const std::string full(120, 'x');
    EXPECT_TRUE(long_lines("").empty());
    EXPECT_TRUE(long_lines(full + "\n\n" + full).empty());
    EXPECT_EQ(long_lines("a\n" + full + "y\n" + full + "\n" + full + "z"), (std::vector<std::size_t>{2, 4}));
    EXPECT_TRUE(long_lines(std::string(119, 'x') + "\u00d7").empty());
    EXPECT_EQ(long_lines(full + "\u00d7"), std::vector<std::size_t>{1});
    EXPECT_TRUE(long_lines("description = \"" + full + "\"").empty());
}

}  // namespace
}  // namespace replayd::testing
