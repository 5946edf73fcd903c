#include "tests/system/include_rules.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace replayd::testing {
namespace {

/// A folder of C++ and the others that it may include.
struct Folder {
    std::string_view name;
    std::vector<std::string_view> may_include;
};

const std::array<Folder, 5>& folders() {
    static const std::array<Folder, 5> list = {{
        {"replay", {}},
        {"proto", {}},
        {"storage", {"replay"}},
        {"daemon", {"replay", "proto", "storage"}},
        {"tests", {"replay", "proto", "storage", "daemon"}},
    }};
    return list;
}

/// Folders without C++; <systemd/sd-daemon.h> is not ours.
constexpr std::array<std::string_view, 2> k_other_folders = {"dashboard", "systemd"};

/// A library that only some folders may name.
struct Guarded {
    std::string_view prefix;
    std::vector<std::string_view> homes;  ///< prefixes of paths
};

const std::array<Guarded, 7>& guarded_libraries() {
    static const std::array<Guarded, 7> list = {{
        {"boost/beast", {"daemon/net/"}},
        {"boost/asio", {"daemon/", "tests/"}},
        {"sqlite3.h", {"storage/", "tests/"}},
        {"nats/", {"daemon/nats/"}},
        {"google/protobuf", {"daemon/protocol/"}},
        {"prometheus/", {"daemon/metrics/"}},
        {"spdlog/", {"daemon/config/"}},
    }};
    return list;
}

/// Threads, clocks, files, true randomness: what would make a replay depend on more than its inputs.
constexpr std::array<std::string_view, 22> k_impure = {
    "thread",    "mutex",      "shared_mutex", "condition_variable", "atomic",   "future",   "stop_token", "semaphore",
    "latch",     "barrier",    "chrono",       "ctime",              "time.h",   "fstream",  "iostream",   "filesystem",
    "random",    "pthread.h",  "unistd.h",     "fcntl.h",            "netdb.h",  "dirent.h"};
/// Folders of system headers: sockets, files, signals.
constexpr std::array<std::string_view, 5> k_impure_folders = {"sys/", "netinet/", "arpa/", "net/", "linux/"};

std::string_view top_of(std::string_view path) { return path.substr(0, path.find('/')); }

const Folder* folder_named(std::string_view name) {
    const auto found =
        std::find_if(folders().begin(), folders().end(), [&](const Folder& f) { return f.name == name; });
    return found == folders().end() ? nullptr : &*found;
}

bool starts_with_any(std::string_view text, const auto& prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(), [text](std::string_view p) { return text.starts_with(p); });
}

std::string quote(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string_view after_blanks(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
    return text;
}

/// The header of a line such as `#  include <vector>`, or nothing.
std::optional<std::string> header_in(std::string_view line) {
    line = after_blanks(line);
    if (!line.starts_with('#')) return std::nullopt;
    line = after_blanks(line.substr(1));
    if (!line.starts_with("include")) return std::nullopt;
    line = after_blanks(line.substr(7));
    if (line.empty() || (line.front() != '"' && line.front() != '<')) return std::nullopt;
    const std::size_t end = line.find(line.front() == '"' ? '"' : '>', 1);
    if (end == std::string_view::npos) return std::nullopt;
    return std::string(line.substr(1, end - 1));
}

std::optional<std::string> direction_violation(std::string_view file, std::string_view header) {
    const Folder* from = folder_named(top_of(file));
    const Folder* to = header.find('/') == std::string_view::npos ? nullptr : folder_named(top_of(header));
    if (from == nullptr) return "no rule knows the folder of " + std::string(file);
    if (to == nullptr || to == from) return std::nullopt;
    const auto& allowed = from->may_include;
    if (std::find(allowed.begin(), allowed.end(), to->name) != allowed.end()) return std::nullopt;
    return std::string(from->name) + "/ may not include " + std::string(to->name) + "/";
}

}  // namespace

std::vector<Include> includes_of(std::string_view source) {
    std::vector<Include> list;
    for (std::size_t line = 1; !source.empty(); ++line) {
        const std::string_view text = source.substr(0, source.find('\n'));
        if (auto header = header_in(text)) list.push_back({line, std::move(*header)});
        source.remove_prefix(std::min(source.size(), text.size() + 1));
    }
    return list;
}

bool is_beast(std::string_view header) { return header.starts_with("boost/beast"); }

std::optional<std::string> include_violation(std::string_view file, std::string_view header) {
    if (header.find("..") != std::string_view::npos) {
        return "a path with \"..\": expected one from the root of the tree";
    }
    if (auto found = direction_violation(file, header)) return found;
    for (const Guarded& library : guarded_libraries()) {
        if (!header.starts_with(library.prefix) || starts_with_any(file, library.homes)) continue;
        return quote(library.prefix) + " belongs to " + std::string(library.homes.front()) + " only";
    }
    if (is_beast(header) && !file.ends_with(".cpp")) return "Beast may be named in .cpp files only";
    if (top_of(file) != "replay") return std::nullopt;
    if (std::find(k_impure.begin(), k_impure.end(), header) != k_impure.end() ||
        starts_with_any(header, k_impure_folders)) {
        return "replay/ is pure: no threads, clocks, files, sockets or random devices";
    }
    return std::nullopt;
}

std::optional<std::string> top_folder_violation(std::string_view name) {
    const bool other = std::find(k_other_folders.begin(), k_other_folders.end(), name) != k_other_folders.end();
    if (name.starts_with('.') || name == "build" || other || folder_named(name) != nullptr) return std::nullopt;
    return "a folder " + quote(name) +
           " at the top: expected daemon, replay, storage, dashboard, proto, tests or systemd";
}

}  // namespace replayd::testing
