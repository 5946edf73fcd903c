#pragma once
// Runs the real replayctl and keeps what it said.

#include <sys/wait.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/daemon/files/temporary_file.hpp"

namespace replayd::ctl {

struct Said {
    int status = -1;  ///< exit status
    std::string out;
    std::string err;
};

/// `text` as one word of a shell.
inline std::string shell_word(const std::string& text) {
    std::string word = "'";
    for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
}

/// Runs `replayctl ARGUMENTS`; `environment` is put before it ("NAME=value"), `input` is its standard input's file.
inline Said run_replayctl(const std::vector<std::string>& arguments, const std::string& environment = {},
                          const std::string& input = "/dev/null") {
    const files::TemporaryFolder folder;
    std::string command = "env -u REPLAYD_DB -u REPLAYD_DAEMON " + environment + " " +
                          shell_word(std::string(REPLAYD_BINARY_DIR) + "/replayctl");
    for (const std::string& argument : arguments) command += " " + shell_word(argument);
    command += " <" + shell_word(input) + " >" + shell_word(folder.path("out")) + " 2>" + shell_word(folder.path("err"));
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, files::contents(folder.path("out")),
            files::contents(folder.path("err"))};
}

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
