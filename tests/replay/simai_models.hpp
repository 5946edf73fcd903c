#pragma once
// The dense models that SimAI's vidur fork knows, with the shapes that it states for them.

#include <cstdint>
#include <optional>
#include <string_view>

#include "replay/catalog/model_spec.hpp"

namespace replayd::test {

struct SimaiShape {
    const char* name;
    std::int64_t layers, hidden, q, kv, ffn;
};

inline constexpr SimaiShape k_simai_dense[] = {
    {"meta-llama/Llama-2-7b-hf", 32, 4096, 32, 32, 11008},
    {"NousResearch/Llama-2-7b-hf", 32, 4096, 32, 32, 11008},
    {"meta-llama/Llama-2-70b-hf", 80, 8192, 64, 8, 28672},
    {"meta-llama/Meta-Llama-3-8B", 32, 4096, 32, 8, 14336},
    {"meta-llama/Meta-Llama-3-70B", 80, 8192, 64, 8, 28672},
    {"codellama/CodeLlama-34b-Instruct-hf", 48, 8192, 64, 8, 22016},
    {"internlm/internlm-20b", 60, 5120, 40, 40, 13824},
    {"internlm/internlm2-20b", 48, 6144, 48, 8, 16384},
    {"microsoft/phi-2", 32, 2560, 32, 32, 10240},
    {"Qwen/Qwen-72B", 80, 8192, 64, 64, 24576},
};

/// phi-2's layers have no gate and no norm before the FFN.
inline bool simai_gated(std::string_view name) {
    return name != "microsoft/phi-2";
}

/// Nothing for the mixture-of-experts models, whose tables SimAI's defects D11 and D13 touch.
inline std::optional<ModelSpec> simai_dense_model(std::string_view name) {
    for (const SimaiShape& s : k_simai_dense) {
        if (name != s.name) continue;
        ModelSpec m;
        m.name = name;
        m.layers = s.layers;
        m.hidden = s.hidden;
        m.vocab = 32'000;
        m.ffn = s.ffn;
        m.gated_ffn = simai_gated(name);
        m.max_context = 1'000'000;
        m.attention.q_heads = s.q;
        m.attention.kv_heads = s.kv;
        m.attention.head_dim = s.hidden / s.q;
        m.source = "SimAI";
        return m;
    }
    return std::nullopt;
}

}  // namespace replayd::test
