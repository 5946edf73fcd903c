#pragma once
// Kernel configurations that the collector of a table filed under a name which several shapes share. TensorRT-LLM's
// experts are tuned once per type, hidden size, expert width and experts of a rank, and the tactics kept in a file of
// that name (ai-dynamo/aiconfigurator, collector/trtllm/collect_moe.py); the autotuner's key holds the number of
// choices and the parallel sizes too (TensorRT-LLM, _torch/autotuner.py). A shape that finds the file of another misses
// its key and falls back to the first tactic. Which of two shapes came first no table says, but where one ran as usual,
// the other mostly did not.

#include <cstdint>
#include <map>

namespace replayd::cost {

struct SharedTuning {
    /// By name of a configuration, the one fitted shape of that name, where it ran as usual on every curve.
    std::map<std::uint32_t, std::uint32_t> tuned_for;
    /// By how much longer a call takes, beside its fixed part, on a configuration tuned for another shape; ≥ 1.
    double slow_factor = 1;
};

}  // namespace replayd::cost
