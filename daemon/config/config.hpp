#pragma once
// What the daemon is told at start: a TOML file, laid over by command-line flags. README text of every key is
// in systemd/README.md.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
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
    std::string request_rows;  ///< all (also when empty), none, objective_breaks, sampled:SHARE
};

enum class LogLevel { debug, info, warn, error };

/// What the bearer of a token may do; each alone, except that admin may do everything.
enum class Role {
    read,    ///< GET, SQL, the live websocket, the page
    ingest,  ///< the ingest websocket and spans, which also create the stream that they feed
    admin,
};

/// Where a secret lies: exactly one of the two is set.
struct SecretSource {
    std::string file;        ///< path of a file that only its owner may read
    std::string credential;  ///< name of a file in $CREDENTIALS_DIRECTORY (LoadCredential= of systemd)
};

/// A client that is let in. With at least one, requests without a token are refused.
struct TokenConfig {
    std::string name;  ///< for logs, where the token itself never appears
    std::vector<Role> roles;
    SecretSource secret;
};

/// What clients may hold at most.
struct Limits {
    std::size_t connections_max = 2048;
    std::size_t connections_per_client_max = 2048;  ///< of one address; a proxy in front is one address
    std::size_t websockets_per_client_max = 2048;   ///< of one token, or of one address where there are no tokens
    std::size_t streams_max = 1000;                 ///< that have not finished
};

/// How long streams of some names stay.
struct StreamRetention {
    std::string name;            ///< of one stream, or "PREFIX*"
    std::int64_t keep_days = 0;  ///< after it was created; 0: it goes as soon as it is over
};

/// Which streams that are over go by themselves, oldest first; one that is not over never does. Empty: all stay.
struct Retention {
    std::int64_t keep_days = 0;   ///< after a stream was created; 0: for ever
    std::int64_t keep_bytes = 0;  ///< in use by the history, of all streams; 0: no limit
    std::vector<StreamRetention> streams;  ///< the first that fits a name stands in for keep_days
};

/// The NATS servers with JetStream over which several replayd processes share their streams.
struct NatsConfig {
    std::vector<std::string> servers;  ///< "nats://host:4222" or "tls://host:4222", of one cluster
    std::string node;                  ///< this process's name, unlike that of every other
    std::string prefix = "replayd";    ///< of the names of everything in NATS: processes that share have the same
    std::int64_t replicas = 1;         ///< copies of each log that the NATS cluster keeps
    std::chrono::seconds lease{10};    ///< silence after which the runs of a process go to others
    std::string ca_file;               ///< PEM: who may sign the servers' certificates; empty: as the system says
    std::string cert_file;             ///< PEM: certificate of this client; with key_file
    std::string key_file;              ///< PEM: its private key, which only its owner may read
    std::string credentials_file;      ///< .creds file (JWT and seed), which only its owner may read
    std::string user;                  ///< with password_file
    std::string password_file;         ///< one line, which only its owner may read
};

/// Spans of OpenTelemetry on /v1/traces.
struct Otlp {
    std::string stream;                  ///< where they go; empty: each service its own, named by service.name
    std::vector<std::string> scenarios;  ///< of streams that spans create
    double speed = 0;                    ///< likewise; 0: as fast as possible
    std::string request_rows;            ///< likewise; as of a StreamConfig
    std::chrono::seconds reorder{60};    ///< a span that began so long before the latest end is late
};

/// More threads than any machine has cores to replay on; each costs a stack.
inline constexpr std::size_t k_engine_threads_max = 1024;

struct DaemonConfig {
    std::string listen_address = "127.0.0.1";
    std::uint16_t listen_port = 8080;  ///< 0: any free port, see port_file
    std::vector<std::string> origins;  ///< "https://host": pages beside our own that browsers may use us from
    std::vector<TokenConfig> tokens;   ///< needed to listen on more than the loopback interface
    Limits limits;
    Retention retention;
    std::optional<NatsConfig> nats;  ///< unset: streams belong to this process alone
    std::optional<SecretSource> id_salt;  ///< set: ids and prefix hashes are stored as keyed hashes
    std::chrono::seconds drain_max{45};   ///< after a SIGTERM; then the process ends as by a kill
    std::string port_file;             ///< the bound port is written here once listening; empty: nowhere
    std::string history_path = "replayd.db";
    storage::Durability durability = storage::Durability::normal;
    std::string dashboard_dir;               ///< empty: no page, `/` says how to get one
    std::vector<std::string> scenario_dirs;  ///< every *.toml in them is a scenario
    std::vector<std::string> scenario_files;
    std::vector<std::string> search_dirs;    ///< files in them that searches were stored in are shown
    std::vector<std::string> catalog_files;  ///< models and GPUs laid over the built-in catalog, in order
    std::vector<StreamConfig> streams;
    Otlp otlp;
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

/// Whether only this machine reaches the address ("127.0.0.1", "::1", "localhost").
[[nodiscard]] bool loopback(std::string_view address);

/// Rules that span several keys: an address that other machines reach needs a token. Error `invalid_argument`.
[[nodiscard]] Result<void> check_config(const DaemonConfig& config);

/// "debug", "info", "warn" or "error"; error `invalid_argument` with the nearest name.
[[nodiscard]] Result<LogLevel> parse_log_level(std::string_view text, std::string_view origin);

/// What the command line asked for.
struct CommandLine {
    DaemonConfig config;
    std::string config_file;  ///< of --config; empty: none
    std::string print;  ///< not empty: print this (help or version) and exit with 0
};

/// Reads the flags, then the file named by --config, and lays the flags over it. Errors: `invalid_argument`
/// (flag or file wrong), `io` (the file cannot be read).
[[nodiscard]] Result<CommandLine> parse_command_line(int argc, const char* const* argv);

/// The whole text of a file. Error `not_found` where there is none, `invalid_argument` for a folder and `io` name the
/// path and the reason.
[[nodiscard]] Result<std::string> read_text_file(const std::string& path);

}  // namespace replayd::config
