#pragma once
// Runs the real replayctl and keeps what it said.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/daemon/files/temporary_file.hpp"

namespace replayd::ctl {

struct Said {
    int status = -1;  ///< exit status; -1 when a signal ended it
    std::string out;
    std::string err;
};

/// Runs `replayctl ARGUMENTS` in an environment without REPLAYD_… variables but with `environment` ("NAME=value", may
/// be empty). `input` is the file of its standard input, `output` of its standard output (empty: kept in `out`). It
/// inherits nothing else that this process has open: a daemon in the test would never get its port back.
[[nodiscard]] Said run_replayctl(const std::vector<std::string>& arguments, const std::string& environment = {},
                                 const std::string& input = "/dev/null", const std::string& output = {});

/// As above, but kills it (SIGKILL) as soon as `enough` says so, which is asked all the time.
[[nodiscard]] Said run_replayctl_until(const std::vector<std::string>& arguments, const std::function<bool()>& enough);

/// A scenario whose steps cost a fixed time: small and quick to replay, with requests that queue.
inline constexpr std::string_view k_small_scenario = R"(name = "small"
description = "one replica with a linear cost"
model = "Llama-3.1-8B"
gpu = "H100-SXM"
window_s = 10

[slo]
ttft_ms = 500
tpot_ms = 50

[cost]
source = "linear"
step_us = 5000
prefill_token_us = 50
decode_sequence_us = 100

[[pool]]
name = "mixed"
role = "mixed"
replicas = 1
)";

}  // namespace replayd::ctl
