#include "tests/system/network_namespaces.hpp"

#include <unistd.h>

namespace replayd::testing {
namespace {

/// Networks of 10.213.0.0/16 that tests which run at the same time take.
constexpr int k_networks = 250;

}  // namespace

NetworkNamespaces::NetworkNamespaces(const TemporaryDirectory& directory)
    : directory_(directory),
      id_("rp" + std::to_string(getpid())),
      net_("10.213." + std::to_string(getpid() % k_networks)) {}

NetworkNamespaces::~NetworkNamespaces() {
    // A namespace takes its end of the cable along, and with it the other.
    for (int i = 0; i < spaces_; ++i) static_cast<void>(ip({"netns", "del", space(i)}));
    static_cast<void>(ip({"link", "del", bridge()}));
}

std::string NetworkNamespaces::ip(const std::vector<std::string>& arguments) const {
    std::vector<std::string> command = {"ip"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const Outcome outcome = run_program(directory_, command);
    return outcome.status == 0 ? "" : "ip " + arguments[0] + " " + arguments[1] + ": " + outcome.errors;
}

std::string NetworkNamespaces::make(int count) {
    std::vector<std::vector<std::string>> steps = {{"link", "add", bridge(), "type", "bridge"},
                                                   {"addr", "add", host_address() + "/24", "dev", bridge()},
                                                   {"link", "set", bridge(), "up"}};
    for (int i = 0; i < count; ++i) {
        const std::string address = net_ + "." + std::to_string(i + 2) + "/24";
        steps.push_back({"netns", "add", space(i)});
        steps.push_back({"link", "add", cable(i), "type", "veth", "peer", "name", "eth0", "netns", space(i)});
        steps.push_back({"link", "set", cable(i), "master", bridge(), "up"});
        steps.push_back({"-n", space(i), "addr", "add", address, "dev", "eth0"});
        steps.push_back({"-n", space(i), "link", "set", "eth0", "up"});
        steps.push_back({"-n", space(i), "link", "set", "lo", "up"});
    }
    spaces_ = count;
    for (const auto& step : steps) {
        if (auto trouble = ip(step); !trouble.empty()) return trouble;
    }
    return "";
}

std::vector<std::string> NetworkNamespaces::inside(int number) const {
    return {"ip", "netns", "exec", space(number)};
}

void NetworkNamespaces::plug(int number, bool in) {
    const std::string trouble = ip({"link", "set", cable(number), in ? "up" : "down"});
    if (!trouble.empty()) impl::give_up(trouble);
}

}  // namespace replayd::testing
