#pragma once
// The fitted laws of data/, compiled into the program (see embed_laws.cmake).

#include <span>
#include <string_view>

namespace replayd::cost {

struct EmbeddedLaw {
    std::string_view name;   ///< "<gpu>.<backend>.<table>"
    std::string_view bytes;  ///< as KernelLaw::to_bytes writes
};

/// Every law, sorted by name.
[[nodiscard]] std::span<const EmbeddedLaw> embedded_laws();

}  // namespace replayd::cost
