#pragma once
// The CSV files of a replay.

#include <optional>
#include <string>

#include "daemon/files/output_file.hpp"
#include "daemon/replayctl/replay_command.hpp"
#include "daemon/replayctl/scenario_replay.hpp"

namespace replayd::ctl {

class CsvFiles {
public:
    /// Creates the files that the options name and writes their headers. Error `invalid_argument` for batches or
    /// tokens of several scenarios, for "-" and for one path twice; those of OutputFile.
    [[nodiscard]] static Result<CsvFiles> open(const ReplayOptions& options);

    [[nodiscard]] CsvWish wish() const {
        return {requests_.has_value(), windows_.has_value(), batches_.has_value(), tokens_.has_value()};
    }
    [[nodiscard]] Result<void> write(const CsvText& text);
    /// Call once, last.
    [[nodiscard]] Result<void> close();

private:
    std::optional<files::OutputFile> requests_;
    std::optional<files::OutputFile> windows_;
    std::optional<files::OutputFile> batches_;
    std::optional<files::OutputFile> tokens_;
};

}  // namespace replayd::ctl
