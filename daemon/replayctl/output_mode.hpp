#pragma once
// How a command prints its result.

namespace replayd::ctl {

enum class OutputMode {
    table,  ///< for people
    json,   ///< one line, with the API's field names
    csv,    ///< where a command offers it
};

}  // namespace replayd::ctl
