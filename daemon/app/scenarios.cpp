#include "daemon/app/scenarios.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

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
    if (error) return fail(Code::io, "cannot read the scenario folder " + dir + ": " + error.message());
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

Result<std::unique_ptr<stream::ScenarioLibrary>> load_scenarios(const config::DaemonConfig& config) {
    auto catalog = load_catalog(config.catalog_files);
    if (!catalog) return tl::unexpected(catalog.error());
    auto library = stream::ScenarioLibrary::create(std::move(*catalog));
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
