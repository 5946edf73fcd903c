#pragma once
// Machines in miniature: network namespaces, each with one cable to a bridge on which this test's own namespace has an
// address. Needs the right to make them (CAP_NET_ADMIN and CAP_SYS_ADMIN).

#include <string>
#include <vector>

#include "tests/system/running_daemon.hpp"

namespace replayd::testing {

class NetworkNamespaces {
public:
    explicit NetworkNamespaces(const TemporaryDirectory& directory);
    /// Removes everything that was made.
    ~NetworkNamespaces();
    NetworkNamespaces(const NetworkNamespaces&) = delete;
    NetworkNamespaces& operator=(const NetworkNamespaces&) = delete;

    /// Makes the bridge and `count` namespaces. Empty, or why that is not possible here.
    [[nodiscard]] std::string make(int count);
    /// Address of this test on the bridge.
    [[nodiscard]] std::string host_address() const { return net_ + ".1"; }
    /// Words before a command that run it inside.
    [[nodiscard]] std::vector<std::string> inside(int number) const;
    /// Pulls the cable of a namespace, or plugs it in again.
    void plug(int number, bool in);

private:
    [[nodiscard]] std::string space(int number) const { return id_ + "n" + std::to_string(number); }
    [[nodiscard]] std::string cable(int number) const { return id_ + "v" + std::to_string(number); }
    [[nodiscard]] std::string bridge() const { return id_ + "b"; }
    [[nodiscard]] std::string ip(const std::vector<std::string>& arguments) const;

    const TemporaryDirectory& directory_;
    const std::string id_;
    const std::string net_;  ///< the first three numbers of the addresses
    int spaces_ = 0;
};

}  // namespace replayd::testing
