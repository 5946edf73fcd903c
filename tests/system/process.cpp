#include "tests/system/process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace replayd::testing {
namespace {

namespace fs = std::filesystem;

/// In the child: takes its place, or ends with 127 as shells do.
[[noreturn]] void become(const std::vector<char*>& argv, const std::string& output, int input) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGPIPE, SIG_DFL);
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    const int out = open(output.c_str(), flags, 0600);
    const int err = open((output + ".err").c_str(), flags, 0600);
    const int in = input >= 0 ? input : open("/dev/null", O_RDONLY);
    if (out < 0 || err < 0 || in < 0) _exit(127);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    closefrom(STDERR_FILENO + 1);
    execvp(argv[0], argv.data());
    _exit(127);
}

std::vector<char*> pointers(const std::vector<std::string>& arguments) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    return argv;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
    std::string pattern = (fs::temp_directory_path() / "replayd-system-XXXXXX").string();
    path_ = mkdtemp(pattern.data()) == nullptr ? "" : pattern;
    EXPECT_FALSE(path_.empty()) << std::strerror(errno);
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
    std::ostringstream text;
    std::ifstream file(path, std::ios::binary);
    if (file) text << file.rdbuf();
    return text.str();
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    EXPECT_TRUE(file) << "cannot write " << path;
}

Process::Process(const std::vector<std::string>& arguments, std::string output_path, bool piped_input)
    : name_(arguments.at(0)), output_path_(std::move(output_path)) {
    std::array<int, 2> ends = {-1, -1};
    // To write to a program that has ended is a failed test that tells what it said, not the end of this process.
    ::signal(SIGPIPE, SIG_IGN);
    if (piped_input && pipe2(ends.data(), O_CLOEXEC) != 0) ADD_FAILURE() << std::strerror(errno);
    const std::vector<char*> argv = pointers(arguments);
    pid_ = fork();
    if (pid_ == 0) become(argv, output_path_, ends[0]);
    if (ends[0] >= 0) close(ends[0]);
    input_ = ends[1];
    // glibc 2.36 declares pidfd_open without C linkage.
    pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    EXPECT_GE(pid_fd_, 0) << name_ << ": " << std::strerror(errno);
}

Process::~Process() {
    close_input();
    if (!status_ && pid_ > 0) {
        ::kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    if (pid_fd_ >= 0) close(pid_fd_);
}

void Process::signal(int number) const {
    ASSERT_FALSE(status_) << name_ << " has ended";
    EXPECT_EQ(::kill(pid_, number), 0) << std::strerror(errno);
}

void Process::write(const std::string& text) const {
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t written = ::write(input_, text.data() + done, text.size() - done);
        ASSERT_GT(written, 0) << name_ << ": " << std::strerror(errno) << "; it said: " << errors();
        done += static_cast<std::size_t>(written);
    }
}

void Process::close_input() {
    if (input_ >= 0) close(std::exchange(input_, -1));
}

bool Process::running() { return !reap(std::chrono::milliseconds(0)); }

bool Process::reap(std::chrono::milliseconds patience) {
    if (status_) return true;
    pollfd ended{pid_fd_, POLLIN, 0};
    int ready = 0;
    do {
        ready = poll(&ended, 1, static_cast<int>(patience.count()));
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) return false;
    int status = 0;
    waitpid(pid_, &status, 0);
    status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}

int Process::wait(std::chrono::milliseconds patience) {
    if (reap(patience)) return *status_;
    ADD_FAILURE() << name_ << " has not ended after " << patience.count() << " ms; it said: " << errors();
    return -1;
}

namespace impl {

void short_pause() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

void give_up(const std::string& what) {
    ADD_FAILURE() << "gave up after " << k_patience.count() << " s waiting until " << what;
}

}  // namespace impl
}  // namespace replayd::testing
