// The daemon's TOML file. Every table is checked against the list of its keys, so that a misspelt key is an
// error with the nearest name instead of a silent default.

#include <array>
#include <cstring>
#include <fstream>
#include <limits>
#include <span>
#include <sstream>

#include <toml++/toml.h>

#include "daemon/config/config.hpp"
#include "replay/base/nearest_name.hpp"

namespace replayd::config {
namespace {

std::string did_you_mean(std::string_view name, std::span<const std::string> known) {
    const std::string nearest = nearest_name(name, known);
    return nearest.empty() ? std::string() : "; did you mean \"" + nearest + "\"?";
}

std::string list_of(std::span<const std::string> names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

/// A table of the file with the prefix of its keys in messages.
class Section {
public:
    Section(const toml::table& table, std::string prefix, std::string_view origin)
        : table_(table), prefix_(std::move(prefix)), origin_(origin) {}

    Result<void> only(std::span<const std::string> known) const {
        for (const auto& [key, node] : table_) {
            const std::string name(key.str());
            if (std::find(known.begin(), known.end(), name) != known.end()) continue;
            return refuse(node, name + ": unknown key: expected one of " + list_of(known) + did_you_mean(name, known));
        }
        return {};
    }

    Result<void> text(const std::string& key, std::string& into) const {
        const toml::node* node = table_.get(key);
        if (node == nullptr) return {};
        if (!node->is_string()) return refuse(*node, key + " is " + type_of(*node) + ": expected a string");
        into = node->as_string()->get();
        return {};
    }

    Result<void> texts(const std::string& key, std::vector<std::string>& into) const {
        const toml::node* node = table_.get(key);
        if (node == nullptr) return {};
        const toml::array* array = node->as_array();
        if (array == nullptr) return refuse(*node, key + " is " + type_of(*node) + ": expected an array of strings");
        into.clear();
        for (const toml::node& item : *array) {
            if (!item.is_string()) return refuse(item, key + " holds " + type_of(item) + ": expected only strings");
            into.push_back(item.as_string()->get());
        }
        return {};
    }

    Result<void> integer(const std::string& key, std::int64_t low, std::int64_t high, std::int64_t& into) const {
        const toml::node* node = table_.get(key);
        if (node == nullptr) return {};
        const std::string range = ": expected an integer from " + std::to_string(low) + " to " + std::to_string(high);
        if (!node->is_integer()) return refuse(*node, key + " is " + type_of(*node) + range);
        const std::int64_t value = node->as_integer()->get();
        if (value < low || value > high) return refuse(*node, key + " is " + std::to_string(value) + range);
        into = value;
        return {};
    }

    Result<void> boolean(const std::string& key, bool& into) const {
        const toml::node* node = table_.get(key);
        if (node == nullptr) return {};
        if (!node->is_boolean()) return refuse(*node, key + " is " + type_of(*node) + ": expected true or false");
        into = node->as_boolean()->get();
        return {};
    }

    Result<void> number(const std::string& key, double& into) const {
        const toml::node* node = table_.get(key);
        if (node == nullptr) return {};
        const auto value = node->value<double>();
        if (!node->is_number() || !value) return refuse(*node, key + " is " + type_of(*node) + ": expected a number");
        into = *value;
        return {};
    }

    /// "ORIGIN:LINE: PREFIX.message"
    tl::unexpected<Error> refuse(const toml::node& at, const std::string& message) const {
        return fail(Code::invalid_argument, where(at) + prefix_ + message);
    }

    std::string where(const toml::node& at) const {
        return std::string(origin_) + ":" + std::to_string(at.source().begin.line) + ": ";
    }
    const toml::table& table() const { return table_; }
    std::string_view origin() const { return origin_; }

private:
    static std::string type_of(const toml::node& node) {
        switch (node.type()) {
            case toml::node_type::table:
                return "a table";
            case toml::node_type::array:
                return "an array";
            case toml::node_type::string:
                return "a string";
            case toml::node_type::integer:
                return "an integer";
            case toml::node_type::floating_point:
                return "a number";
            case toml::node_type::boolean:
                return "a boolean";
            default:
                return "a date or time";
        }
    }

    const toml::table& table_;
    std::string prefix_;
    std::string_view origin_;
};

using Reader = Result<void> (*)(const Section&, DaemonConfig&);

Result<void> read_listen(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 4> known = {"address", "port", "allow_remote", "port_file"};
    std::int64_t port = config.listen_port;
    return section.only(known)
        .and_then([&] { return section.text("address", config.listen_address); })
        .and_then([&] { return section.integer("port", 0, 65535, port); })
        .and_then([&] { return section.boolean("allow_remote", config.allow_remote); })
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
            if (durability.empty()) return {};
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

Result<void> read_catalog(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 1> known = {"files"};
    return section.only(known).and_then([&] { return section.texts("files", config.catalog_files); });
}

Result<void> read_engine(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 1> known = {"threads"};
    auto threads = static_cast<std::int64_t>(config.engine_threads);
    return section.only(known).and_then([&] { return section.integer("threads", 0, 1024, threads); }).map([&] {
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
        if (level.empty()) return {};
        const toml::node& at = *section.table().get("level");
        auto parsed = parse_log_level(level, section.where(at) + "log.level");
        if (!parsed) return tl::unexpected(parsed.error());
        config.log_level = *parsed;
        return {};
    });
}

Result<StreamConfig> read_stream(const Section& section, const toml::node& at) {
    static const std::array<std::string, 3> known = {"name", "scenarios", "speed"};
    StreamConfig stream;
    return section.only(known)
        .and_then([&] { return section.text("name", stream.name); })
        .and_then([&] { return section.texts("scenarios", stream.scenarios); })
        .and_then([&] { return section.number("speed", stream.speed); })
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
        config.streams.push_back(std::move(*stream));
    }
    return {};
}

Result<DaemonConfig> read_root(const toml::table& root, std::string_view origin, DaemonConfig config) {
    static const std::array<std::string, 9> known = {"listen", "history", "dashboard", "scenarios", "catalog",
                                                     "engine", "ingest",  "log",       "stream"};
    static const std::array<std::pair<const char*, Reader>, 8> readers = {{{"listen", read_listen},
                                                                           {"history", read_history},
                                                                           {"dashboard", read_dashboard},
                                                                           {"scenarios", read_scenarios},
                                                                           {"catalog", read_catalog},
                                                                           {"engine", read_engine},
                                                                           {"ingest", read_ingest},
                                                                           {"log", read_log}}};
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
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    // An empty file leaves the failbit of the target set, which is no error here.
    if (file) text << file.rdbuf();
    if (!file || file.bad()) return fail(Code::io, "cannot read " + path + ": " + std::strerror(errno));
    return text.str();
}

}  // namespace replayd::config
