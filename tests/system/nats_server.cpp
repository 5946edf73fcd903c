#include "tests/system/nats_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "tests/free_port.hpp"

namespace replayd::testing {
namespace {

/// A connection; -1 when nobody listens.
int connect_to(const std::string& host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

bool accepts(const std::string& host, std::uint16_t port) {
    const int fd = connect_to(host, port);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

}  // namespace

NatsServer::NatsServer(const TemporaryDirectory& directory, const std::string& settings, std::string address)
    : directory_(directory), address_(std::move(address)), port_(free_port()) {
    write_file(directory_ / "nats.conf", "listen: " + address_ + ":" + std::to_string(port_) +
                                             "\njetstream { store_dir: \"" + (directory_ / "jetstream") + "\" }\n" +
                                             settings);
    start();
}

void NatsServer::start() {
    process_ = std::make_unique<Process>(std::vector<std::string>{"nats-server", "-c", directory_ / "nats.conf"},
                                         directory_ / ("nats-" + std::to_string(++starts_)));
    const bool listening =
        wait_until("nats-server listens", [this] { return accepts(address_, port_) || !process_->running(); });
    ASSERT_TRUE(listening && process_->running()) << "is nats-server installed (./dev setup)? " << process_->errors();
}

void NatsServer::kill() {
    process_->signal(SIGKILL);
    EXPECT_EQ(process_->wait(), 128 + SIGKILL);
}

void NatsServer::publish(const std::string& subject, const std::string& payload) const {
    const int fd = connect_to(address_, port_);
    ASSERT_GE(fd, 0) << "nobody listens on " << url() << "; nats-server said: " << process_->errors();
    const std::string said = "CONNECT {\"verbose\":false}\r\nPUB " + subject + " " + std::to_string(payload.size()) +
                             "\r\n" + payload + "\r\nPING\r\n";
    EXPECT_EQ(write(fd, said.data(), said.size()), static_cast<ssize_t>(said.size()));
    std::string heard;
    char some[1024];
    for (ssize_t count = 1; count > 0 && heard.find("PONG") == std::string::npos;) {
        count = read(fd, some, sizeof some);
        heard.append(some, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    close(fd);
    ASSERT_NE(heard.find("PONG"), std::string::npos) << heard << "; nats-server said: " << process_->errors();
}

void NatsServer::keep_store() {
    std::filesystem::copy(directory_ / "jetstream", directory_ / "jetstream-kept",
                          std::filesystem::copy_options::recursive);
}

void NatsServer::lose_what_came_since() {
    std::filesystem::remove_all(directory_ / "jetstream");
    std::filesystem::rename(directory_ / "jetstream-kept", directory_ / "jetstream");
}

}  // namespace replayd::testing
