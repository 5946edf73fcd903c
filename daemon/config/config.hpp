#pragma once
// What the daemon is told at start: a TOML file, laid over by command-line flags. README text of every key is
// in systemd/README.md.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "storage/history.hpp"

namespace replayd::config {

/// A stream that exists from the start; one that the history already knows is left as it is.
struct StreamConfig {
    std::string name;
    std::vector<std::string> scenarios;
    double speed = 0;  ///< 0: as fast as possible; otherwise factor of real time
};

enum class LogLevel { debug, info, warn, error };

struct DaemonConfig {
    std::string listen_address = "127.0.0.1";
    std::uint16_t listen_port = 8080;  ///< 0: any free port, see port_file
    bool allow_remote = false;         ///< must be set to listen on more than the loopback interface
    std::string port_file;             ///< the bound port is written here once listening; empty: nowhere
    std::string history_path = "replayd.db";
    storage::Durability durability = storage::Durability::normal;
    std::string dashboard_dir;               ///< empty: no page, `/` says how to get one
    std::vector<std::string> scenario_dirs;  ///< every *.toml in them is a scenario
    std::vector<std::string> scenario_files;
    std::vector<std::string> catalog_files;  ///< models and GPUs laid over the built-in catalog, in order
    std::vector<StreamConfig> streams;
    std::size_t engine_threads = 0;  ///< 0: one per core
    std::int64_t backlog_arrivals_max =
        200'000;  ///< durable arrivals that the slowest run of a stream has not consumed
    LogLevel log_level = LogLevel::info;
};

/// Parses the daemon's TOML over `base`. Unknown keys and wrong types are refused (Code::invalid_argument) as
/// "ORIGIN:LINE: KEY …: expected …".
[[nodiscard]] Result<DaemonConfig> parse_config(std::string_view toml, std::string_view origin, DaemonConfig base = {});

/// Splits "address:port", "[v6]:port" or "port" into the two fields. Error `invalid_argument`.
[[nodiscard]] Result<void> set_listen(DaemonConfig& config, std::string_view text, std::string_view origin);

/// Rules that span several keys: a non-loopback address needs allow_remote. Error `invalid_argument`.
[[nodiscard]] Result<void> check_config(const DaemonConfig& config);

/// "debug", "info", "warn" or "error"; error `invalid_argument` with the nearest name.
[[nodiscard]] Result<LogLevel> parse_log_level(std::string_view text, std::string_view origin);

/// What the command line asked for.
struct CommandLine {
    DaemonConfig config;
    std::string print;  ///< not empty: print this (help or version) and exit with 0
};

/// Reads the flags, then the file named by --config, and lays the flags over it. Errors: `invalid_argument`
/// (flag or file wrong), `io` (the file cannot be read).
[[nodiscard]] Result<CommandLine> parse_command_line(int argc, const char* const* argv);

/// The whole text of a file. Error `io` names the path and the system's reason.
[[nodiscard]] Result<std::string> read_text_file(const std::string& path);

}  // namespace replayd::config
