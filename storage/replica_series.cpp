#include "storage/replica_series.hpp"

#include <algorithm>

namespace replayd::storage {
namespace {

/// The end of the run's last window.
Result<std::int64_t> end_of(Connection& connection, std::int64_t run_id) {
    auto last = connection.prepare("SELECT coalesce(max(start_ns + length_ns), 0) FROM window WHERE run_id = ?");
    if (!last) return tl::unexpected(last.error());
    last->bind(1, run_id);
    if (auto row = last->step(); !row) return tl::unexpected(row.error());
    return last->integer(0);
}

/// Adds a point, or lets it take the place of one in the same part of the run.
void add(std::vector<ReplicaPoint>& points, const ReplicaPoint& point, std::int64_t part_ns) {
    // Parts are closed at their end, where windows end too.
    if (!points.empty() && (points.back().at.ns - 1) / part_ns == (point.at.ns - 1) / part_ns) points.pop_back();
    points.push_back(point);
}

}  // namespace

Result<std::vector<ReplicaSeries>> read_replica_series(Connection& connection, std::int64_t run_id, std::size_t limit) {
    const auto end = end_of(connection, run_id);
    if (!end) return tl::unexpected(end.error());
    const std::int64_t part_ns = std::max<std::int64_t>(1, ceil_div(*end, static_cast<std::int64_t>(limit)));
    auto rows = connection.prepare(
        "SELECT replica, pool, start_ns + length_ns, r.kv_blocks_used, kv_blocks_cached, workspace_bytes "
        "FROM replica_window AS r JOIN window USING (run_id, start_ns) "
        "WHERE run_id = ?1 AND start_ns + length_ns <= ?2 ORDER BY start_ns, replica");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, run_id);
    rows->bind(2, *end);
    std::vector<ReplicaSeries> series;
    for (;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return series;
        const auto replica = static_cast<std::int32_t>(rows->integer(0));
        auto found = std::lower_bound(series.begin(), series.end(), replica,
                                      [](const ReplicaSeries& s, std::int32_t index) { return s.replica < index; });
        if (found == series.end() || found->replica != replica) {
            found = series.insert(found, ReplicaSeries{replica, static_cast<std::int32_t>(rows->integer(1)), {}});
        }
        add(found->points,
            ReplicaPoint{VirtualTime(rows->integer(2)), rows->integer(3), rows->integer(4), Bytes(rows->integer(5))},
            part_ns);
    }
}

}  // namespace replayd::storage
