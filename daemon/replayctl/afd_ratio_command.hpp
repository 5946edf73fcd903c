#pragma once
// `replayctl afd-ratio`: how many attention and FFN servers balance a load.

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/replayctl/exit_status.hpp"
#include "daemon/replayctl/output_mode.hpp"

namespace replayd::ctl {

struct AfdRatioOptions {
    std::string scenario;  ///< name or file, with an AFD pool
    std::string pool;      ///< "": the scenario's only AFD pool
    std::string decode;    ///< "6144x4096": sequences of one replica × context
    double tpot_ms = 0;    ///< longest step; 0: the scenario's objective, or none
    std::int64_t attention_servers_max = 12;
    std::int64_t ffn_servers_max = 4;
    std::vector<std::string> catalogs;
    OutputMode mode = OutputMode::table;
};

/// Prices the step that decodes the load for every number of attention and FFN servers, each server as large as the
/// pool's, and names the one with the most tokens per GPU and second among those that hold the KV and keep the step
/// short enough. Exit status 1 where there is none.
[[nodiscard]] Result<ExitStatus> afd_ratio(const AfdRatioOptions& options);

}  // namespace replayd::ctl
