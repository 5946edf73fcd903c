#pragma once
// What each replica of a run held over time, from table `replica_window`.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/sim/records.hpp"
#include "storage/connection.hpp"

namespace replayd::storage {

struct ReplicaPoint {
    VirtualTime at;  ///< end of the window; the state holds until the next point
    std::int64_t kv_blocks_used = 0;
    std::int64_t kv_blocks_cached = 0;
    Bytes workspace{0};

    bool operator==(const ReplicaPoint&) const = default;
};

struct ReplicaSeries {
    std::int32_t replica = 0;
    std::int32_t pool = 0;
    std::vector<ReplicaPoint> points;  ///< ascending
};

/// All replicas in their order. The run's time is cut into `limit` (>= 1) equal parts; of each, a replica's last state
/// is kept. Error `io`.
[[nodiscard]] Result<std::vector<ReplicaSeries>> read_replica_series(Connection& connection, std::int64_t run_id,
                                                                     std::size_t limit);

}  // namespace replayd::storage
