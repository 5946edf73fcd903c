#pragma once
// How the parts of a MoE strategy are named in its text and in messages.

#include <string_view>

#include "replay/cost/moe_strategy.hpp"

namespace replayd::cost {

[[nodiscard]] std::string_view quant_name(MoeQuant quant);
[[nodiscard]] std::string_view backend_name(MoeBackend backend);
[[nodiscard]] std::string_view router_name(MoeRouter router);
[[nodiscard]] std::string_view executor_name(MoeExecutor executor);
[[nodiscard]] std::string_view layout_name(MoeLayoutRule layout);

}  // namespace replayd::cost
