#pragma once
// For which expert layers SGLang and vLLM ship a tuned configuration of their Triton kernel. Where they ship none,
// SGLang's runs in blocks of 64 x 64 x 32: a third of the rate that tuned blocks reach once rows abound (public
// tables).

#include <string_view>

namespace replayd::cost {

/// Whether a file `E=<experts>,N=<inner>,device_name=….json` (bf16) of that GPU is shipped; `experts` and `inner` of
/// one rank. H100 and H200 were looked up; other GPUs are taken to have the H100's.
[[nodiscard]] bool has_tuned_experts(std::string_view gpu, double experts, double inner);

}  // namespace replayd::cost
