// "Every constant in the code or data names its source", as far as a program can tell: a physical constant of the cost
// model stands under or beside a comment that says where it comes from, and every entry of the catalog, every law and
// every table of measurements names its source in its own text.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "replay/catalog/scenario_toml.hpp"
#include "replay/cost/laws/embedded_laws.hpp"
#include "replay/cost/laws/kernel_law.hpp"
#include "tests/source_paths.hpp"

namespace replayd::cost {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> lines_of(std::istream& in) {
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

/// A definition of one number, a time or a table of them. Counts and bounds of algorithms are integers and left out.
const std::regex k_definition(R"(^\s*(?:static |inline )*constexpr )"
                              R"((?:double|Duration|std::array<(?:double|[A-Z]\w*), ?\d+>) (k_\w+)\s*[={].*)");
/// Units and widths of number formats come from nowhere but their definition; `Column` tables name the columns of
/// files.
const std::regex k_by_definition(R"(k_(us|ns|per_us|\w*_per_\w+|bf16_bytes|fp32_bytes|\w*columns|catalog_names))");

/// What a comment says of a constant that has a source. Lower case.
constexpr std::array<std::string_view, 23> k_origins = {
    "measured", "fitted", "published", "planning value", "arxiv",    "data sheet", "report", "white paper",
    "source",   "docs/",  ".csv",      ".hpp",           "chosen",   "deepep",     "deepgemm", "deepseek",
    "vllm",     "vidur",  "aicb",      "accuracy",       "tables",   "format",     "range of the arithmetic"};

bool names_origin(std::string comment) {
    std::transform(comment.begin(), comment.end(), comment.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::any_of(k_origins.begin(), k_origins.end(),
                       [&](std::string_view word) { return comment.find(word) != std::string::npos; });
}

/// The comments of the paragraph that ends with `line`.
std::string comments_above(const std::vector<std::string>& lines, std::size_t line) {
    std::string text;
    for (std::size_t i = line + 1; i-- > 0 && !lines[i].empty();) {
        if (const std::size_t begin = lines[i].find("//"); begin != std::string::npos) {
            text += lines[i].substr(begin) + "\n";
        }
    }
    return text;
}

/// "line: name" of each constant of a source text without one.
std::vector<std::string> without_source(const std::vector<std::string>& lines) {
    std::vector<std::string> found;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        std::smatch match;
        if (!std::regex_match(lines[i], match, k_definition)) continue;
        const std::string name = match[1];
        if (std::regex_match(name, k_by_definition) || names_origin(comments_above(lines, i))) continue;
        found.push_back(std::to_string(i + 1) + ": " + name);
    }
    return found;
}

// The check must be able to fail: a bare number is found, a paragraph's comment counts for all of its lines, units are
// free.
TEST(ConstantSources, a_constant_without_a_source_is_found) {
    std::istringstream text(
        "constexpr double k_bare = 3;\n\n// Fitted on the table.\nconstexpr double k_one = 1;\n"
        "constexpr double k_two = 2;\n\n"
        "constexpr double k_us_per_ns = 1e-3;\ninline constexpr Duration k_wait{5};  ///< some time\n"
        "constexpr double k_share = 0.5;  // data sheet\n");
    EXPECT_EQ(without_source(lines_of(text)), (std::vector<std::string>{"1: k_bare", "8: k_wait"}));
}

TEST(ConstantSources, every_number_of_the_cost_model_says_where_it_comes_from) {
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(REPLAYD_SOURCE_DIR "/replay/cost")) {
        const std::string ending = entry.path().extension().string();
        if (ending != ".cpp" && ending != ".hpp") continue;
        ++files;
        std::ifstream in(entry.path());
        for (const std::string& place : without_source(lines_of(in))) {
            ADD_FAILURE() << entry.path().string() << ":" << place
                          << " names no source in the comment above or beside it";
        }
    }
    EXPECT_GT(files, 80U);
}

TEST(ConstantSources, every_entry_of_the_catalog_names_its_source) {
    const Catalog& catalog = Catalog::built_in();
    for (const std::string& name : catalog.gpu_names()) EXPECT_GE(catalog.gpu(name)->source.size(), 15U) << name;
    for (const std::string& name : catalog.model_names()) EXPECT_GE(catalog.model(name)->source.size(), 15U) << name;
}

// Public laws name repository, commit and licence; our own the tables that lie in this tree.
TEST(ConstantSources, every_law_names_its_tables) {
    for (const EmbeddedLaw& law : embedded_laws()) {
        const std::string source = KernelLaw::from_bytes(law.bytes)->parts().source;
        const bool own = law.name.find(".replayd.") != std::string::npos;
        EXPECT_EQ(source, own ? "fitted on the tables of replay/cost/profile/measurements"
                              : "fitted on public tables of ai-dynamo/aiconfigurator (commit 095f58a5, Apache-2.0)")
            << law.name;
    }
}

// Day, GPU, driver and versions stand before the numbers.
TEST(ConstantSources, every_measured_table_says_on_what_and_when_it_was_taken) {
    std::size_t tables = 0;
    for (const char* folder : {"measurements", "repeats"}) {
        for (const auto& entry :
             fs::recursive_directory_iterator(std::string(REPLAYD_SOURCE_DIR "/replay/cost/profile/") + folder)) {
            if (entry.path().extension() != ".csv") continue;
            ++tables;
            std::ifstream in(entry.path());
            std::string remarks;
            for (const std::string& line : lines_of(in)) {
                if (line.starts_with("#")) remarks += line + "\n";
            }
            for (const char* part : {"# date: 20", "# gpu: NVIDIA ", "# driver: ", "torch "}) {
                EXPECT_NE(remarks.find(part), std::string::npos) << entry.path() << " lacks '" << part << "'";
            }
        }
    }
    EXPECT_GT(tables, 20U);
}

}  // namespace
}  // namespace replayd::cost
