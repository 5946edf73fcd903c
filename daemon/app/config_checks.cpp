#include "daemon/app/config_checks.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "daemon/protocol/validate.hpp"
#include "daemon/stream/stream.hpp"
#include "replay/base/nearest_name.hpp"
#include "storage/request_policy.hpp"

namespace replayd::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view k_mend_page =
    ": expected the page as it is built, such as build/release/dashboard or /usr/share/replayd/dashboard (`./dev "
    "build` makes the first, the package brings the second)";

std::string named(std::string_view key, std::string_view flag, const std::string& value) {
    return std::string(key) + " (" + std::string(flag) + ") is \"" + value + "\": ";
}

Result<void> check_folder(const std::string& where, const std::string& folder, std::string_view expected) {
    std::error_code error;
    const fs::directory_iterator content(folder, error);
    if (!error) return {};
    const std::string mend(expected);
    if (error == std::errc::no_such_file_or_directory) return fail(Code::not_found, where + "no such folder" + mend);
    if (error == std::errc::not_a_directory) return fail(Code::invalid_argument, where + "no folder" + mend);
    return fail(Code::io, where + error.message() + mend);
}

/// The value of an attribute of one tag, "" where it has none.
std::string_view attribute(std::string_view tag, std::string_view start) {
    const std::size_t at = tag.find(start);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = tag.substr(at + start.size());
    return rest.substr(0, rest.find('"'));
}

/// Style sheets, typefaces and scripts that the page loads from beside itself.
std::vector<std::string> files_of(std::string_view html) {
    std::vector<std::string> files;
    for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at + 1)) {
        const std::string_view tag = html.substr(at, html.find('>', at) - at);
        std::string_view file;
        if (tag.starts_with("<link ")) file = attribute(tag, " href=\"");
        if (tag.starts_with("<script ")) file = attribute(tag, " src=\"");
        const bool elsewhere = file.starts_with('/') || file.find(':') != std::string_view::npos;
        if (!file.empty() && !elsewhere) files.emplace_back(file);
    }
    return files;
}

Result<void> check_page(const std::string& folder) {
    if (folder.empty()) return {};
    const std::string where = named("dashboard.dir", "--dashboard", folder);
    if (auto there = check_folder(where, folder, k_mend_page); !there) return there;
    const fs::path index = fs::path(folder) / "index.html";
    std::error_code ignored;
    if (!fs::is_regular_file(index, ignored)) {
        return fail(Code::not_found, where + "it has no index.html" + std::string(k_mend_page));
    }
    const auto html = config::read_text_file(index.string());
    if (!html) return fail(html.error().code, where + html.error().message);
    for (const std::string& file : files_of(*html)) {
        if (fs::is_regular_file(fs::path(folder) / file, ignored)) continue;
        return fail(Code::not_found,
                    where + "its index.html loads " + file + ", which is not there" + std::string(k_mend_page));
    }
    return {};
}

/// `where`: who names them, as "otlp.scenarios".
Result<void> check_names(const std::string& where, const std::vector<std::string>& wanted,
                         const stream::ScenarioLibrary& library) {
    std::vector<std::string> names;
    for (const stream::ListedScenario& known : library.all()) names.push_back(known.scenario.name);
    for (auto wish = wanted.begin(); wish != wanted.end(); ++wish) {
        const std::string& name = *wish;
        if (std::find(wanted.begin(), wish, name) != wish) {
            return fail(Code::invalid_argument, where + " names \"" + name + "\" twice: expected each scenario once");
        }
        if (std::find(names.begin(), names.end(), name) != names.end()) continue;
        std::string message = where + " names \"" + name + "\", and there is no such scenario: expected ";
        const std::string nearest = nearest_name(name, names);
        message += nearest.empty() ? "one " : "\"" + nearest + "\", or another ";
        message += "of the built-in ones and those of scenarios.dirs and scenarios.files, ";
        for (std::size_t i = 0; i < names.size(); ++i) message += (i == 0 ? "" : ", ") + names[i];
        return fail(Code::not_found, message);
    }
    return {};
}

/// What streams that spans create have, besides scenarios.
Result<void> check_otlp(const config::Otlp& otlp) {
    // Without a name each service has a stream of its own, whose name is looked at when it comes.
    const auto name = otlp.stream.empty() ? std::nullopt : protocol::stream_name_violation(otlp.stream);
    if (name) return fail(Code::invalid_argument, "otlp.stream " + *name);
    if (const auto wrong = stream::speed_violation(otlp.speed)) return fail(Code::invalid_argument, "otlp." + *wrong);
    if (const auto policy = storage::RequestPolicy::parse(otlp.request_rows); !policy) {
        return fail(Code::invalid_argument, "otlp." + policy.error().message);
    }
    return {};
}

}  // namespace

Result<void> check_folders(const config::DaemonConfig& config) {
    if (auto page = check_page(config.dashboard_dir); !page) return page;
    for (const std::string& folder : config.search_dirs) {
        auto there = check_folder(named("searches.dirs", "--searches", folder), folder,
                                  ": expected a folder that `replayctl search --db FOLDER/NAME.db` writes to; make it, "
                                  "or name another");
        if (!there) return there;
    }
    return {};
}

Result<void> check_streams(const config::DaemonConfig& config, const stream::ScenarioLibrary& library,
                           const std::function<bool(const std::string&)>& exists) {
    if (auto fine = check_otlp(config.otlp); !fine) return fine;
    if (auto known = check_names("otlp.scenarios", config.otlp.scenarios, library); !known) return known;
    for (const config::StreamConfig& wanted : config.streams) {
        if (exists(wanted.name)) continue;
        auto known = check_names("stream.scenarios of stream \"" + wanted.name + "\"", wanted.scenarios, library);
        if (!known) return known;
    }
    return {};
}

}  // namespace replayd::app
