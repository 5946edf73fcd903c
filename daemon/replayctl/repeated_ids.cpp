#include "daemon/replayctl/repeated_ids.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "daemon/net/quoted.hpp"
#include "daemon/replayctl/human_text.hpp"

namespace replayd::ctl {
namespace {

constexpr std::size_t k_slots_min = 1024;

}  // namespace

std::size_t RepeatedIds::slot_of(std::uint64_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at] != 0 && slots_[at] != hash) at = (at + 1) & mask;
    return at;
}

void RepeatedIds::grow() {
    const auto before = std::exchange(slots_, std::vector<std::uint64_t>(std::max(k_slots_min, 2 * slots_.size())));
    for (const std::uint64_t hash : before) {
        if (hash != 0) slots_[slot_of(hash)] = hash;
    }
}

void RepeatedIds::look_at(const std::string& id) {
    if (ids_ == k_ids_max) return;
    if (2 * ids_ >= slots_.size()) grow();
    // 64 bits: a million ids meet by chance once in 37 million traces.
    const std::uint64_t hash = std::max<std::uint64_t>(1, std::hash<std::string>()(id));
    std::uint64_t& slot = slots_[slot_of(hash)];
    if (slot == hash) {
        if (count_++ == 0) first_ = id;
        return;
    }
    slot = hash;
    ++ids_;
}

std::optional<std::string> RepeatedIds::remark() const {
    if (count_ == 0) return std::nullopt;
    const std::string who = count_ == 1 ? "1 request has an id" : count_text(count_) + " requests have ids";
    return who + " that an earlier one has, the first is " + net::quoted(first_) +
           ": equal ids are taken for different requests, which `replayctl explain` shows together; is the trace "
           "joined with itself?";
}

}  // namespace replayd::ctl
