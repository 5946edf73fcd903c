#include "daemon/api/search_folders.hpp"

#include <filesystem>
#include <map>

#include "daemon/net/quoted.hpp"
#include "storage/search_file.hpp"

namespace replayd::api {
namespace {

namespace fs = std::filesystem;

struct Found {
    std::map<std::string, std::string> paths;  ///< by name; of two alike that of the folder named first
    std::vector<std::string> troubles;
};

Found files_of(const std::vector<std::string>& folders) {
    Found out;
    for (const std::string& folder : folders) {
        std::error_code wrong;
        for (fs::directory_iterator at(folder, wrong), end; !wrong && at != end; at.increment(wrong)) {
            const std::string path = at->path().string();
            if (!storage::is_search_file(path)) continue;
            const auto [known, added] = out.paths.emplace(at->path().filename().string(), path);
            if (!added) {
                out.troubles.push_back(path + " has the name of " + known->second +
                                       ", which is shown in its place: expected different names");
            }
        }
        if (wrong) out.troubles.push_back("folder of searches " + folder + " cannot be read: " + wrong.message());
    }
    return out;
}

}  // namespace

SearchFolders::Listing SearchFolders::list() const {
    Found found = files_of(folders_);
    Listing out;
    for (const auto& [name, path] : found.paths) out.names.push_back(name);
    out.troubles = std::move(found.troubles);
    return out;
}

Result<std::string> SearchFolders::path_of(const std::string& name) const {
    const Found found = files_of(folders_);
    const auto known = found.paths.find(name);
    if (known != found.paths.end()) return known->second;
    return fail(Code::not_found, "no file of searches " + net::quoted(name) +
                                     (folders_.empty() ? ": the daemon was started without --searches FOLDER"
                                                       : " in the folders that the daemon was given"));
}

}  // namespace replayd::api
