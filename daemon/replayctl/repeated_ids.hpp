#pragma once
// Ids that more than one request of a trace has. Nothing is wrong with the replay then: the daemon and replayctl take
// them for different requests (proto/README.md). But a trace that was joined with itself looks so too: it is told.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace replayd::ctl {

class RepeatedIds {
public:
    /// Ids beyond so many are not looked at: 16 MiB of hashes, whatever the length of the trace.
    static constexpr std::size_t k_ids_max = 1'000'000;

    void look_at(const std::string& id);

    /// Requests whose id an earlier one has.
    [[nodiscard]] std::int64_t count() const { return count_; }
    /// A sentence that tells of them, or nothing where there are none.
    [[nodiscard]] std::optional<std::string> remark() const;

private:
    void grow();
    /// Where the hash is, or would be.
    [[nodiscard]] std::size_t slot_of(std::uint64_t hash) const;

    std::vector<std::uint64_t> slots_;  ///< hashes of ids, a power of two of which at most half are taken; 0: free
    std::size_t ids_ = 0;
    std::int64_t count_ = 0;
    std::string first_;
};

}  // namespace replayd::ctl
