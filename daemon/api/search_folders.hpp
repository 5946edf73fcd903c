#pragma once
// The folders whose files of searches the daemon shows, as they are at this moment. Reads only; any thread.

#include <string>
#include <vector>

#include "replay/base/error.hpp"

namespace replayd::api {

class SearchFolders {
public:
    explicit SearchFolders(std::vector<std::string> folders) : folders_(std::move(folders)) {}

    struct Listing {
        std::vector<std::string> names;  ///< of files that searches were stored in, sorted, each once
        /// What keeps a folder or a file from being among them, in words. Files of other kinds are no trouble.
        std::vector<std::string> troubles;
    };
    [[nodiscard]] Listing list() const;
    /// The path of a file by its name alone. Error `not_found`, also for a name that leads elsewhere.
    [[nodiscard]] Result<std::string> path_of(const std::string& name) const;

    [[nodiscard]] const std::vector<std::string>& folders() const { return folders_; }

private:
    std::vector<std::string> folders_;
};

}  // namespace replayd::api
