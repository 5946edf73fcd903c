// The real program in a process of its own: systemd's protocol, signals, exit codes, and the unit file.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness.hpp"
#include "tests/source_paths.hpp"

namespace replayd::test {
namespace {

/// Stands for systemd: the socket that READY=1 and STOPPING=1 come to.
class NotifySocket {
public:
    explicit NotifySocket(const std::string& path) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        unlink(path.c_str());
        if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("cannot bind " + path);
        }
        const timeval patience{k_patience.count(), 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    ~NotifySocket() { close(fd_); }

    /// The next message; empty when none comes.
    std::string receive() const {
        char text[512];
        const ssize_t size = recv(fd_, text, sizeof text, 0);
        return size < 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
    }

private:
    int fd_;
};

/// build/<preset>/replayd on a history in a folder that outlives the process.
class DaemonProcess final : public DaemonClient {
public:
    explicit DaemonProcess(const std::string& folder) : folder_(folder), notify_(folder + "/notify") {
        const std::string port_file = folder_ + "/port";
        std::filesystem::remove(port_file);
        pid_ = fork();
        if (pid_ == 0) run(port_file);
        // READY=1 comes once the listener is bound and the port file written.
        ready_ = notify_.receive();
        std::ifstream(port_file) >> port_;
    }
    ~DaemonProcess() override {
        if (pid_ > 0) (void)end(SIGKILL);
    }

    [[nodiscard]] net::Endpoint endpoint() const override { return {"127.0.0.1", port_}; }
    [[nodiscard]] const std::string& ready() const { return ready_; }
    [[nodiscard]] std::string next_notification() const { return notify_.receive(); }

    /// Sends the signal and waits for the end; the status of waitpid.
    int end(int signal_number) {
        int status = 0;
        kill(pid_, signal_number);
        waitpid(pid_, &status, 0);
        pid_ = -1;
        return status;
    }

private:
    [[noreturn]] void run(const std::string& port_file) const {
        setenv("NOTIFY_SOCKET", (folder_ + "/notify").c_str(), 1);
        const std::string program = REPLAYD_BINARY_DIR "/replayd";
        const std::string history = folder_ + "/history.db";
        execl(program.c_str(), program.c_str(), "--listen", "127.0.0.1:0", "--db", history.c_str(), "--port-file",
              port_file.c_str(), "--log-level", "error", nullptr);
        _exit(127);
    }

    const std::string folder_;
    NotifySocket notify_;
    std::string ready_;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

class ProcessTest : public testing::Test {
protected:
    ~ProcessTest() override { std::filesystem::remove_all(folder_); }
    const std::string folder_ = make_folder();
};

TEST_F(ProcessTest, tells_systemd_when_it_is_ready_and_when_it_stops_and_exits_with_zero) {
    DaemonProcess daemon(folder_);
    EXPECT_EQ(daemon.ready(), "READY=1\nSTATUS=listening on 127.0.0.1:" + std::to_string(daemon.endpoint().port));
    EXPECT_EQ(daemon.get_text("/readyz"), "ok\n");
    const int status = daemon.end(SIGTERM);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(daemon.next_notification(), "STOPPING=1\nSTATUS=draining");
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
    EXPECT_EQ(exit_status(program + " --listen 127.0.0.1:0 --db /nonexistent/h.db"), 1);
}

// systemd's own checks of the unit, with the program that was built in place of the installed one.
TEST_F(ProcessTest, the_unit_file_is_valid_and_hardened) {
    if (exit_status("command -v systemd-analyze") != 0) GTEST_SKIP() << "systemd-analyze is not installed";
    std::ifstream file(REPLAYD_SOURCE_DIR "/systemd/replayd.service");
    std::stringstream text;
    text << file.rdbuf();
    std::string unit = text.str();
    const std::size_t at = unit.find("/usr/bin/replayd");
    ASSERT_NE(at, std::string::npos);
    unit.replace(at, std::strlen("/usr/bin/replayd"), REPLAYD_BINARY_DIR "/replayd");
    std::ofstream(folder_ + "/replayd.service") << unit;
    EXPECT_EQ(exit_status("systemd-analyze verify " + folder_ + "/replayd.service"), 0);
    EXPECT_EQ(exit_status("systemd-analyze security --offline=true --threshold=15 " + folder_ + "/replayd.service"), 0);
}

}  // namespace
}  // namespace replayd::test
