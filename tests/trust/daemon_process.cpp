#include "tests/trust/daemon_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "tests/source_paths.hpp"

namespace replayd::trust {
namespace {

constexpr std::chrono::milliseconds k_look_again{1};
constexpr std::chrono::minutes k_start_max{2};

}  // namespace

DaemonProcess::DaemonProcess(std::string folder, std::vector<std::string> flags)
    : folder_(std::move(folder)), flags_(std::move(flags)) {}

DaemonProcess::~DaemonProcess() {
    if (pid_ > 0) (void)end(SIGKILL);
}

void DaemonProcess::become(const std::string& port_file, const std::vector<std::string>& environment) const {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int errors = open((folder_ + "/errors").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(errors, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    closefrom(STDERR_FILENO + 1);
    const std::string program = REPLAYD_BINARY_DIR "/replayd";
    std::vector<std::string> words = {program,       "--listen", "127.0.0.1:0", "--db", history(),
                                      "--port-file", port_file,  "--log-level", "error"};
    words.insert(words.end(), flags_.begin(), flags_.end());
    for (const std::string& variable : environment) {
        const std::size_t equal = variable.find('=');
        setenv(variable.substr(0, equal).c_str(), variable.substr(equal + 1).c_str(), 1);
    }
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
}

bool DaemonProcess::start(const std::vector<std::string>& environment) {
    const std::string port_file = folder_ + "/port";
    std::filesystem::remove(port_file);
    pid_ = fork();
    if (pid_ == 0) become(port_file, environment);
    const auto deadline = std::chrono::steady_clock::now() + k_start_max;
    for (;;) {
        if (std::filesystem::exists(port_file)) break;
        if (std::chrono::steady_clock::now() > deadline) {
            std::fprintf(stderr, "the daemon does not listen after two minutes\n");
            (void)end(SIGKILL);
            return false;
        }
        int status = 0;
        if (waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            std::ostringstream said;
            said << std::ifstream(folder_ + "/errors").rdbuf();
            std::fprintf(stderr, "the daemon did not start: %s\n", said.str().c_str());
            return false;
        }
        std::this_thread::sleep_for(k_look_again);
    }
    std::ifstream(port_file) >> port_;
    return true;
}

int DaemonProcess::end(int signal_number) {
    int status = 0;
    ::kill(pid_, signal_number);
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace replayd::trust
