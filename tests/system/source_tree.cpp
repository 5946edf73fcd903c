#include "tests/system/source_tree.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/source_paths.hpp"

namespace replayd::testing {
namespace {

namespace fs = std::filesystem;

const fs::path k_root = REPLAYD_SOURCE_DIR;

bool is_foreign(const fs::path& folder) {
    const std::string name = folder.filename().string();
    return name.starts_with('.') || name == "build" || name == "node_modules" || name == "__pycache__";
}

}  // namespace

std::vector<std::string> files_of_tree(std::initializer_list<std::string_view> endings) {
    std::vector<std::string> files;
    for (fs::recursive_directory_iterator entry(k_root), end; entry != end; ++entry) {
        if (entry->is_directory()) {
            if (is_foreign(entry->path())) entry.disable_recursion_pending();
            continue;
        }
        const std::string file = fs::relative(entry->path(), k_root).string();
        if (std::any_of(endings.begin(), endings.end(),
                        [&](std::string_view wanted) { return file.ends_with(wanted); })) {
            files.push_back(file);
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::string text_of(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(k_root / file, std::ios::binary).rdbuf();
    return text.str();
}

}  // namespace replayd::testing
