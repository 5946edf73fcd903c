#pragma once
// The lines that libprotobuf writes become lines of our log.

namespace replayd::protocol {

/// Once, before there are threads (google/protobuf/stubs/logging.h). What libprotobuf finds in a message comes from
/// whoever sent it, who is told by an answer; so its lines are of level debug, but for what it ends the program for.
void route_wire_log();

}  // namespace replayd::protocol
