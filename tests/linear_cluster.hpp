#pragma once
// A small cluster for tests that want a replay and do not care which, and the hash that the engine alone gives for it.

#include <memory>
#include <string>
#include <vector>

#include "replay/catalog/scenario_toml.hpp"
#include "replay/sim/run.hpp"

namespace replayd::test {

/// A mixed pool whose steps cost a fixed time and a little for each token.
struct LinearCluster {
    std::string name;
    int replicas = 1;
    int num_blocks = 2000;
    int step_us = 5000;
};

/// The scenario as TOML.
[[nodiscard]] inline std::string to_toml(const LinearCluster& cluster) {
    return "name = \"" + cluster.name + R"("
model = "Llama-3.1-8B"
gpu = "H100-SXM"
window_s = 1
[cost]
source = "linear"
step_us = )" + std::to_string(cluster.step_us) +
           R"(
prefill_token_us = 50
decode_sequence_us = 100
[[pool]]
name = "all"
role = "mixed"
replicas = )" + std::to_string(cluster.replicas) +
           "\nkv = { num_blocks = " + std::to_string(cluster.num_blocks) + " }\n";
}

/// The hash of the run that has seen `arrivals` and nothing else: what every daemon has to come to.
[[nodiscard]] inline std::string engine_hash(const std::string& scenario_toml, const std::vector<Arrival>& arrivals) {
    struct NoSink final : RecordSink {
        void on_request(RequestRecord&&) override {}
        void on_window(WindowRecord&&) override {}
    } sink;
    Run run(*compile(*parse_scenario(scenario_toml, "scenario")), sink);
    for (const Arrival& arrival : arrivals) run.offer(arrival);
    run.finish();
    return run.hash().to_string();
}

}  // namespace replayd::test
