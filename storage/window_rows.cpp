#include "storage/window_rows.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "storage/merge_windows.hpp"
#include "storage/request_rows.hpp"

namespace replayd::storage {
namespace {

/// The plain integer members of a window, in the order of their columns from `arrived` to `batch_sequences`.
template <class Window>
auto integers_of(Window& w) {
    return std::array{&w.arrived,           &w.finished,       &w.rejected,        &w.within_slo,
                      &w.prompt_tokens.value, &w.output_tokens.value, &w.steps,   &w.preemptions,
                      &w.waiting,           &w.running,        &w.transferring,    &w.kv_blocks_used,
                      &w.kv_blocks_total,   &w.busy.value,     &w.batch_tokens,    &w.batch_sequences};
}

constexpr std::string_view k_pool_columns =
    "waiting, running, kv_blocks_used, kv_blocks_total, steps, busy_ns, prompt_tokens, output_tokens, kv_blocks_cached";

/// The members of a pool's share, in the order of k_pool_columns.
template <class Pool>
auto integers_of_pool(Pool& p) {
    return std::array{&p.waiting,    &p.running,             &p.kv_blocks_used,      &p.kv_blocks_total, &p.steps,
                      &p.busy.value, &p.prompt_tokens.value, &p.output_tokens.value, &p.kv_blocks_cached};
}

std::string parameters(std::size_t count) {
    std::string text = "?";
    for (std::size_t i = 1; i < count; ++i) text += ", ?";
    return text;
}

std::string window_columns() {
    return "start_ns, length_ns, arrived, finished, rejected, within_slo, prompt_tokens, output_tokens, steps, "
           "preemptions, waiting, running, transferring, kv_blocks_used, kv_blocks_total, busy_ns, batch_tokens, "
           "batch_sequences, " +
           ledger_columns() + ", ttft, tpot, e2e, queue, " + blame_columns() + ", cached_tokens";
}

constexpr std::size_t k_window_columns = 2 + 16 + k_ledger_parts + 4 + k_blame_causes + 1;

Result<WindowRecord> read_window(const Statement& row) {
    WindowRecord window;
    int column = 0;
    window.start = VirtualTime(row.integer(column++));
    window.length = Duration(row.integer(column++));
    for (std::int64_t* value : integers_of(window)) *value = row.integer(column++);
    for (Duration& part : window.ledger) part = Duration(row.integer(column++));
    for (Histogram* histogram : {&window.ttft, &window.tpot, &window.e2e, &window.queue}) {
        auto decoded = Histogram::decode(row.text(column++));
        if (!decoded) {
            return fail(Code::internal, "window starting at " + std::to_string(window.start.ns) +
                                            " ns: " + decoded.error().message);
        }
        *histogram = std::move(*decoded);
    }
    for (Duration& cause : window.blame.causes) cause = Duration(row.integer(column++));
    window.cached_tokens = Tokens(row.integer(column++));
    return window;
}

/// Reads the pools of one window.
Result<void> read_pools(Statement& pools, std::int64_t run_id, WindowRecord& window) {
    pools.bind(1, run_id);
    pools.bind(2, window.start.ns);
    for (;;) {
        const auto row = pools.step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return {};
        auto& pool = window.pools.emplace_back();
        int column = 0;
        for (std::int64_t* value : integers_of_pool(pool)) *value = pools.integer(column++);
    }
}

/// Reads the replicas of one window.
Result<void> read_replicas(Statement& replicas, std::int64_t run_id, WindowRecord& window) {
    replicas.bind(1, run_id);
    replicas.bind(2, window.start.ns);
    for (;;) {
        const auto row = replicas.step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return {};
        window.replicas.push_back(ReplicaWindow{static_cast<std::int32_t>(replicas.integer(0)),
                                                static_cast<std::int32_t>(replicas.integer(1)), replicas.integer(2),
                                                replicas.integer(3), Bytes(replicas.integer(4))});
    }
}

}  // namespace

Result<WindowInserter> WindowInserter::prepare(Connection& connection) {
    auto window = connection.prepare("INSERT INTO window (run_id, " + window_columns() + ") VALUES (" +
                                     parameters(1 + k_window_columns) +
                                     ") ON CONFLICT (run_id, start_ns) DO NOTHING");
    if (!window) return tl::unexpected(window.error());
    auto pool = connection.prepare("INSERT INTO pool_window (run_id, start_ns, pool, " + std::string(k_pool_columns) +
                                   ") VALUES (" + parameters(12) + ")");
    if (!pool) return tl::unexpected(pool.error());
    auto replica = connection.prepare("INSERT INTO replica_window VALUES (" + parameters(7) + ")");
    if (!replica) return tl::unexpected(replica.error());
    return WindowInserter(connection, std::move(*window), std::move(*pool), std::move(*replica));
}

Result<bool> WindowInserter::add(std::int64_t run_id, const WindowRecord& window) {
    const std::array blobs = {window.ttft.encode(), window.tpot.encode(), window.e2e.encode(),
                              window.queue.encode()};
    int parameter = 1;
    window_.bind(parameter++, run_id);
    window_.bind(parameter++, window.start.ns);
    window_.bind(parameter++, window.length.value);
    for (const std::int64_t* value : integers_of(window)) window_.bind(parameter++, *value);
    for (const Duration part : window.ledger) window_.bind(parameter++, part.value);
    for (const std::string& blob : blobs) window_.bind_blob(parameter++, blob);
    for (const Duration cause : window.blame.causes) window_.bind(parameter++, cause.value);
    window_.bind(parameter++, window.cached_tokens.value);
    if (auto done = window_.run(); !done) return tl::unexpected(done.error());
    if (connection_->rows_changed() == 0) return false;

    if (auto done = add_pools(run_id, window); !done) return tl::unexpected(done.error());
    if (auto done = add_replicas(run_id, window); !done) return tl::unexpected(done.error());
    return true;
}

Result<void> WindowInserter::add_pools(std::int64_t run_id, const WindowRecord& window) {
    for (std::size_t i = 0; i < window.pools.size(); ++i) {
        int parameter = 1;
        pool_.bind(parameter++, run_id);
        pool_.bind(parameter++, window.start.ns);
        pool_.bind(parameter++, static_cast<std::int64_t>(i));
        for (const std::int64_t* value : integers_of_pool(window.pools[i])) pool_.bind(parameter++, *value);
        if (auto done = pool_.run(); !done) return done;
    }
    return {};
}

Result<void> WindowInserter::add_replicas(std::int64_t run_id, const WindowRecord& window) {
    for (const ReplicaWindow& replica : window.replicas) {
        int parameter = 1;
        for (const std::int64_t value :
             {run_id, window.start.ns, std::int64_t{replica.replica}, std::int64_t{replica.pool},
              replica.kv_blocks_used, replica.kv_blocks_cached, replica.workspace.value}) {
            replica_.bind(parameter++, value);
        }
        if (auto done = replica_.run(); !done) return done;
    }
    return {};
}

Result<std::vector<WindowRecord>> read_windows(Connection& connection, std::int64_t run_id,
                                               VirtualTime from, std::size_t limit) {
    const std::string where = " WHERE run_id = ?1 AND start_ns >= ?2";
    auto count = connection.prepare("SELECT count(*) FROM window" + where);
    if (!count) return tl::unexpected(count.error());
    count->bind(1, run_id);
    count->bind(2, from.ns);
    if (auto row = count->step(); !row) return tl::unexpected(row.error());
    // Rows that are added after this statement are left for the next call.
    const std::int64_t stored = count->integer(0);
    count->reset();
    const std::int64_t group = std::max<std::int64_t>(1, ceil_div(stored, static_cast<std::int64_t>(limit)));

    auto rows = connection.prepare("SELECT " + window_columns() + " FROM window" + where +
                                   " ORDER BY start_ns LIMIT ?3");
    if (!rows) return tl::unexpected(rows.error());
    auto pools = connection.prepare("SELECT " + std::string(k_pool_columns) +
                                    " FROM pool_window WHERE run_id = ? AND start_ns = ? ORDER BY pool");
    if (!pools) return tl::unexpected(pools.error());
    auto replicas = connection.prepare(
        "SELECT replica, pool, kv_blocks_used, kv_blocks_cached, workspace_bytes FROM replica_window "
        "WHERE run_id = ? AND start_ns = ? ORDER BY replica");
    if (!replicas) return tl::unexpected(replicas.error());
    rows->bind(1, run_id);
    rows->bind(2, from.ns);
    rows->bind(3, stored);

    std::vector<WindowRecord> windows;
    for (std::int64_t i = 0;; ++i) {
        const auto row = rows->step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return windows;
        auto window = read_window(*rows);
        if (!window) return tl::unexpected(window.error());
        if (auto read = read_pools(*pools, run_id, *window); !read) return tl::unexpected(read.error());
        if (auto read = read_replicas(*replicas, run_id, *window); !read) return tl::unexpected(read.error());
        if (i % group == 0) {
            windows.push_back(std::move(*window));
        } else {
            append_window(windows.back(), *window);
        }
    }
}

}  // namespace replayd::storage
