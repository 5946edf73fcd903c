// What an installation consists of, checked by the tools that will read it: systemd-analyze, systemd-sysusers, man, sh.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/config/config.hpp"
#include "harness.hpp"
#include "tests/source_paths.hpp"

namespace replayd::test {
namespace {

namespace fs = std::filesystem;

const std::string k_systemd = REPLAYD_SOURCE_DIR "/systemd";

struct Ran {
    int status = -1;
    std::string output;
};

/// A shell command with both outputs.
Ran shell(const std::string& command) {
    Ran ran;
    FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    std::array<char, 4096> chunk{};
    while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe)) {
        ran.output.append(chunk.data(), got);
    }
    const int status = pclose(pipe);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
}

bool has(const std::string& tool) { return shell("command -v " + tool).status == 0; }

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

class InstallationTest : public testing::Test {
protected:
    ~InstallationTest() override { fs::remove_all(folder_); }
    const std::string folder_ = make_folder();
};

// With the built program in place of the installed one, and the man pages where the unit says they are.
TEST_F(InstallationTest, the_units_are_valid) {
    if (!has("systemd-analyze") || !has("man")) GTEST_SKIP() << "systemd-analyze or man is not installed";
    std::string unit = text_of(k_systemd + "/replayd.service");
    const std::size_t at = unit.find("/usr/bin/replayd");
    ASSERT_NE(at, std::string::npos);
    unit.replace(at, std::strlen("/usr/bin/replayd"), REPLAYD_BINARY_DIR "/replayd");
    std::ofstream(folder_ + "/replayd.service") << unit;
    fs::copy(k_systemd + "/replayd.socket", folder_);
    for (const char* section : {"man8", "man1"}) fs::create_directories(folder_ + "/man/" + section);
    fs::copy(k_systemd + "/replayd.8", folder_ + "/man/man8");
    fs::copy(k_systemd + "/replayctl.1", folder_ + "/man/man1");
    const Ran ran = shell("MANPATH=" + folder_ + "/man systemd-analyze verify " + folder_ + "/replayd.service " +
                          folder_ + "/replayd.socket");
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_EQ(ran.output, "");
}

TEST_F(InstallationTest, the_service_is_hardened_to_a_score_of_at_most_1_5) {
    if (!has("systemd-analyze")) GTEST_SKIP() << "systemd-analyze is not installed";
    const Ran ran = shell("systemd-analyze security --offline=true --threshold=15 " + k_systemd + "/replayd.service");
    EXPECT_EQ(ran.status, 0) << ran.output;
    const std::size_t line = ran.output.find("Overall exposure level");
    ASSERT_NE(line, std::string::npos) << ran.output;
    std::printf("%s", ran.output.substr(line).c_str());
}

// The daemon itself ends a drain before systemd would.
TEST_F(InstallationTest, the_unit_stops_later_than_the_daemon_does_by_itself) {
    const std::string unit = text_of(k_systemd + "/replayd.service");
    const std::size_t at = unit.find("TimeoutStopSec=");
    ASSERT_NE(at, std::string::npos);
    EXPECT_GT(std::atoi(unit.c_str() + at + std::strlen("TimeoutStopSec=")), config::DaemonConfig{}.drain_max.count());
}

TEST_F(InstallationTest, the_configuration_is_one_that_the_daemon_takes) {
    const auto parsed = config::parse_config(text_of(k_systemd + "/replayd.toml"), "replayd.toml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_TRUE(config::check_config(*parsed));
}

TEST_F(InstallationTest, the_user_and_the_folders_are_made_in_an_empty_root) {
    if (!has("systemd-sysusers") || !has("systemd-tmpfiles")) GTEST_SKIP() << "systemd's tools are not installed";
    if (geteuid() != 0) GTEST_SKIP() << "only root makes users, even in another root folder";
    const std::string root = folder_ + "/root";
    fs::create_directories(root + "/etc");
    const Ran users = shell("systemd-sysusers --root=" + root + " - < " + k_systemd + "/replayd.sysusers");
    EXPECT_EQ(users.status, 0) << users.output;
    EXPECT_NE(text_of(root + "/etc/passwd").find("replayd:x:"), std::string::npos);
    EXPECT_NE(text_of(root + "/etc/passwd").find(":/var/lib/replayd:"), std::string::npos);
    fs::create_directories(root + "/usr/lib/tmpfiles.d");
    fs::copy(k_systemd + "/replayd.tmpfiles", root + "/usr/lib/tmpfiles.d/replayd.conf");
    std::ofstream(root + "/etc/passwd", std::ios::app) << "root:x:0:0::/root:/bin/sh\n";
    std::ofstream(root + "/etc/group", std::ios::app) << "root:x:0:\n";
    const Ran folders = shell("systemd-tmpfiles --create --root=" + root + " replayd.conf");
    EXPECT_EQ(folders.status, 0) << folders.output;
    EXPECT_EQ(fs::status(root + "/etc/replayd/tokens").permissions(), fs::perms::owner_all);
    EXPECT_TRUE(fs::is_directory(root + "/etc/replayd/scenarios"));
}

TEST_F(InstallationTest, the_man_pages_format_without_a_warning_and_name_every_flag) {
    if (!has("man")) GTEST_SKIP() << "man is not installed";
    for (const char* page : {"replayd.8", "replayctl.1"}) {
        const Ran ran = shell("LC_ALL=C.UTF-8 MANROFFSEQ= MANWIDTH=100 man --warnings -E UTF-8 -l -Tutf8 -Z " +
                              k_systemd + "/" + page + " 2>&1 >/dev/null");
        EXPECT_EQ(ran.status, 0) << ran.output;
        EXPECT_EQ(ran.output, "") << page;
    }
    std::string manual = text_of(k_systemd + "/replayd.8");
    for (std::size_t at = 0; (at = manual.find("\\-", at)) != std::string::npos;) manual.replace(at, 2, "-");
    std::stringstream help(shell(REPLAYD_BINARY_DIR "/replayd --help").output);
    std::size_t flags = 0;
    for (std::string word; help >> word;) {
        const std::size_t dashes = word.find("--");
        if (dashes == std::string::npos || word == "--listen") continue;
        const std::string flag = word.substr(dashes, word.find_last_not_of(",;:)") - dashes + 1);
        EXPECT_NE(manual.find(flag), std::string::npos) << flag;
        ++flags;
    }
    EXPECT_GE(flags, 10U);
}

TEST_F(InstallationTest, the_package_scripts_are_sound_shell) {
    for (const char* script : {"postinst", "prerm", "postrm"}) {
        const std::string path = k_systemd + "/debian/" + script;
        EXPECT_EQ(shell("sh -n " + path).output, "");
        if (has("shellcheck")) {
            EXPECT_EQ(shell("shellcheck " + path).output, "");
        }
        EXPECT_NE(fs::status(path).permissions() & fs::perms::owner_exec, fs::perms::none) << path;
    }
}

}  // namespace
}  // namespace replayd::test
