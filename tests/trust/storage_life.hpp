#pragma once
// One life of a history, written step by step on a disk that may fail: what it was told is durable, and whether the
// file holds that afterwards.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "storage/stepped_history.hpp"

namespace replayd::trust {

inline constexpr const char* k_life_path = "/disk/history.sqlite";

/// What was acknowledged over all lives of one file.
struct Acked {
    std::int64_t stream_id = 0;  ///< 0: not registered
    std::int64_t run_id = 0;
    std::uint64_t batches = 0;
    bool ended = false;
    bool finished = false;  ///< of the run
};

struct LifeOptions {
    storage::Durability durability = storage::Durability::normal;
    int retries = 0;  ///< how often a step that failed is tried again, on a clock that moves on by itself
};

/// The batch, and the requests and windows, that a life writes: the same in every life.
[[nodiscard]] storage::LoggedBatch life_batch(std::uint64_t seq);
inline constexpr std::uint64_t k_life_batches = 8;
inline constexpr std::int64_t k_life_requests = 60;

/// Opens the history, does everything that `acked` does not say is done, closes it. An error ends it as it is met,
/// unless `retries` are left. Returns the first error that ended it; empty when all was done.
[[nodiscard]] std::string live(const LifeOptions& options, Acked& acked);

/// What is wrong with the file, compared with what was acknowledged; empty when nothing is. The file is opened for
/// writing, as a start does. `complete`: everything must be there, not only what was acknowledged.
[[nodiscard]] std::string examine(const Acked& acked, bool complete);

}  // namespace replayd::trust
