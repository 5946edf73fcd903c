#pragma once
// Which process computes a run of a shared stream, or did.

#include <string>

namespace replayd::stream {

struct SharedRun {
    std::string scenario;
    std::string node;   ///< whose lease it is, or who computed it; empty: nobody has it at the moment
    bool here = false;  ///< that node is this process
    std::string state;  ///< waiting (nobody has it), running, finished, failed or stopped
    std::string hash;   ///< of a finished one
};

}  // namespace replayd::stream
