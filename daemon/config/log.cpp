#include "daemon/config/log.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace replayd::config {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

/// Priorities of sd-daemon(3).
const char* journal_prefix(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "<7>";
        case LogLevel::info:
            return "<6>";
        case LogLevel::warn:
            return "<4>";
        case LogLevel::error:
            return "<3>";
    }
    return "<3>";
}

std::string quoted(std::string_view text) {
    const bool plain = !text.empty() && text.find_first_of(" \"=\\\t\r\n") == std::string_view::npos;
    if (plain) return std::string(text);
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out + "\"";
}

}  // namespace

LogField::LogField(std::string_view name, std::string_view value) : text(std::string(name) + "=" + quoted(value)) {}
LogField::LogField(std::string_view name, std::int64_t number)
    : text(std::string(name) + "=" + std::to_string(number)) {}

bool under_journal() {
    static const bool found = [] {
        const char* stream = std::getenv("JOURNAL_STREAM");
        struct stat facts {};
        if (stream == nullptr || ::fstat(STDERR_FILENO, &facts) != 0) return false;
        return fmt::format("{}:{}", facts.st_dev, facts.st_ino) == stream;
    }();
    return found;
}

void set_log_level(LogLevel level) {
    spdlog::default_logger()->set_level(spdlog_level(level));
}

void start_log(LogLevel level) {
    auto logger = std::make_shared<spdlog::logger>("replayd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern(under_journal() ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z level=%l %v");
    logger->set_level(spdlog_level(level));
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
}

std::string format_event(std::string_view event, std::initializer_list<LogField> fields) {
    std::string line = LogField("event", event).text;
    for (const LogField& field : fields) line += " " + field.text;
    return line;
}

void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
    const char* prefix = under_journal() ? journal_prefix(level) : "";
    spdlog::log(spdlog_level(level), "{}{}", prefix, format_event(event, fields));
}

}  // namespace replayd::config
