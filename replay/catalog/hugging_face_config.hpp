#pragma once
// A model from its Hugging Face config.json: a new model is a file, not code.

#include <functional>
#include <string>
#include <string_view>

#include "replay/base/error.hpp"
#include "replay/catalog/model_spec.hpp"

namespace replayd {

/// Reads the text of a config.json. Families (`model_type`): llama, mistral, mixtral, qwen2, qwen3, qwen3_moe,
/// qwen3_next, deepseek_v2, deepseek_v3, kimi_k2, step3_text, and multimodal files with a `text_config` of one of them.
/// Both spellings of renamed keys are known (n_routed_experts and num_experts, …). `name` is the model's name in the
/// catalog and in messages ("NAME:LINE: FIELD …"). Error `invalid_argument` names a key that is missing, wrong, or
/// asks for something that the memory formulas do not cover.
[[nodiscard]] Result<ModelSpec> parse_hugging_face_config(std::string_view json, std::string_view name);

/// Gives the text of the file that a scenario names as `model_config`. The caller does the reading; the error it
/// returns becomes the message of the scenario.
using ModelConfigLoader = std::function<Result<std::string>(std::string_view path)>;

}  // namespace replayd
