#pragma once
// Wrong scenario files and what must be said of them: the parts that they are made of, and the check.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "replay/catalog/scenario_toml.hpp"

namespace replayd::catalog_test {

// Lines 1 to 3 of every case, so that the first line of a case is line 4 of its file.
inline constexpr const char* k_dense = "name = 's'\nmodel = 'Llama-3.1-8B'\ngpu = 'H100-SXM'\n";
inline constexpr const char* k_moe = "name = 's'\nmodel = 'Qwen3-30B-A3B'\ngpu = 'H100-SXM'\n";
inline constexpr const char* k_hybrid = "name = 's'\nmodel = 'Qwen3-Next-80B-A3B'\ngpu = 'H200-SXM'\n";
inline constexpr const char* k_mixed = "[[pool]]\nrole = 'mixed'\n";
inline constexpr const char* k_pair = "[[pool]]\nrole = 'prefill'\n[[pool]]\nrole = 'decode'\n";
inline constexpr const char* k_link = "[transfer]\ngigabits_per_s = 400\nlatency_us = 20\n";

inline constexpr const char* k_gpu_names =
    "A100-SXM-80GB, B200, H100-SXM, H20, H200-SXM, H800, RTX-4090 or RTX-PRO-6000";
inline constexpr const char* k_model_names =
    "DeepSeek-V3, Llama-3-70B, Llama-3.1-8B, Mixtral-8x7B, OLMoE-1B-7B, Qwen3-235B-A22B, Qwen3-30B-A3B, Qwen3-32B, "
    "Qwen3-8B, Qwen3-Next-80B-A3B or Step-3";

struct BadCase {
    std::string toml;
    std::string message;
};

inline std::string operator+(const char* a, const std::string& b) { return std::string(a).append(b); }

inline void expect_messages(const std::vector<BadCase>& cases) {
    for (const BadCase& c : cases) {
        const auto parsed = parse_scenario(c.toml, "s.toml");
        if (parsed) {
            ADD_FAILURE() << "accepted:\n" << c.toml;
            continue;
        }
        EXPECT_EQ(parsed.error().code, Code::invalid_argument);
        EXPECT_EQ(parsed.error().message, c.message) << c.toml;
    }
}

inline std::string mixed(const std::string& rest) { return std::string(k_dense) + k_mixed + rest; }
inline std::string moe(const std::string& rest) { return std::string(k_moe) + k_mixed + rest; }

}  // namespace replayd::catalog_test
