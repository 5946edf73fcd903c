// Scenarios of the daemon that are priced by a profile: where the daemon looks for it, and what it refuses.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "daemon/app/scenarios.hpp"
#include "tests/daemon/files/temporary_file.hpp"

namespace replayd::app {
namespace {

std::string scenario(const std::string& name, const std::string& profile) {
    return "name = \"" + name +
           "\"\nmodel = \"Llama-3.1-8B\"\ngpu = \"H100-SXM\"\n[[pool]]\nname = \"mixed\"\nrole = \"mixed\"\n"
           "[cost]\nsource = \"profile\"\nprofile = \"" +
           profile + "\"\n";
}

class ProfileScenarios : public ::testing::Test {
protected:
    ProfileScenarios() {
        std::filesystem::create_directories(folder_.path("scenarios/perf/tp1"));
        (void)folder_.holding("scenarios/perf/tp1/dense.csv",
                              "layer,tokens,time_us\nlayernorm,1,2\nlayernorm,8192,90\n");
    }
    std::string message(const config::DaemonConfig& config) const {
        const auto library = load_scenarios(config);
        return library ? "" : library.error().message;
    }
    files::TemporaryFolder folder_;
};

// From a scenario folder, from the folder of a single file, and for a text that is posted later: all the same.
TEST_F(ProfileScenarios, take_their_profile_from_the_scenario_folders) {
    const std::string file = folder_.holding("scenarios/a.toml", scenario("a", "perf"));
    config::DaemonConfig by_folder;
    by_folder.scenario_dirs = {folder_.path("scenarios")};
    config::DaemonConfig by_file;
    by_file.scenario_files = {file};
    for (const config::DaemonConfig& config : {by_folder, by_file}) {
        const auto library = load_scenarios(config);
        ASSERT_TRUE(library) << library.error().message;
        const auto found = (*library)->find("a");
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_NE((*found)->scenario().pools.front().profile, nullptr);
        const auto posted = (*library)->add(scenario("b", "perf/tp1"), "request", false);
        ASSERT_TRUE(posted) << posted.error().message;
        EXPECT_NE((*posted)->scenario().pools.front().profile, nullptr);
    }
}

TEST_F(ProfileScenarios, refuse_paths_that_lead_elsewhere_by_name) {
    const struct {
        const char* path;
        std::string reason;
    } cases[] = {
        {"/etc", "expected a path below the daemon's scenario folders, without \"..\""},
        {"../scenarios/perf", "expected a path below the daemon's scenario folders, without \"..\""},
        {"perf/../../x", "expected a path below the daemon's scenario folders, without \"..\""},
        {"prof", "no such folder in the daemon's scenario folders " + folder_.path("scenarios")},
    };
    for (const auto& wrong : cases) {
        const std::string file = folder_.holding("scenarios/a.toml", scenario("a", wrong.path));
        config::DaemonConfig config;
        config.scenario_dirs = {folder_.path("scenarios")};
        EXPECT_EQ(message(config), file + ":9: cost.profile = \"" + wrong.path + "\": " + wrong.reason);
    }
}

// Without any scenario folder a posted text is told what to do.
TEST_F(ProfileScenarios, need_a_scenario_folder) {
    const auto library = load_scenarios(config::DaemonConfig{});
    ASSERT_TRUE(library);
    const auto posted = (*library)->add(scenario("b", "perf"), "request", false);
    ASSERT_FALSE(posted);
    EXPECT_EQ(posted.error().message,
              "request:9: cost.profile = \"perf\": the daemon has no scenario folder to look in; name one "
              "with --scenario-dir");
}

}  // namespace
}  // namespace replayd::app
