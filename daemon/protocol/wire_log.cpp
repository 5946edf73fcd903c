#include "daemon/protocol/wire_log.hpp"

#include <string>

#include <google/protobuf/stubs/logging.h>

#include "daemon/config/log.hpp"

namespace replayd::protocol {
namespace {

void write_line(google::protobuf::LogLevel level, const char* file, int line, const std::string& message) {
    const bool fatal = level == google::protobuf::LOGLEVEL_FATAL;
    config::log(fatal ? config::LogLevel::error : config::LogLevel::debug,
                fatal ? "protobuf_failed" : "protobuf_message",
                {{"message", message}, {"file", file}, {"line", std::int64_t{line}}});
}

}  // namespace

void route_wire_log() {
    google::protobuf::SetLogHandler(write_line);
}

}  // namespace replayd::protocol
