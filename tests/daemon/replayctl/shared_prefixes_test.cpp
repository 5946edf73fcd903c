// Files that say which prompts begin like earlier ones.

#include "daemon/replayctl/shared_prefixes.hpp"

#include "daemon/replayctl/prompts/embedded_prompt_sets.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace replayd::ctl {
namespace {

class SharedPrefixes : public testing::Test {
protected:
    SharedPrefixes() : path_(testing::TempDir() + "prefixes_" + std::to_string(getpid()) + ".csv") {}
    ~SharedPrefixes() override { std::filesystem::remove(path_); }

    Result<std::vector<SharedPrefix>> read(const std::string& rows) {
        std::ofstream(path_) << "request,prompt_tokens,earlier,blocks\n" << rows;
        return read_shared_prefixes(path_);
    }

    const std::string path_;
};

std::vector<Arrival> prompts(std::initializer_list<std::int64_t> tokens) {
    std::vector<Arrival> arrivals;
    for (const std::int64_t count : tokens) arrivals.emplace_back().prompt = Tokens(count);
    return arrivals;
}

// The sets that ship can be read, and prompts of other lengths are not taken for one of them.
TEST(KnownPrompts, are_told_by_the_length_of_every_prompt_that_shares) {
    ASSERT_FALSE(embedded_prompt_sets().empty());
    for (const EmbeddedFile& file : embedded_prompt_sets()) {
        const auto shared = parse_shared_prefixes(std::string(file.path), file.text);
        ASSERT_TRUE(shared) << shared.error().message;
        ASSERT_GE(shared->size(), 20U) << file.path << ": too few to tell it from other prompts";
        std::vector<Arrival> arrivals(300);
        for (const SharedPrefix& each : *shared) {
            arrivals[static_cast<std::size_t>(each.request)].prompt = Tokens(each.prompt_tokens);
        }
        ASSERT_TRUE(known_prompts(arrivals)) << file.path;
        EXPECT_EQ(known_prompts(arrivals)->name + ".csv", file.path);
        arrivals[static_cast<std::size_t>(shared->back().request)].prompt.value += 1;
        EXPECT_FALSE(known_prompts(arrivals)) << file.path;
    }
}

// The third request goes on from the second, which goes on from the first: its first blocks are the first's.
TEST_F(SharedPrefixes, a_later_turn_carries_the_hashes_of_the_turns_before) {
    const auto shared = read("1,64,0,2\n2,100,1,3\n").value();
    auto arrivals = prompts({40, 64, 100});
    ASSERT_TRUE(speaks_of(shared, arrivals));
    share_prefixes(shared, arrivals);
    const auto& first = arrivals[0].prefix_hashes;
    const auto& second = arrivals[1].prefix_hashes;
    const auto& third = arrivals[2].prefix_hashes;
    ASSERT_EQ(first.size(), 2U);
    ASSERT_EQ(second.size(), 4U);
    ASSERT_EQ(third.size(), 6U);
    EXPECT_EQ(second[1], first[1]);
    EXPECT_EQ(third[1], first[1]);
    EXPECT_EQ(third[2], second[2]);
    EXPECT_NE(third[3], second[3]);
    EXPECT_EQ(arrivals[2].prefix_block.value, 16);
}

TEST_F(SharedPrefixes, speak_of_runs_with_these_prompts_only) {
    const auto shared = read("1,64,0,2\n").value();
    EXPECT_TRUE(speaks_of(shared, prompts({5, 64})));
    EXPECT_FALSE(speaks_of(shared, prompts({5, 65})));
    EXPECT_FALSE(speaks_of(shared, prompts({5})));
}

TEST_F(SharedPrefixes, wrong_rows_are_refused) {
    EXPECT_EQ(read("1,64,1,2\n").error().message, path_ + ": request 1: earlier is 1: expected a request before it");
    EXPECT_EQ(read("1,64,0,5\n").error().message,
              path_ + ": request 1: blocks is 5: expected at most those of its 64 prompt tokens, 4");
    EXPECT_NE(read("1,64,0,x\n").error().message.find("\"x\""), std::string::npos);
    EXPECT_EQ(read_shared_prefixes(path_ + ".not").error().code, Code::not_found);
}

}  // namespace
}  // namespace replayd::ctl
