#include "daemon/stream/run_identity.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace replayd::stream {
namespace {

Result<std::shared_ptr<const CompiledScenario>> own_scenario(const storage::RunRow& row, const ComposeText& compose) {
    return compose(row.scenario_toml, "scenario of run " + std::to_string(row.id));
}

/// What is of `parts` before `at`, with the scenario that holds at that moment cut there.
std::vector<ForkedPart> cut_at(std::vector<ForkedPart> parts, std::shared_ptr<const CompiledScenario> last,
                               VirtualTime at) {
    const auto holds =
        std::find_if(parts.begin(), parts.end(), [at](const ForkedPart& part) { return part.until >= at; });
    if (holds != parts.end()) last = holds->compiled;
    parts.erase(holds, parts.end());
    parts.push_back({std::move(last), at});
    return parts;
}

/// The scenarios that a fork has before its own; none for a run that is no fork.
Result<std::vector<ForkedPart>> parts_before(const storage::RunRow& row, storage::Reader& reader,
                                             const ComposeText& compose) {
    if (row.forked_from == 0) return std::vector<ForkedPart>{};
    const auto parent = reader.run(row.forked_from);
    if (!parent) return tl::unexpected(parent.error());
    return parts_of_fork(parent->row, row.forked_at, reader, compose);
}

}  // namespace

Result<std::vector<ForkedPart>> parts_of_fork(const storage::RunRow& parent, VirtualTime at, storage::Reader& reader,
                                              const ComposeText& compose) {
    auto before = parts_before(parent, reader, compose);
    if (!before) return before;
    auto own = own_scenario(parent, compose);
    if (!own) return tl::unexpected(own.error());
    return cut_at(std::move(*before), std::move(*own), at);
}

Result<RunIdentity> identity_of(const storage::RunRow& row, std::string_view stream, storage::Reader& reader,
                                const ComposeText& compose) {
    auto compiled = own_scenario(row, compose);
    if (!compiled) return tl::unexpected(compiled.error());
    auto before = parts_before(row, reader, compose);
    if (!before) return tl::unexpected(before.error());
    RunIdentity identity{row.id,         std::string(stream), row.scenario, row.scenario_toml,
                         row.created_ms, std::move(*compiled)};
    identity.before = std::move(*before);
    identity.forked_from = row.forked_from;
    identity.forked_at = row.forked_at;
    return identity;
}

Result<void> check_one_stream(const storage::RunInfo& a, const storage::RunInfo& b) {
    if (a.stream == b.stream) return {};
    return fail(Code::invalid_argument, "run " + std::to_string(a.row.id) + " is of stream " + a.stream + ", run " +
                                            std::to_string(b.row.id) + " of " + b.stream +
                                            ": expected runs of one stream");
}

}  // namespace replayd::stream
