#pragma once
// Public sets of prompts, as far as later ones begin like earlier ones: files of shared_prefixes.hpp, compiled into the
// program. Each says on its first lines what drew the prompts and by which tokenizer they were counted.

#include <span>

#include "replay/catalog/embedded_files.hpp"

namespace replayd {

/// Every file of this folder, sorted by path.
[[nodiscard]] std::span<const EmbeddedFile> embedded_prompt_sets();

}  // namespace replayd
