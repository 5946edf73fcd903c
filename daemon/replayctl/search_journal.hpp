#pragma once
// The outcomes of a search in a file, a JSON object per line, so that a search that was interrupted goes on where it
// was. The first line says which search it is; a line that was cut by a crash is dropped.

#include <memory>
#include <string>

#include "daemon/files/file_handle.hpp"
#include "replay/search/methods.hpp"

namespace replayd::ctl {

class SearchJournal {
public:
    /// Opens or creates `path`. `identity` names the search: its text, its base scenario and the trace. Errors:
    /// `failed_state` if the file is of another search, `invalid_argument` if it is no journal, `io`.
    [[nodiscard]] static Result<SearchJournal> open(const std::string& path, const std::string& identity);

    /// What earlier runs found.
    [[nodiscard]] const search::Outcomes& outcomes() const { return outcomes_; }
    /// Appends one outcome; on return it survives the process. One thread at a time.
    [[nodiscard]] Result<void> add(const search::Trial& trial, const search::Measured& measured);

private:
    SearchJournal(std::string path, files::FileHandle file) : path_(std::move(path)), file_(std::move(file)) {}
    [[nodiscard]] Result<void> append(const std::string& line);

    std::string path_;
    files::FileHandle file_;
    search::Outcomes outcomes_;
};

}  // namespace replayd::ctl
