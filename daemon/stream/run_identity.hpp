#pragma once
// What a run of the history is, for replaying it: its scenario, and of a fork those that it has before its own.

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "daemon/stream/run_progress.hpp"
#include "storage/query.hpp"

namespace replayd::stream {

/// Parses and composes the TOML text of a scenario; `origin` names it in messages. Error `invalid_argument`.
using ComposeText =
    std::function<Result<std::shared_ptr<const CompiledScenario>>(std::string_view toml, std::string_view origin)>;

/// The text of a run's scenario as it was is composed again, so that a rebuilt run is the run that it was. Errors: the
/// text is no longer valid; those of reading the runs that a fork goes back to.
[[nodiscard]] Result<RunIdentity> identity_of(const storage::RunRow& row, std::string_view stream,
                                              storage::Reader& reader, const ComposeText& compose);

/// The parts of a fork of `parent` that is it before `at`.
[[nodiscard]] Result<std::vector<ForkedPart>> parts_of_fork(const storage::RunRow& parent, VirtualTime at,
                                                            storage::Reader& reader, const ComposeText& compose);

/// Error `invalid_argument` when two runs that are to be compared replay different streams.
[[nodiscard]] Result<void> check_one_stream(const storage::RunInfo& a, const storage::RunInfo& b);

}  // namespace replayd::stream
