#include "replay/cost/laws/tuned_experts.hpp"

#include <algorithm>
#include <array>

namespace replayd::cost {
namespace {

struct Tuned {
    std::string_view gpu;
    int experts, inner;
};

// Names of the files in vLLM (vllm/model_executor/layers/fused_moe/configs) and SGLang
// (python/sglang/srt/layers/moe/fused_moe_triton/configs, triton_3_1_0 to triton_3_5_1), looked up in 2026; SGLang has
// vLLM's and its own. fp8's files are not listed: its default blocks (64 x 128 x 128) do nearly as well.
constexpr std::array<Tuned, 51> k_tuned = {{
    {"h100_sxm", 1, 3072}, {"h100_sxm", 8, 1792}, {"h100_sxm", 8, 2048}, {"h100_sxm", 8, 3584},
    {"h100_sxm", 8, 4096}, {"h100_sxm", 8, 7168}, {"h100_sxm", 16, 1024}, {"h100_sxm", 16, 2048},
    {"h100_sxm", 20, 2048}, {"h100_sxm", 24, 1024}, {"h100_sxm", 32, 224}, {"h100_sxm", 64, 320},
    {"h100_sxm", 64, 640}, {"h100_sxm", 64, 1280}, {"h100_sxm", 64, 1536}, {"h100_sxm", 64, 1856},
    {"h100_sxm", 128, 192}, {"h100_sxm", 128, 352}, {"h100_sxm", 128, 384}, {"h100_sxm", 128, 704},
    {"h100_sxm", 128, 768}, {"h100_sxm", 128, 1344}, {"h100_sxm", 128, 1856}, {"h100_sxm", 144, 512},
    {"h100_sxm", 256, 2688}, {"h100_sxm", 512, 128}, {"h100_sxm", 512, 2688}, {"h200_sxm", 8, 1792},
    {"h200_sxm", 8, 2048}, {"h200_sxm", 8, 3584}, {"h200_sxm", 8, 4096}, {"h200_sxm", 8, 7168},
    {"h200_sxm", 8, 14336}, {"h200_sxm", 16, 1024}, {"h200_sxm", 16, 2048}, {"h200_sxm", 20, 1536},
    {"h200_sxm", 64, 320}, {"h200_sxm", 64, 640}, {"h200_sxm", 64, 1280}, {"h200_sxm", 64, 2560},
    {"h200_sxm", 128, 176}, {"h200_sxm", 128, 192}, {"h200_sxm", 128, 256}, {"h200_sxm", 128, 352},
    {"h200_sxm", 128, 384}, {"h200_sxm", 128, 704}, {"h200_sxm", 128, 768}, {"h200_sxm", 128, 1024},
    {"h200_sxm", 256, 128}, {"h200_sxm", 512, 128}, {"h200_sxm", 512, 256},
}};

}  // namespace

bool has_tuned_experts(std::string_view asked, double experts, double inner) {
    const bool listed = std::any_of(k_tuned.begin(), k_tuned.end(), [&](const Tuned& one) { return one.gpu == asked; });
    const std::string_view gpu = listed ? asked : "h100_sxm";
    return std::any_of(k_tuned.begin(), k_tuned.end(), [&](const Tuned& one) {
        return one.gpu == gpu && one.experts == experts && one.inner == inner;
    });
}

}  // namespace replayd::cost
