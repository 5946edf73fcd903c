// What a configuration names and is not there stops the start with one sentence; what is there does not.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "daemon/app/config_checks.hpp"
#include "harness.hpp"
#include "tests/source_paths.hpp"

namespace replayd::test {
namespace {

constexpr const char* k_mend_page =
    ": expected the page as it is built, such as build/release/dashboard or /usr/share/replayd/dashboard (`./dev "
    "build` makes the first, the package brings the second)";

class ConfigChecks : public testing::Test {
protected:
    ConfigChecks() {
        config_.listen_port = 0;
        config_.history_path = folder_ + "/history.db";
    }
    ~ConfigChecks() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ + "/" + name) << text; }
    /// Why the daemon does not start.
    [[nodiscard]] Error refusal() const {
        const auto started = app::App::start(config_);
        return started ? Error{Code::internal, "it started"} : started.error();
    }

    const std::string folder_ = make_folder();
    config::DaemonConfig config_;
};

TEST_F(ConfigChecks, a_page_that_is_not_there_stops_the_start) {
    config_.dashboard_dir = folder_ + "/none";
    EXPECT_EQ(refusal().message,
              "dashboard.dir (--dashboard) is \"" + folder_ + "/none\": no such folder" + k_mend_page);
    EXPECT_EQ(refusal().code, Code::not_found);
    write("file", "");
    config_.dashboard_dir = folder_ + "/file";
    EXPECT_EQ(refusal().message, "dashboard.dir (--dashboard) is \"" + folder_ + "/file\": no folder" + k_mend_page);
    EXPECT_EQ(refusal().code, Code::invalid_argument);
    config_.dashboard_dir = folder_;
    EXPECT_EQ(refusal().message,
              "dashboard.dir (--dashboard) is \"" + folder_ + "\": it has no index.html" + k_mend_page);
}

// The source folder has everything but what npm brings; served, it is a blank page.
TEST_F(ConfigChecks, the_source_folder_of_the_page_is_told_from_the_built_page) {
    config_.dashboard_dir = REPLAYD_SOURCE_DIR "/dashboard";
    EXPECT_EQ(refusal().message,
              "dashboard.dir (--dashboard) is \"" + config_.dashboard_dir +
                  "\": its index.html loads vendor/inter-latin-wght-normal.woff2, which is not there" + k_mend_page);
    std::filesystem::copy(REPLAYD_SOURCE_DIR "/dashboard/index.html", folder_ + "/index.html");
    config_.dashboard_dir = folder_;
    EXPECT_NE(refusal().message.find("its index.html loads icon.svg, which is not there"), std::string::npos);
}

// Links between pages, and what lies on other servers or at other paths of ours, are none of the page's files.
TEST_F(ConfigChecks, a_page_of_ones_own_needs_what_it_loads_and_no_more) {
    write("index.html",
          "<a href=\"nowhere.html\">x</a><script>let a = 1 < 2;</script><link rel=\"icon\" href=\"https://host/i.svg\">"
          "<script src=\"/metrics\"></script><link rel=\"stylesheet\" href=\"own.css\">");
    config_.dashboard_dir = folder_;
    EXPECT_NE(refusal().message.find("its index.html loads own.css, which is not there"), std::string::npos);
    write("own.css", "");
    EXPECT_TRUE(app::check_folders(config_));
    EXPECT_TRUE(app::App::start(config_));
}

TEST_F(ConfigChecks, folders_of_searches_have_to_be_folders) {
    const std::string mend =
        ": expected a folder that `replayctl search --db FOLDER/NAME.db` writes to; make it, or name another";
    config_.search_dirs = {folder_, folder_ + "/none"};
    EXPECT_EQ(refusal().message, "searches.dirs (--searches) is \"" + folder_ + "/none\": no such folder" + mend);
    write("file", "");
    config_.search_dirs = {folder_ + "/file"};
    EXPECT_EQ(refusal().message, "searches.dirs (--searches) is \"" + folder_ + "/file\": no folder" + mend);
    config_.search_dirs = {folder_};
    EXPECT_TRUE(app::App::start(config_));
}

TEST_F(ConfigChecks, scenarios_of_spans_have_to_be_there) {
    config_.scenario_files = {folder_ + "/mixed.toml"};
    write("mixed.toml", k_mixed_toml);
    config_.otlp.scenarios = {"test-mixed", "test-mixd"};
    const Error refused = refusal();
    EXPECT_EQ(refused.code, Code::not_found);
    EXPECT_TRUE(refused.message.starts_with(
        "otlp.scenarios names \"test-mixd\", and there is no such scenario: expected \"test-mixed\", or another of the "
        "built-in ones and those of scenarios.dirs and scenarios.files, deepseek-"))
        << refused.message;
    EXPECT_NE(refused.message.find(", test-mixed"), std::string::npos) << "the user's own are listed too";
    config_.otlp.scenarios = {"test-mixed", "test-mixed"};
    EXPECT_EQ(refusal().message,
              "otlp.scenarios names \"test-mixed\" twice: expected each scenario once");
    config_.otlp.scenarios = {"test-mixed"};
    EXPECT_TRUE(app::App::start(config_));
}

TEST_F(ConfigChecks, what_streams_of_spans_are_created_with_has_to_make_sense) {
    config_.otlp.speed = -1;
    EXPECT_EQ(refusal().message,
              "otlp.speed is -1.000000: expected 0 (as fast as possible) or a positive factor of real time");
    config_.otlp.speed = 0;
    config_.otlp.request_rows = "some";
    EXPECT_EQ(refusal().message,
              "otlp.request_rows is \"some\": expected all, none, objective_breaks, or sampled:SHARE with a share "
              "above 0 and below 1, such as sampled:0.01");
    config_.otlp.request_rows.clear();
    config_.otlp.stream = "a b";
    EXPECT_EQ(refusal().message,
              "otlp.stream is \"a b\": expected 1 to 128 characters of A-Z a-z 0-9 . _ -");
}

// A stream that the history knows is left as it is, also when a scenario of it was posted and is in no file.
TEST_F(ConfigChecks, a_stream_that_exists_needs_no_scenarios) {
    TestDaemon daemon;
    ASSERT_EQ(daemon.post("/api/v1/streams", R"({"name":"t","scenarios":["test-mixed"]})").status, 201U);
    daemon.stop();
    config_.history_path = daemon.config().history_path;
    config_.streams = {{"u", {"test-mixed"}, 0, {}}};
    const std::string told = "stream.scenarios of stream \"u\" names \"test-mixed\", and there is no such scenario";
    EXPECT_TRUE(refusal().message.starts_with(told)) << refusal().message;
    config_.streams = {{"t", {"test-mixed"}, 0, {}}};
    EXPECT_TRUE(app::App::start(config_));
}

}  // namespace
}  // namespace replayd::test
