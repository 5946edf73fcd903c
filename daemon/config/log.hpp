#pragma once
// Logging to stderr, one line an event: `event=… key=value …`. Levels: error = an operator must act, warn =
// degraded, info = life cycle, debug = off by default. Never payloads. Any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/config/config.hpp"

namespace replayd::config {

/// One key=value pair; strings with spaces, quotes or control characters are quoted.
struct LogField {
    LogField(std::string_view name, std::string_view text);
    LogField(std::string_view name, std::int64_t number);
    std::string text;  ///< "key=value"
};

/// Whether standard error is the journal's: JOURNAL_STREAM names its device and inode (systemd.exec(5)).
[[nodiscard]] bool under_journal();

/// Sets up the process-wide logger. Under the journal lines carry its <N> prefixes instead of time and level.
void start_log(LogLevel level);
/// From now on. Any thread.
void set_log_level(LogLevel level);

/// Writes `event=NAME key=value …`.
void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

/// The line without time and level, as `log` writes it.
[[nodiscard]] std::string format_event(std::string_view event, std::initializer_list<LogField> fields);

}  // namespace replayd::config
