#include "daemon/files/profile_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/daemon/files/temporary_file.hpp"
#include "tests/replay/cost/cost_fixture.hpp"

namespace replayd::files {
namespace {

constexpr const char* k_dense = "layer,tokens,time_us\nlayernorm,1,2\n";

class ProfileFolder : public ::testing::Test {
protected:
    /// The folder `name` with a profile in it.
    std::string with_profile(const std::string& name) {
        std::filesystem::create_directories(folder_.path(name));
        (void)folder_.holding(name + "/dense.csv", k_dense);
        return folder_.path(name);
    }

    static Result<std::shared_ptr<const cost::StepProfile>> read(const std::string& path, std::int64_t tensor) {
        ParallelSpec parallel;
        parallel.tensor = tensor;
        const Scenario scenario = cost_test::scenario("Llama-3.1-8B", "H100-SXM", parallel);
        return read_profile_folder(path, scenario.model, scenario.pools.front());
    }

    TemporaryFolder folder_;
};

// The pool's degree says which folder is read, also where the path names one itself.
TEST_F(ProfileFolder, takes_the_degree_of_the_pool) {
    const std::string one = with_profile("tp1");
    const std::string four = with_profile("tp4");
    with_profile("tp4_old");
    EXPECT_EQ(read(folder_.path(""), 4).value()->origin, folder_.path("tp4"));
    EXPECT_EQ(read(four, 4).value()->origin, four);
    EXPECT_EQ(read(folder_.path(""), 2).error().message,
              folder_.path("") + " has no tp2, the pool's tensor parallelism: it has tp1, tp4");
    for (const std::string& path : {one, one + "/"}) {
        EXPECT_EQ(read(path, 4).error().message,
                  path + " was measured with tensor = 1, the pool has tensor = 4: expected a folder tp4");
    }
}

// Names that only begin like a degree are the user's own.
TEST_F(ProfileFolder, reads_a_folder_without_degrees) {
    const std::string path = with_profile("tpu_notes");
    std::filesystem::create_directories(path + "/tp_plots");
    EXPECT_EQ(read(path, 4).value()->origin, path);
}

// Which of the two is meant nobody can say.
TEST_F(ProfileFolder, refuses_a_table_that_is_there_twice) {
    const std::string path = with_profile("perf");
    (void)folder_.holding("perf/dense.csv.gz", "");
    const auto profile = read(path, 1);
    ASSERT_FALSE(profile.has_value());
    EXPECT_EQ(profile.error().message, path + " holds dense.csv more than once, plain or packed: keep one");
}

}  // namespace
}  // namespace replayd::files
