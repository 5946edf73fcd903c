// The real program in a process of its own: readiness, signals, exit codes.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon_process.hpp"
#include "tests/source_paths.hpp"

namespace replayd::test {
namespace {

class ProcessTest : public testing::Test {
protected:
    ~ProcessTest() override { std::filesystem::remove_all(folder_); }
    const std::string folder_ = make_folder();
};

TEST_F(ProcessTest, tells_systemd_when_it_is_ready_and_when_it_stops_and_exits_with_zero) {
    DaemonProcess daemon(folder_);
    EXPECT_EQ(daemon.ready(), "READY=1\nSTATUS=listening on 127.0.0.1:" + std::to_string(daemon.endpoint().port) +
                                  "; streams 0, runs going on 0 of 0, backlog 0 arrivals");
    EXPECT_EQ(daemon.get_text("/readyz"), "ok\n");
    const int status = daemon.end(SIGTERM);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(daemon.wait_notification("STOPPING=1"), "STOPPING=1\nSTATUS=draining");
}

/// Exit status of a command line, output dropped.
int exit_status(const std::string& command) {
    const int status = std::system((command + " > /dev/null 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Scripts tell a wrong command line (2) from trouble of the system (1).
TEST_F(ProcessTest, exit_codes_tell_wrong_input_from_trouble) {
    const std::string program = REPLAYD_BINARY_DIR "/replayd";
    EXPECT_EQ(exit_status(program + " --version"), 0);
    EXPECT_EQ(exit_status(program + " --frobnicate"), 2);
    EXPECT_EQ(exit_status(program + " --listen 0.0.0.0:0"), 2);
    const std::string start = program + " --listen 127.0.0.1:0 --db " + folder_ + "/h.db";
    for (const char* missing : {" --config /nonexistent", " --catalog /nonexistent", " --scenario-dir /nonexistent",
                                " --token-file /nonexistent", " --port-file /nonexistent/port",
                                " --dashboard /nonexistent", " --searches /nonexistent"}) {
        EXPECT_EQ(exit_status(start + missing), 2) << missing;
    }
    EXPECT_EQ(exit_status(program + " --listen 127.0.0.1:0 --db /nonexistent/h.db"), 2);
    std::ofstream(folder_ + "/foreign.db") << "not ours";
    EXPECT_EQ(exit_status(program + " --listen 127.0.0.1:0 --db " + folder_ + "/foreign.db"), 2);
    EXPECT_EQ(exit_status(program + " --listen 127.0.0.1:0 --db /proc/h.db"), 1);
}

}  // namespace
}  // namespace replayd::test
