#include "daemon_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/source_paths.hpp"

namespace replayd::test {
namespace {

constexpr int k_first_passed_fd = 3;  // SD_LISTEN_FDS_START

}  // namespace

NotifySocket::NotifySocket(const std::string& path) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
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

NotifySocket::~NotifySocket() {
    close(fd_);
}

std::string NotifySocket::receive() const {
    char text[1024];
    const ssize_t size = recv(fd_, text, sizeof text, 0);
    return size < 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
}

DaemonProcess::DaemonProcess(const std::string& folder, const Launch& launch)
    : folder_(folder), notify_(folder + "/notify") {
    const std::string port_file = folder_ + "/port";
    std::filesystem::remove(port_file);
    pid_ = fork();
    if (pid_ == 0) run(port_file, launch);
    // READY=1 comes once the listener is bound and the port file written.
    ready_ = notify_.receive();
    std::ifstream(port_file) >> port_;
}

DaemonProcess::~DaemonProcess() {
    if (pid_ > 0) (void)end(SIGKILL);
}

std::string DaemonProcess::wait_notification(const std::string& prefix) const {
    for (std::string text = notify_.receive(); !text.empty(); text = notify_.receive()) {
        if (text.starts_with(prefix)) return text;
    }
    ADD_FAILURE() << "no notification " << prefix;
    return "";
}

void DaemonProcess::signal(int number) const {
    kill(pid_, number);
}

int DaemonProcess::wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
}

int DaemonProcess::end(int signal_number) {
    signal(signal_number);
    return wait();
}

void DaemonProcess::run(const std::string& port_file, const Launch& launch) const {
    setenv("NOTIFY_SOCKET", (folder_ + "/notify").c_str(), 1);
    for (const auto& [name, value] : launch.environment) setenv(name.c_str(), value.c_str(), 1);
    if (launch.listening_fd >= 0) {
        if (launch.listening_fd == k_first_passed_fd) {
            fcntl(k_first_passed_fd, F_SETFD, 0);
        } else {
            dup2(launch.listening_fd, k_first_passed_fd);
        }
        setenv("LISTEN_FDS", "1", 1);
        setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    }
    // What the test program itself was given by whoever runs it is not the daemon's.
    const unsigned first_own = k_first_passed_fd + (launch.listening_fd >= 0 ? 1 : 0);
    close_range(first_own, ~0U, 0);
    if (!launch.log.empty()) dup2(open(launch.log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
    std::vector<std::string> arguments = {REPLAYD_BINARY_DIR "/replayd", "--db", folder_ + "/history.db",
                                          "--port-file", port_file};
    arguments.insert(arguments.end(), launch.flags.begin(), launch.flags.end());
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    execv(pointers[0], pointers.data());
    _exit(127);
}

int listening_socket(std::uint16_t& port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        throw std::runtime_error("cannot listen");
    }
    port = ntohs(address.sin_port);
    return fd;
}

}  // namespace replayd::test
