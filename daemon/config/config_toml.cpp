// The daemon's TOML file. Every table is checked against the list of its keys, so that a misspelt key is an
// error with the nearest name instead of a silent default.

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>

#include <toml++/toml.h>

#include "daemon/config/config.hpp"
#include "daemon/config/nats_toml.hpp"
#include "daemon/config/otlp_toml.hpp"
#include "daemon/config/retention_toml.hpp"
#include "daemon/config/section.hpp"
#include "daemon/config/security_toml.hpp"

namespace replayd::config {
namespace {

using Reader = Result<void> (*)(const Section&, DaemonConfig&);

Result<void> read_listen(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 4> known = {"address", "port", "origins", "port_file"};
    std::int64_t port = config.listen_port;
    return section.only(known)
        .and_then([&] { return section.text("address", config.listen_address); })
        .and_then([&]() -> Result<void> {
            if (!config.listen_address.empty()) return {};
            return section.refuse(*section.table().get("address"),
                                  "address is \"\": expected an address of this machine, such as 127.0.0.1");
        })
        .and_then([&] { return section.integer("port", 0, 65535, port); })
        .and_then([&] { return read_origins(section, config); })
        .and_then([&] { return section.text("port_file", config.port_file); })
        .map([&] { config.listen_port = static_cast<std::uint16_t>(port); });
}

Result<void> read_history(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 2> known = {"path", "durability"};
    static const std::array<std::string, 2> values = {"normal", "full"};
    std::string durability;
    return section.only(known)
        .and_then([&] { return section.text("path", config.history_path); })
        .and_then([&] { return section.text("durability", durability); })
        .and_then([&]() -> Result<void> {
            if (section.table().get("durability") == nullptr) return {};
            if (durability != "normal" && durability != "full") {
                return section.refuse(
                    *section.table().get("durability"),
                    "durability is \"" + durability + "\": expected normal or full" + did_you_mean(durability, values));
            }
            config.durability = durability == "full" ? storage::Durability::full : storage::Durability::normal;
            return {};
        });
}

Result<void> read_dashboard(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 1> known = {"dir"};
    return section.only(known).and_then([&] { return section.text("dir", config.dashboard_dir); });
}

Result<void> read_scenarios(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 2> known = {"dirs", "files"};
    return section.only(known).and_then([&] { return section.texts("dirs", config.scenario_dirs); }).and_then([&] {
        return section.texts("files", config.scenario_files);
    });
}

Result<void> read_searches(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 1> known = {"dirs"};
    return section.only(known).and_then([&] { return section.texts("dirs", config.search_dirs); });
}

Result<void> read_catalog(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 1> known = {"files"};
    return section.only(known).and_then([&] { return section.texts("files", config.catalog_files); });
}

Result<void> read_engine(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 1> known = {"threads"};
    constexpr auto most = static_cast<std::int64_t>(k_engine_threads_max);
    auto threads = static_cast<std::int64_t>(config.engine_threads);
    return section.only(known).and_then([&] { return section.integer("threads", 0, most, threads); }).map([&] {
        config.engine_threads = static_cast<std::size_t>(threads);
    });
}

Result<void> read_ingest(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 1> known = {"backlog_arrivals_max"};
    return section.only(known).and_then(
        [&] { return section.integer("backlog_arrivals_max", 1, 100'000'000, config.backlog_arrivals_max); });
}

Result<void> read_log(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 1> known = {"level"};
    std::string level;
    return section.only(known).and_then([&] { return section.text("level", level); }).and_then([&]() -> Result<void> {
        const toml::node* at = section.table().get("level");
        if (at == nullptr) return {};
        auto parsed = parse_log_level(level, section.where(*at) + "log.level");
        if (!parsed) return tl::unexpected(parsed.error());
        config.log_level = *parsed;
        return {};
    });
}

Result<void> read_service(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 1> known = {"drain_max_s"};
    std::int64_t seconds = config.drain_max.count();
    return section.only(known).and_then([&] { return section.integer("drain_max_s", 1, 3600, seconds); }).map([&] {
        config.drain_max = std::chrono::seconds(seconds);
    });
}

Result<StreamConfig> read_stream(const Section& section, const toml::node& at) {
    static const std::array<std::string, 4> known = {"name", "scenarios", "speed", "request_rows"};
    StreamConfig stream;
    return section.only(known)
        .and_then([&] { return section.text("name", stream.name); })
        .and_then([&] { return section.texts("scenarios", stream.scenarios); })
        .and_then([&] { return section.number("speed", stream.speed); })
        .and_then([&] { return section.text("request_rows", stream.request_rows); })
        .and_then([&]() -> Result<StreamConfig> {
            if (stream.name.empty()) return section.refuse(at, "name is missing: expected the stream's name");
            if (stream.scenarios.empty()) {
                return section.refuse(at, "scenarios is missing: expected the names of one or more scenarios");
            }
            return std::move(stream);
        });
}

Result<void> read_streams(const toml::table& root, std::string_view origin, DaemonConfig& config) {
    const toml::node* node = root.get("stream");
    if (node == nullptr) return {};
    const toml::array* array = node->as_array();
    if (array == nullptr || !array->is_array_of_tables()) {
        return Section(root, "", origin).refuse(*node, "stream: expected [[stream]] tables");
    }
    for (const toml::node& item : *array) {
        auto stream = read_stream(Section(*item.as_table(), "stream.", origin), item);
        if (!stream) return tl::unexpected(stream.error());
        const auto same_name = [&stream](const StreamConfig& other) { return other.name == stream->name; };
        if (std::any_of(config.streams.begin(), config.streams.end(), same_name)) {
            const std::string twice = "name is \"" + stream->name + "\" for the second time";
            return Section(*item.as_table(), "stream.", origin)
                .refuse(item, twice + ": expected one [[stream]] for each name");
        }
        config.streams.push_back(std::move(*stream));
    }
    return {};
}

Result<DaemonConfig> read_root(const toml::table& root, std::string_view origin, DaemonConfig config) {
    static const std::array<std::string, 17> known = {"listen", "history", "dashboard", "scenarios", "catalog",
                                                      "engine", "ingest",  "log",       "stream",    "token",
                                                      "limits", "privacy", "service",   "retention", "nats",
                                                      "otlp", "searches"};
    static const std::array<std::pair<const char*, Reader>, 15> readers = {{{"listen", read_listen},
                                                                           {"history", read_history},
                                                                           {"dashboard", read_dashboard},
                                                                           {"scenarios", read_scenarios},
                                                                           {"searches", read_searches},
                                                                           {"catalog", read_catalog},
                                                                           {"engine", read_engine},
                                                                           {"ingest", read_ingest},
                                                                           {"log", read_log},
                                                                           {"limits", read_limits},
                                                                           {"privacy", read_privacy},
                                                                           {"service", read_service},
                                                                           {"retention", read_retention},
                                                                           {"nats", read_nats},
                                                                           {"otlp", read_otlp}}};
    const Section top(root, "", origin);
    if (auto checked = top.only(known); !checked) return tl::unexpected(checked.error());
    for (const auto& [name, read] : readers) {
        const toml::node* node = root.get(name);
        if (node == nullptr) continue;
        if (!node->is_table()) return top.refuse(*node, std::string(name) + ": expected a [" + name + "] table");
        auto done = read(Section(*node->as_table(), std::string(name) + ".", origin), config);
        if (!done) return tl::unexpected(done.error());
    }
    if (auto done = read_streams(root, origin, config); !done) return tl::unexpected(done.error());
    if (auto done = read_tokens(root, origin, config); !done) return tl::unexpected(done.error());
    return config;
}

}  // namespace

Result<DaemonConfig> parse_config(std::string_view toml_text, std::string_view origin, DaemonConfig base) {
    try {
        const toml::table root = toml::parse(toml_text, origin);
        return read_root(root, origin, std::move(base));
    } catch (const toml::parse_error& error) {
        return fail(Code::invalid_argument, std::string(origin) + ":" + std::to_string(error.source().begin.line) +
                                                ": not TOML: " + std::string(error.description()));
    }
}

Result<LogLevel> parse_log_level(std::string_view text, std::string_view origin) {
    static const std::array<std::string, 4> names = {"debug", "info", "warn", "error"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == text) return static_cast<LogLevel>(i);
    }
    return fail(Code::invalid_argument, std::string(origin) + " is \"" + std::string(text) +
                                            "\": expected debug, info, warn or error" + did_you_mean(text, names));
}

Result<std::string> read_text_file(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        return fail(Code::invalid_argument, path + " is a folder: expected a file");
    }
    std::ifstream file(path, std::ios::binary);
    if (!file && errno == ENOENT) return fail(Code::not_found, "cannot read " + path + ": " + std::strerror(ENOENT));
    std::ostringstream text;
    // An empty file leaves the failbit of the target set, which is no error here.
    if (file) text << file.rdbuf();
    if (!file || file.bad()) return fail(Code::io, "cannot read " + path + ": " + std::strerror(errno));
    return text.str();
}

}  // namespace replayd::config
