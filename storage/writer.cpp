#include "storage/writer.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "replay/base/assert.hpp"
#include "storage/run_rows.hpp"
#include "storage/schema.hpp"

namespace replayd::storage {
namespace {

constexpr std::size_t k_round_rows_max = 8'192;        // of a transaction: some 20 ms
constexpr std::size_t k_shared_round_rows_max = 256;   // beside urgent items, whose acks wait: under 1 ms
constexpr std::size_t k_slice_rows = 256;              // between looks at the urgent lane
constexpr std::chrono::seconds k_retry_after{1};       // a full disk is not pressed harder

constexpr std::uintmax_t k_room_again_bytes = 1 << 20;  // free beside the file, before trouble is over

/// Trouble of the file, against which the whole transaction fails; other errors belong to one item.
bool is_fatal(const Error& error) {
    return error.code == Code::io || error.code == Code::unavailable || error.code == Code::internal ||
           error.code == Code::too_large;
}

}  // namespace

Result<std::unique_ptr<WriteTools>> WriteTools::make(Connection connection) {
    // Statements remember where their connection lies, so it must lie there first.
    auto home = std::make_unique<Connection>(std::move(connection));
    auto log = LogAppender::prepare(*home);
    if (!log) return tl::unexpected(log.error());
    auto requests = RequestInserter::prepare(*home);
    if (!requests) return tl::unexpected(requests.error());
    auto windows = WindowInserter::prepare(*home);
    if (!windows) return tl::unexpected(windows.error());
    auto residuals = ResidualInserter::prepare(*home);
    if (!residuals) return tl::unexpected(residuals.error());
    return std::unique_ptr<WriteTools>(new WriteTools{std::move(home), std::move(*log), std::move(*requests),
                                                      std::move(*windows), std::move(*residuals)});
}

Writer::Writer(std::unique_ptr<WriteTools> tools, WriteQueue& queue, std::function<void(std::int64_t)> on_commit)
    : tools_(std::move(tools)), queue_(queue), on_commit_(std::move(on_commit)) {}

void Writer::run() {
    while (!write(queue_.take(!pending_.empty(), retry_at_))) {
    }
    close_file();
}

bool Writer::turn() {
    auto intake = queue_.take_now(!pending_.empty(), retry_at_);
    if (!intake) return false;
    write(std::move(*intake));
    return true;
}

bool Writer::write(WriteQueue::Intake intake) {
    std::move(intake.bulk.begin(), intake.bulk.end(), std::back_inserter(pending_));
    if (intake.stopping) retry_at_.reset();
    const bool something = !intake.urgent.empty() || !pending_.empty() || retry_at_;
    const bool written = !something || write_round(std::move(intake.urgent));
    if (!intake.stopping) return false;
    if (!written) give_up(*trouble());
    return !written || !something;
}

bool Writer::write_round(std::vector<UrgentItem> urgent) {
    // A full disk may be full of our write-ahead log: moving it into the file gives its space back.
    if (retry_at_ && queue_.now() >= *retry_at_) {
        static_cast<void>(tools_->connection->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
    }
    auto transaction = Transaction::begin(*tools_->connection);
    if (!transaction) {
        fail_round(transaction.error(), urgent);
        return false;
    }
    auto progress = apply_all(urgent);
    const auto committed = progress ? commit(*transaction) : Result<void>(tl::unexpected(progress.error()));
    if (!committed) {
        fail_round(committed.error(), urgent);
        return false;
    }
    complete(std::move(*progress));
    return true;
}

Result<Writer::Progress> Writer::apply_all(std::vector<UrgentItem>& urgent) {
    Progress progress;
    progress.offset = pending_offset_;
    if (auto done = apply_urgent(urgent, progress); !done) return tl::unexpected(done.error());
    if (retry_at_ && queue_.now() < *retry_at_) return progress;
    // Whether the file can be written again must not wait for somebody who has something to write.
    if (retry_at_ && urgent.empty()) {
        const std::string probe = "PRAGMA user_version = " + std::to_string(k_schema_version);
        if (auto done = tools_->connection->execute(probe); !done) return tl::unexpected(done.error());
    }
    const std::size_t rows_max = urgent.empty() ? k_round_rows_max : k_shared_round_rows_max;
    if (auto done = apply_bulk(rows_max, progress); !done) return tl::unexpected(done.error());
    return progress;
}

Result<void> Writer::apply_urgent(std::vector<UrgentItem>& urgent, Progress& progress) {
    const std::int64_t batches_before = tools_->log.appended();
    for (UrgentItem& item : urgent) {
        if (item.refused) {
            progress.answers.push_back(Answer{item.done, tl::unexpected(*item.refused)});
            continue;
        }
        auto result = item.apply(*tools_);
        if (!result && is_fatal(result.error())) return result;
        progress.answers.push_back(Answer{item.done, std::move(result)});
    }
    progress.added.committed_batches = tools_->log.appended() - batches_before;
    return {};
}

Result<void> Writer::apply_bulk(std::size_t rows_max, Progress& progress) {
    while (progress.items < pending_.size() && progress.rows < rows_max) {
        // Whoever came into the urgent lane meanwhile waits for this commit: make it soon.
        if (progress.rows > 0 && queue_.urgent_waiting()) break;
        BulkItem& item = pending_[progress.items];
        if (item.rows() > 0) {
            if (auto done = apply_rows(item, progress); !done) return done;
            if (progress.offset < item.rows()) continue;
        } else if (const auto* totals = std::get_if<RunTotals>(&item.content)) {
            auto result = rewrite_totals(*tools_->connection, item.run_id, *totals);
            if (!result && is_fatal(result.error())) return result;
            progress.answers.push_back(Answer{item.done, std::move(result)});
        } else if (std::holds_alternative<Barrier>(item.content)) {
            progress.answers.push_back(Answer{item.done, {}});
        }
        ++progress.items;
        progress.offset = 0;
    }
    return {};
}

Result<void> Writer::apply_rows(const BulkItem& item, Progress& progress) {
    if (progress.offset == 0) {
        const auto known = run_exists(*tools_->connection, item.run_id);
        if (!known) return tl::unexpected(known.error());
        REPLAYD_ASSERT(*known);
    }
    const std::size_t end = std::min(item.rows(), progress.offset + k_slice_rows);
    const auto add_each = [&](const auto& records, auto& inserter, std::int64_t& added) -> Result<void> {
        for (std::size_t i = progress.offset; i < end; ++i) {
            const auto inserted = inserter.add(item.run_id, records[i]);
            if (!inserted) return tl::unexpected(inserted.error());
            added += *inserted ? 1 : 0;
        }
        return {};
    };
    HistoryCounters& added = progress.added;
    Result<void> done;
    if (const auto* requests = std::get_if<std::vector<RequestRecord>>(&item.content)) {
        done = add_each(*requests, tools_->requests, added.committed_request_rows);
    } else if (const auto* residuals = std::get_if<std::vector<ResidualWindow>>(&item.content)) {
        done = add_each(*residuals, tools_->residuals, added.committed_residual_rows);
    } else {
        done =
            add_each(std::get<std::vector<WindowRecord>>(item.content), tools_->windows, added.committed_window_rows);
    }
    progress.rows += end - progress.offset;
    progress.offset = end;
    return done;
}

Result<void> Writer::commit(Transaction& transaction) {
    const auto start = std::chrono::steady_clock::now();
    if (auto done = transaction.commit(); !done) return done;
    const std::int64_t wall_ns = (std::chrono::steady_clock::now() - start) / std::chrono::nanoseconds(1);
    {
        const std::lock_guard lock(mutex_);
        counters_.commits += 1;
        counters_.commit_wall_ns_total += wall_ns;
    }
    if (on_commit_) on_commit_(wall_ns);
    return {};
}

bool Writer::has_room() const {
    std::error_code unknown;
    const auto space = std::filesystem::space(tools_->connection->path(), unknown);
    return unknown || space.available >= k_room_again_bytes;
}

void Writer::complete(Progress progress) {
    // On a full disk a small transaction may still find its place in what the write-ahead log has taken, and the next
    // one of a client does not: that is no end of the trouble.
    const bool over = !retry_at_ || has_room();
    if (over) {
        retry_at_.reset();
    } else if (*retry_at_ <= queue_.now()) {
        retry_at_ = queue_.now() + k_retry_after;
    }
    {
        const std::lock_guard lock(mutex_);
        if (over) trouble_.reset();
        counters_.committed_request_rows += progress.added.committed_request_rows;
        counters_.committed_window_rows += progress.added.committed_window_rows;
        counters_.committed_residual_rows += progress.added.committed_residual_rows;
        counters_.committed_batches += progress.added.committed_batches;
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(progress.items));
    pending_offset_ = progress.offset;
    if (progress.rows > 0) queue_.release(progress.rows);
    for (Answer& answer : progress.answers) {
        if (answer.done) answer.done(std::move(answer.result));
    }
}

void Writer::fail_round(const Error& error, std::vector<UrgentItem>& urgent) {
    retry_at_ = queue_.now() + k_retry_after;
    {
        const std::lock_guard lock(mutex_);
        trouble_ = error;
        counters_.failed_commits += 1;
    }
    for (UrgentItem& item : urgent) {
        if (item.done) item.done(tl::unexpected(error));
    }
    // Who waits for a barrier hears of the trouble; rows and totals are kept and tried again.
    std::vector<Done> barriers;
    for (BulkItem& item : pending_) {
        if (std::holds_alternative<Barrier>(item.content)) barriers.push_back(std::move(item.done));
    }
    std::erase_if(pending_, [](const BulkItem& item) { return std::holds_alternative<Barrier>(item.content); });
    for (Done& done : barriers) done(tl::unexpected(error));
}

void Writer::give_up(const Error& error) {
    for (BulkItem& item : pending_) {
        if (item.done) item.done(tl::unexpected(error));
    }
    pending_.clear();
}

void Writer::close_file() {
    // Both only make the next start cheaper: an error here loses nothing. The limit bounds what ANALYZE reads.
    static_cast<void>(tools_->connection->execute("PRAGMA analysis_limit = 400; PRAGMA optimize"));
    static_cast<void>(tools_->connection->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
}

HistoryCounters Writer::counters() const {
    const std::lock_guard lock(mutex_);
    HistoryCounters counters = counters_;
    counters.queued_rows = static_cast<std::int64_t>(queue_.queued_rows());
    counters.queued_appends = static_cast<std::int64_t>(queue_.queued_appends());
    return counters;
}

std::optional<Error> Writer::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

}  // namespace replayd::storage
