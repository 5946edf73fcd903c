// Flags of the daemon. The file named by --config comes first, flags win over it.

#include <arpa/inet.h>

#include <charconv>
#include <optional>
#include <set>

#include <CLI/CLI.hpp>

#include "daemon/config/config.hpp"
#include "daemon/config/usage.hpp"
#include "daemon/config/version.hpp"
#include "daemon/net/quoted.hpp"

namespace replayd::config {
namespace {

constexpr std::string_view k_exit_status_help =
    "Exit status: 0 drained; 1 the system refused (a socket, the disk, a file that may not be read);\n"
    "2 bad usage or a wrong configuration (an unknown option, a wrong value, a file or name that does not exist).";

struct Flags {
    std::string config_file;
    std::optional<std::string> listen;
    std::optional<std::string> db;
    std::optional<std::string> dashboard;
    std::optional<std::string> port_file;
    std::optional<std::string> log_level;
    std::optional<std::string> token_file;
    std::optional<std::string> engine_threads;
    std::vector<std::string> scenario_dirs;
    std::vector<std::string> catalogs;
    std::vector<std::string> search_dirs;
    bool version = false;
};

void declare(CLI::App& app, Flags& flags) {
    app.add_option("--config", flags.config_file, "TOML file; flags win over it");
    app.add_option("--listen", flags.listen, "ADDRESS:PORT to listen on (127.0.0.1:8080); port 0 takes a free one");
    app.add_option("--db", flags.db, "SQLite file of the history (replayd.db)");
    app.add_option("--dashboard", flags.dashboard, "folder of the page");
    app.add_option("--scenario-dir", flags.scenario_dirs, "folder of scenario TOML files; may be repeated");
    app.add_option("--catalog", flags.catalogs, "TOML file of models and GPUs; may be repeated");
    app.add_option("--searches", flags.search_dirs,
                   "folder of files that replayctl search --db writes, shown as they grow; may be repeated");
    app.add_option("--port-file", flags.port_file, "file that receives the bound port once listening");
    app.add_option("--engine-threads", flags.engine_threads, "threads that replay (one per core)")->type_name("N");
    app.add_option("--log-level", flags.log_level, "debug, info, warn or error (info)");
    app.add_option("--token-file", flags.token_file,
                   "file with the token that clients must show; it may do everything ([[token]] has roles)");
    app.add_flag("--version", flags.version, "print the version");
}

Result<void> set_engine_threads(DaemonConfig& config, std::string_view text) {
    std::size_t threads = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threads);
    if (error != std::errc() || end != text.data() + text.size() || threads > k_engine_threads_max) {
        return fail(Code::invalid_argument, "--engine-threads is " + net::quoted(text) +
                                                ": expected a whole number, 0 (one per core) to " +
                                                std::to_string(k_engine_threads_max));
    }
    config.engine_threads = threads;
    return {};
}

Result<void> lay_over(DaemonConfig& config, const Flags& flags) {
    if (flags.listen) {
        if (auto set = set_listen(config, *flags.listen, "--listen"); !set) return set;
    }
    if (flags.log_level) {
        auto level = parse_log_level(*flags.log_level, "--log-level");
        if (!level) return tl::unexpected(level.error());
        config.log_level = *level;
    }
    if (flags.db) config.history_path = *flags.db;
    if (flags.dashboard) config.dashboard_dir = *flags.dashboard;
    if (flags.port_file) config.port_file = *flags.port_file;
    if (flags.engine_threads) {
        if (auto set = set_engine_threads(config, *flags.engine_threads); !set) return set;
    }
    if (flags.token_file) config.tokens.push_back({"token-file", {Role::admin}, {*flags.token_file, ""}});
    config.scenario_dirs.insert(config.scenario_dirs.end(), flags.scenario_dirs.begin(), flags.scenario_dirs.end());
    config.catalog_files.insert(config.catalog_files.end(), flags.catalogs.begin(), flags.catalogs.end());
    config.search_dirs.insert(config.search_dirs.end(), flags.search_dirs.begin(), flags.search_dirs.end());
    return check_config(config);
}

}  // namespace

bool loopback(std::string_view address) {
    in_addr v4{};
    if (inet_pton(AF_INET, std::string(address).c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    return address == "::1" || address == "localhost";
}

Result<void> set_listen(DaemonConfig& config, std::string_view text, std::string_view origin) {
    const std::size_t colon = text.rfind(':');
    std::string_view address = colon == std::string_view::npos ? std::string_view() : text.substr(0, colon);
    const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
    if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
        address = address.substr(1, address.size() - 2);
    }
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc() || end != port.data() + port.size() || (colon == 0)) {
        return fail(Code::invalid_argument, std::string(origin) + " is \"" + std::string(text) +
                                                "\": expected ADDRESS:PORT, e.g. 127.0.0.1:8080");
    }
    if (!address.empty()) config.listen_address = std::string(address);
    config.listen_port = number;
    return {};
}

Result<void> check_config(const DaemonConfig& config) {
    if (config.tokens.empty() && !loopback(config.listen_address)) {
        return fail(Code::invalid_argument,
                    "listen address " + config.listen_address +
                        " can be reached from other machines: expected a loopback address such as 127.0.0.1, or a "
                        "token that clients must show: a [[token]] table with name, roles and file, or --token-file "
                        "FILE; a proxy in front has to end TLS");
    }
    std::set<std::string> names;
    for (const TokenConfig& token : config.tokens) {
        if (!names.insert(token.name).second) {
            return fail(Code::invalid_argument,
                        "token name \"" + token.name + "\" is there twice: expected one [[token]] for each name");
        }
    }
    if (config.history_path.empty()) {
        return fail(Code::invalid_argument, "history.path (--db) is empty: expected the path of the SQLite file");
    }
    return {};
}

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
    CLI::App app("replayd: replays LLM-serving traces on what-if clusters", "replayd");
    Flags flags;
    declare(app, flags);
    app.allow_extras();  // told below
    app.footer(std::string(k_exit_status_help));
    CommandLine line;
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        line.print = app.help();
        return line;
    } catch (const CLI::ParseError& error) {
        return tl::unexpected(refused(error));
    }
    if (const auto unknown = app.remaining(); !unknown.empty()) {
        return tl::unexpected(unexpected_argument(app, unknown.front()));
    }
    if (flags.version) {
        line.print = "replayd " + std::string(k_version) + "\n";
        return line;
    }
    if (!flags.config_file.empty()) {
        auto text = read_text_file(flags.config_file);
        if (!text) return tl::unexpected(text.error());
        line.config_file = flags.config_file;
        auto parsed = parse_config(*text, flags.config_file);
        if (!parsed) return tl::unexpected(parsed.error());
        line.config = std::move(*parsed);
    }
    return lay_over(line.config, flags).map([&] { return std::move(line); });
}

}  // namespace replayd::config
