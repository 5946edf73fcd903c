// The stored inputs of every fuzz target, run with the normal compiler: whatever a fuzzer once found stays mended.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/fuzz/targets.hpp"
#include "tests/source_paths.hpp"

namespace replayd::fuzz {
namespace {

std::vector<std::filesystem::path> corpus_of(std::string_view target) {
    std::vector<std::filesystem::path> files;
    const auto folder = std::filesystem::path(REPLAYD_SOURCE_DIR) / "tests/fuzz/corpus" / target;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

class Corpus : public ::testing::TestWithParam<Target> {};

// A broken promise aborts, so the name of the input is printed before it runs.
TEST_P(Corpus, breaks_no_promise) {
    const auto files = corpus_of(GetParam().name);
    EXPECT_GE(files.size(), 3U);
    for (const auto& file : files) {
        SCOPED_TRACE(file.string());
        std::ostringstream bytes;
        bytes << std::ifstream(file, std::ios::binary).rdbuf();
        const std::string input = bytes.str();
        GetParam().run(input);
        // Every beginning of a short input is an input too.
        for (std::size_t size = 0; size < std::min<std::size_t>(input.size(), 256); ++size) {
            GetParam().run(std::string_view(input).substr(0, size));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, ::testing::ValuesIn(k_targets),
                         [](const auto& tested) { return std::string(tested.param.name); });

// What is there to be found is found: a broken promise ends the process.
TEST(CorpusDeathTest, canary_crashes) {
    canary("boo");
    EXPECT_DEATH(canary("boo!"), "broken invariant");
}

}  // namespace
}  // namespace replayd::fuzz
