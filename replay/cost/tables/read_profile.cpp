#include "replay/cost/tables/read_profile.hpp"

#include <string_view>

namespace replayd::cost {
namespace {

constexpr std::string_view k_formats =
    "dense.csv and attention.csv of a vLLM profile, mlp.csv and attention.csv of vidur, vidur-MODEL-…-prefill.csv of "
    "AICB, or tables as gemm.csv in the columns of `replayctl cost eval`";

bool has(const ProfileFiles& files, std::string_view name) { return files.text.contains(name); }

bool has_aicb(const ProfileFiles& files) {
    for (const auto& [name, text] : files.text) {
        if (name.starts_with("vidur-") && name.find("-world_size") != std::string::npos) return true;
    }
    return false;
}

}  // namespace

Result<StepProfile> read_profile(const ProfileFiles& files, const ModelSpec& model, const PoolSpec& pool) {
    if (has(files, "dense.csv")) return read_vllm_profile(files);
    if (has(files, "mlp.csv")) return read_vidur_profile(files, model, pool);
    if (has_aicb(files)) return read_aicb_profile(files, model, pool);
    for (const char* table : {"gemm.csv", "context_attention.csv", "generation_attention.csv", "moe.csv"}) {
        if (has(files, table)) return read_kernel_profile(files, model, pool);
    }
    return fail(Code::invalid_argument, files.origin + " holds no profile: expected " + std::string(k_formats));
}

}  // namespace replayd::cost
