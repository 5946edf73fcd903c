#include "daemon/app/scenarios.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "daemon/files/profile_folder.hpp"

namespace replayd::app {
namespace {

namespace fs = std::filesystem;

Result<Catalog> load_catalog(const std::vector<std::string>& files) {
    Catalog catalog = Catalog::built_in();
    for (const std::string& file : files) {
        auto text = config::read_text_file(file);
        if (!text) return tl::unexpected(text.error());
        if (auto added = catalog.add(*text, file); !added) return tl::unexpected(added.error());
    }
    return catalog;
}

Result<std::vector<std::string>> toml_files(const std::string& dir) {
    std::vector<std::string> files;
    std::error_code error;
    for (fs::directory_iterator entry(dir, error), end; !error && entry != end; entry.increment(error)) {
        if (entry->path().extension() == ".toml") files.push_back(entry->path().string());
    }
    if (error) {
        const bool missing = error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
        return fail(missing ? Code::not_found : Code::io,
                    "scenarios.dirs (--scenario-dir) names \"" + dir + "\": " + error.message() +
                        ": expected a folder of scenario files");
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// Reads profile folders that lie below a scenario folder: its own path is all that a scenario keeps, whether it came
/// from a file, over HTTP or out of the history after a restart. Paths that lead elsewhere are refused, since anyone
/// who may post a scenario may name one.
ProfileLoader profile_loader(std::vector<std::string> folders) {
    return [folders = std::move(folders)](std::string_view path, const ModelSpec& model,
                                          const PoolSpec& pool) -> Result<std::shared_ptr<const cost::StepProfile>> {
        const fs::path wanted(path);
        if (wanted.is_absolute() || std::find(wanted.begin(), wanted.end(), "..") != wanted.end()) {
            return fail(Code::invalid_argument, "expected a path below the daemon's scenario folders, without \"..\"");
        }
        if (folders.empty()) {
            return fail(Code::invalid_argument,
                        "the daemon has no scenario folder to look in; name one with --scenario-dir");
        }
        std::string looked;
        for (const std::string& folder : folders) {
            std::error_code ignored;
            const fs::path found = fs::path(folder) / wanted;
            if (fs::is_directory(found, ignored)) return files::read_profile_folder(found.string(), model, pool);
            looked += (looked.empty() ? "" : ", ") + folder;
        }
        return fail(Code::not_found, "no such folder in the daemon's scenario folders " + looked);
    };
}

/// Where scenarios come from, each folder once.
std::vector<std::string> scenario_folders(const config::DaemonConfig& config) {
    std::vector<std::string> folders = config.scenario_dirs;
    for (const std::string& file : config.scenario_files) {
        const fs::path parent = fs::path(file).parent_path();
        const std::string folder = parent.empty() ? "." : parent.string();
        if (std::find(folders.begin(), folders.end(), folder) == folders.end()) folders.push_back(folder);
    }
    return folders;
}

}  // namespace

Result<std::unique_ptr<stream::ScenarioLibrary>> load_scenarios(const config::DaemonConfig& config) {
    auto catalog = load_catalog(config.catalog_files);
    if (!catalog) return tl::unexpected(catalog.error());
    auto library = stream::ScenarioLibrary::create(std::move(*catalog), profile_loader(scenario_folders(config)));
    if (!library) return library;
    std::vector<std::string> files = config.scenario_files;
    for (const std::string& dir : config.scenario_dirs) {
        auto found = toml_files(dir);
        if (!found) return tl::unexpected(found.error());
        files.insert(files.end(), found->begin(), found->end());
    }
    for (const std::string& file : files) {
        auto text = config::read_text_file(file);
        if (!text) return tl::unexpected(text.error());
        if (auto added = (*library)->add(std::move(*text), file, true); !added) return tl::unexpected(added.error());
    }
    return library;
}

}  // namespace replayd::app
