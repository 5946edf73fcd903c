#include "storage/residual_rows.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace replayd::storage {
namespace {

/// Metrics and windows behind `run_id`, in the order in which rows are read and written.
constexpr const char* k_columns =
    "start_ns, metric, length_ns, requests, predicted, observed, scale, relative_errors, relative_count, "
    "absolute_errors, alarm";

Result<ResidualSums> read_sums(const Statement& row) {
    auto errors = Histogram::decode(row.text(9));
    if (!errors) {
        return fail(Code::internal, "residual window at " + std::to_string(row.integer(0)) + " ns: its histogram of " +
                                        row.text(1) + " is damaged: " + errors.error().message);
    }
    return ResidualSums{row.integer(3), row.integer(4), row.integer(5),     row.integer(6),
                        row.real(7),    row.integer(8), std::move(*errors), row.integer(10) != 0};
}

Result<ResidualMetric> metric_of(const std::string& name) {
    const auto found = std::find(k_residual_metric_names.begin(), k_residual_metric_names.end(), name);
    if (found != k_residual_metric_names.end()) {
        return static_cast<ResidualMetric>(found - k_residual_metric_names.begin());
    }
    return fail(Code::internal, "residual_window has the metric \"" + name + "\", which this replayd does not know");
}

/// Windows with rows from `from` on.
Result<std::int64_t> count_windows(Connection& connection, std::int64_t run_id, VirtualTime from) {
    auto count = connection.prepare(
        "SELECT count(DISTINCT start_ns) FROM residual_window WHERE run_id = ?1 AND start_ns >= ?2");
    if (!count) return tl::unexpected(count.error());
    count->bind(1, run_id);
    count->bind(2, from.ns);
    if (auto row = count->step(); !row) return tl::unexpected(row.error());
    return count->integer(0);
}

/// Windows in time order, merged in groups of `group`, one by one.
class Groups {
public:
    explicit Groups(std::int64_t group) : group_(group) {}

    void add(ResidualWindow window) {
        if (taken_++ % group_ == 0) {
            windows_.push_back(std::move(window));
        } else {
            append_residuals(windows_.back(), window);
        }
    }
    [[nodiscard]] std::vector<ResidualWindow> take() { return std::move(windows_); }

private:
    const std::int64_t group_;
    std::int64_t taken_ = 0;
    std::vector<ResidualWindow> windows_;
};

}  // namespace

Result<ResidualInserter> ResidualInserter::prepare(Connection& connection) {
    auto insert = connection.prepare(std::string("INSERT INTO residual_window (run_id, ") + k_columns +
                                     ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                                     "ON CONFLICT (run_id, start_ns, metric) DO NOTHING");
    if (!insert) return tl::unexpected(insert.error());
    return ResidualInserter(connection, std::move(*insert));
}

Result<bool> ResidualInserter::add(std::int64_t run_id, const ResidualWindow& window) {
    bool added = false;
    for (std::size_t i = 0; i < k_residual_metrics; ++i) {
        const ResidualSums& sums = window.metrics[i];
        if (sums.count == 0 && !sums.alarm) continue;
        const std::string errors = sums.absolute_errors.encode();
        insert_.bind(1, run_id);
        insert_.bind(2, window.start.ns);
        insert_.bind(3, k_residual_metric_names[i]);
        int parameter = 4;
        for (const std::int64_t value : {window.length.value, sums.count, sums.predicted, sums.observed, sums.scale}) {
            insert_.bind(parameter++, value);
        }
        insert_.bind(parameter++, sums.relative_errors);
        insert_.bind(parameter++, sums.relative_count);
        insert_.bind_blob(parameter++, errors);
        insert_.bind(parameter++, std::int64_t{sums.alarm ? 1 : 0});
        if (auto done = insert_.run(); !done) return tl::unexpected(done.error());
        added = added || connection_->rows_changed() > 0;
    }
    return added;
}

Result<std::vector<ResidualWindow>> read_residuals(Connection& connection, std::int64_t run_id, VirtualTime from,
                                                   std::size_t limit) {
    const auto stored = count_windows(connection, run_id, from);
    if (!stored) return tl::unexpected(stored.error());
    Groups groups(std::max<std::int64_t>(1, ceil_div(*stored, static_cast<std::int64_t>(limit))));
    auto rows = connection.prepare(std::string("SELECT ") + k_columns +
                                   " FROM residual_window WHERE run_id = ?1 AND start_ns >= ?2 ORDER BY start_ns");
    if (!rows) return tl::unexpected(rows.error());
    rows->bind(1, run_id);
    rows->bind(2, from.ns);
    std::optional<ResidualWindow> window;
    // Windows that are added after they were counted are left for the next call.
    for (std::int64_t begun = 0;;) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        const bool same = *row && window && window->start.ns == rows->integer(0);
        if (!same && window) groups.add(std::move(*window));
        if (!*row || (!same && begun == *stored)) return groups.take();
        if (!same) {
            window = ResidualWindow{VirtualTime(rows->integer(0)), Duration(rows->integer(2)), {}};
            ++begun;
        }
        const auto metric = metric_of(rows->text(1));
        if (!metric) return tl::unexpected(metric.error());
        auto sums = read_sums(*rows);
        if (!sums) return tl::unexpected(sums.error());
        (*window)[*metric] = std::move(*sums);
    }
}

}  // namespace replayd::storage
