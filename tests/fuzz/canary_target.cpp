#include "replay/base/assert.hpp"
#include "tests/fuzz/targets.hpp"

namespace replayd::fuzz {

void canary(std::string_view input) {
    REPLAYD_ASSERT(!input.starts_with("boo!"));
}

}  // namespace replayd::fuzz
