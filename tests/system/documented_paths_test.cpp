// The documents name files and folders of this tree; each of them must be there, so that a rename is followed in prose.

#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "tests/source_paths.hpp"
#include "tests/system/source_tree.hpp"

namespace replayd::testing {
namespace {

namespace fs = std::filesystem;

/// In `text`: what stands in backticks and begins with a folder of the top, and the targets of links to no other site.
std::vector<std::string> paths_named_in(const std::string& text) {
    static const std::regex named(
        R"(`((?:replay|storage|daemon|dashboard|proto|tests|systemd)/[\w./-]*)`|\]\((?!\w+:)([\w./-]+)[#)])");
    std::vector<std::string> paths;
    for (std::sregex_iterator match(text.begin(), text.end(), named), end; match != end; ++match) {
        paths.push_back((*match)[1].matched ? (*match)[1] : (*match)[2]);
    }
    return paths;
}

/// A document in `folder` may name a path from the root or from where it stands.
bool is_there(const std::string& path, const fs::path& folder) {
    return fs::exists(fs::path(REPLAYD_SOURCE_DIR) / path) || fs::exists(REPLAYD_SOURCE_DIR / folder / path);
}

TEST(DocumentedPaths, each_path_of_a_document_exists) {
    std::size_t checked = 0;
    for (const std::string& document : files_of_tree({".md"})) {
        for (const std::string& path : paths_named_in(text_of(document))) {
            EXPECT_TRUE(is_there(path, fs::path(document).parent_path()))
                << document << " names `" << path << "`: expected a file or folder of this tree; name the one that is";
            ++checked;
        }
    }
    EXPECT_GT(checked, 50U);
}

// A pattern that finds nothing would let every document pass.
TEST(DocumentedPaths, paths_are_found_in_backticks_and_links_only) {
    const std::vector<std::string> expected = {"replay/sim/", "storage/README.md", "tests/no_such.cpp", "api.md"};
    EXPECT_EQ(paths_named_in("`replay/sim/` and `storage/README.md`; `replay_x`, replay/cost/, `tests/no_such.cpp`, "
                             "[a page](api.md#streams), [a site](https://example.com/a.md), `ls replay/sim`"),
              expected);
    EXPECT_FALSE(is_there("tests/no_such.cpp", ""));
    EXPECT_TRUE(is_there("api.md", "daemon"));
}

}  // namespace
}  // namespace replayd::testing
