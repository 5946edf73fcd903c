#pragma once
// Real vLLM runs on disk, to hold replays against: RUN/vllm/meta.json (how it was served), RUN/vllm/requests.jsonl
// (when each request arrived and got its tokens), RUN/config.json (the name of its GPU), and beside the runs
// kernel_profiles/GPU/MODEL/bf16/tp<N>, the kernel times of the same GPUs. Layout: casys-kaist/LLMServingSim, bench/
// and profiler/.

#include <optional>
#include <string>
#include <vector>

#include "replay/catalog/scenario_toml.hpp"
#include "replay/trace/arrival.hpp"

namespace replayd::ctl {

struct VllmRun {
    std::string name;     ///< of its folder
    std::string toml;     ///< scenario that serves as it did, priced by the laws
    std::string profile;  ///< folder of the kernel times; empty where the GPU or model has none
    std::vector<Arrival> arrivals;
    std::string shared_prefixes;  ///< file that gave the arrivals their prefix hashes (shared_prefixes.hpp); or empty
};

/// The runs in `folder`, in the order of their names. Errors: `not_found` for a folder without runs, `invalid_argument`
/// for a member of meta.json that is missing or that no catalog entry answers to.
[[nodiscard]] Result<std::vector<VllmRun>> read_vllm_runs(const std::string& folder, const Catalog& catalog);

/// The scenario of a run, with its profile or by the laws alone.
[[nodiscard]] Result<Scenario> scenario_of(const VllmRun& run, bool with_profile, const Catalog& catalog);

}  // namespace replayd::ctl
