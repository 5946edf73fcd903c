#include "storage/history.hpp"

#include <sqlite3.h>

#include <filesystem>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "replay/base/assert.hpp"
#include "storage/integrity.hpp"
#include "storage/run_rows.hpp"
#include "storage/schema.hpp"
#include "storage/stepped_history.hpp"
#include "storage/write_queue.hpp"
#include "storage/writer.hpp"

namespace replayd::storage {
namespace {

// 16 MB of WAL between checkpoints instead of 4 MB: pages that rows append to are copied back less often.
constexpr int k_checkpoint_pages = 4'000;
constexpr int k_wal_bytes_kept_max = 64 << 20;
constexpr int k_writer_cache_kib = 32'000;

Result<void> limit_size(Connection& connection, std::int64_t file_bytes_max) {
    if (file_bytes_max == 0) return {};
    const auto page = connection.query_integer("PRAGMA page_size");
    if (!page) return tl::unexpected(page.error());
    if (file_bytes_max < *page) {
        return fail(Code::invalid_argument, "the size limit of the history is " + std::to_string(file_bytes_max) +
                                                " bytes: expected 0 (none) or at least a page, " +
                                                std::to_string(*page));
    }
    return connection.execute("PRAGMA max_page_count = " + std::to_string(file_bytes_max / *page));
}

Result<void> set_wal(Connection& connection) {
    auto mode = connection.prepare("PRAGMA journal_mode = WAL");
    if (!mode) return tl::unexpected(mode.error());
    const auto row = mode->step();
    if (!row) return tl::unexpected(row.error());
    if (mode->text(0) == "wal") return {};
    return fail(Code::io, "history " + connection.path() + ": it cannot have a write-ahead log (journal mode is '" +
                              mode->text(0) + "'): choose a path on a local file system");
}

/// The last connection of a clean end takes the write-ahead log with it.
bool ended_uncleanly(const std::string& path) {
    std::error_code none;
    const auto bytes = std::filesystem::file_size(path + "-wal", none);
    return !none && bytes > 0;
}

Result<Connection> open_for_writing(const HistoryOptions& options) {
    if (auto ours = check_file(options.path); !ours) return tl::unexpected(ours.error());
    const bool check = options.start_check == StartCheck::always || ended_uncleanly(options.path);
    auto connection = Connection::open(options.path, Access::read_write_create);
    if (!connection) return connection;
    if (auto ours = check_connection(*connection); !ours) return tl::unexpected(ours.error());
    if (sqlite3_db_readonly(connection->raw(), "main") == 1) {
        return fail(Code::io, "history " + options.path + ": the file is read-only: give the daemon's user the right "
                              "to write it, or choose another path");
    }
    if (check) {
        if (auto sound = refuse_damaged(*connection); !sound) return tl::unexpected(sound.error());
    }
    if (auto limited = limit_size(*connection, options.file_bytes_max); !limited) {
        return tl::unexpected(limited.error());
    }
    if (auto set = set_wal(*connection); !set) return tl::unexpected(set.error());
    const std::string synchronous = options.durability == Durability::full ? "FULL" : "NORMAL";
    auto set = connection->execute("PRAGMA synchronous = " + synchronous +
                                   "; PRAGMA wal_autocheckpoint = " + std::to_string(k_checkpoint_pages) +
                                   "; PRAGMA journal_size_limit = " + std::to_string(k_wal_bytes_kept_max) +
                                   "; PRAGMA cache_size = -" + std::to_string(k_writer_cache_kib));
    if (!set) return tl::unexpected(set.error());
    if (auto migrated = migrate(*connection); !migrated) return tl::unexpected(migrated.error());
    return connection;
}

class HistoryImpl final : public SteppedHistory {
public:
    HistoryImpl(HistoryOptions options, std::unique_ptr<WriteTools> tools, Connection reader, bool stepped)
        : queue_(options.queue_rows_max, options.queue_batches_max, std::move(options.now)),
          writer_(std::move(tools), queue_, std::move(options.on_commit)),
          reader_(std::move(reader)),
          stepped_(stepped) {
        if (!stepped) thread_ = std::thread([this] { writer_.run(); });
    }

    ~HistoryImpl() override {
        queue_.stop();
        if (!stepped_) thread_.join();
        if (stepped_ && !abandoned_) writer_.run();
    }

    bool write_waiting() override { return writer_.turn(); }
    void abandon() override { abandoned_ = true; }

    Result<StreamRow> add_stream(const StreamRow& stream) override {
        StreamRow added = stream;
        auto done = wait_for([&](WriteTools& tools) -> Result<void> {
            const auto id = insert_stream(*tools.connection, stream);
            if (!id) return tl::unexpected(id.error());
            added.id = *id;
            return {};
        });
        if (!done) return tl::unexpected(done.error());
        return added;
    }

    Result<AddedStream> add_stream_with_runs(const StreamRow& stream, const std::vector<NewRun>& runs) override {
        AddedStream added;
        auto done = wait_for([&](WriteTools& tools) -> Result<void> {
            auto inserted = insert_stream_with_runs(*tools.connection, stream, runs);
            if (!inserted) return tl::unexpected(inserted.error());
            added = std::move(*inserted);
            return {};
        });
        if (!done) return tl::unexpected(done.error());
        return added;
    }

    Result<void> update_stream(const StreamRow& stream) override {
        return wait_for([&](WriteTools& tools) { return rewrite_stream(*tools.connection, stream); });
    }

    Result<RunRow> add_run(const RunRow& run, const std::vector<MemoryPlan>& plans,
                           const Scenario& scenario) override {
        RunRow added = run;
        auto done = wait_for([&](WriteTools& tools) -> Result<void> {
            const auto id = insert_run(*tools.connection, run, plans, scenario);
            if (!id) return tl::unexpected(id.error());
            added.id = *id;
            return {};
        });
        if (!done) return tl::unexpected(done.error());
        return added;
    }

    void append_batch(std::int64_t stream_id, LoggedBatch batch, Done done) override {
        UrgentItem item{[stream_id, logged = std::move(batch)](WriteTools& tools) {
                            return tools.log.append(stream_id, logged);
                        },
                        std::move(done), std::nullopt};
        if (queue_.push_urgent(item)) return;
        // Answered on the writer thread like every other, without the payload.
        item.apply = nullptr;
        item.refused = Error{Code::unavailable,
                             "the history has too many batches waiting: send this one again later"};
        queue_.push_urgent_always(std::move(item));
    }

    void add_requests(std::int64_t run_id, std::vector<RequestRecord> records) override {
        if (!records.empty()) queue_.push_bulk(BulkItem{run_id, std::move(records), {}});
    }

    void add_window(std::int64_t run_id, std::vector<WindowRecord> windows) override {
        if (!windows.empty()) queue_.push_bulk(BulkItem{run_id, std::move(windows), {}});
    }

    void add_residuals(std::int64_t run_id, std::vector<ResidualWindow> windows) override {
        if (!windows.empty()) queue_.push_bulk(BulkItem{run_id, std::move(windows), {}});
    }

    void finish_run(std::int64_t run_id, RunTotals totals, Done done) override {
        queue_.push_bulk(BulkItem{run_id, std::move(totals), std::move(done)});
    }

    void refuse_rows() override { queue_.refuse_rows(); }

    Result<std::vector<StreamRow>> streams() override {
        const std::lock_guard lock(reader_mutex_);
        return read_streams(reader_);
    }

    Result<std::vector<RunRow>> unfinished_runs(std::int64_t stream_id) override {
        const std::lock_guard lock(reader_mutex_);
        return read_unfinished_runs(reader_, stream_id);
    }

    Result<std::vector<LoggedBatch>> batches(std::int64_t stream_id, std::uint64_t from,
                                             std::size_t limit) override {
        const std::lock_guard lock(reader_mutex_);
        return read_batches(reader_, stream_id, from, limit);
    }

    Result<void> flush() override {
        // The bulk lane may be written before the urgent lane of this moment: await both.
        auto logged = wait_for([](WriteTools&) -> Result<void> { return {}; });
        auto added = await([&](Done done) { queue_.push_bulk(BulkItem{0, Barrier{}, std::move(done)}); });
        return logged ? added : logged;
    }

    void probe(std::function<void()> answered) override {
        queue_.push_urgent_always(UrgentItem{[](WriteTools&) -> Result<void> { return {}; },
                                             [answered = std::move(answered)](const Result<void>&) { answered(); },
                                             std::nullopt});
    }
    HistoryCounters counters() const override { return writer_.counters(); }
    std::optional<Error> trouble() const override { return writer_.trouble(); }

private:
    /// Hands `send` a callback and blocks until it was called.
    template <class Send>
    Result<void> await(Send send) {
        REPLAYD_ASSERT(stepped_ || std::this_thread::get_id() != thread_.get_id());
        // Shared, since an abandoned writer may hold the callback for longer than this call.
        const auto answer = std::make_shared<std::promise<Result<void>>>();
        auto answered = answer->get_future();
        send([answer](Result<void> result) { answer->set_value(std::move(result)); });
        while (stepped_ && answered.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
            const bool written = writer_.turn();
            REPLAYD_ASSERT(written);  // what is awaited is due at once
        }
        return answered.get();
    }

    /// Blocks until `apply` has run in a committed transaction.
    template <class Apply>
    Result<void> wait_for(Apply apply) {
        return await([&](Done done) {
            queue_.push_urgent_always(UrgentItem{std::ref(apply), std::move(done), std::nullopt});
        });
    }

    WriteQueue queue_;
    Writer writer_;
    std::mutex reader_mutex_;
    Connection reader_;
    const bool stepped_;
    bool abandoned_ = false;
    std::thread thread_;
};

Result<std::unique_ptr<HistoryImpl>> open_impl(HistoryOptions options, bool stepped) {
    auto connection = open_for_writing(options);
    if (!connection) return tl::unexpected(connection.error());
    auto tools = WriteTools::make(std::move(*connection));
    if (!tools) return tl::unexpected(tools.error());
    auto reader = Connection::open(options.path, Access::read_only);
    if (!reader) return tl::unexpected(reader.error());
    return std::make_unique<HistoryImpl>(std::move(options), std::move(*tools), std::move(*reader), stepped);
}

}  // namespace

Result<std::unique_ptr<History>> History::open(HistoryOptions options) {
    return open_impl(std::move(options), false);
}

Result<std::unique_ptr<SteppedHistory>> SteppedHistory::open(HistoryOptions options) {
    return open_impl(std::move(options), true);
}

}  // namespace replayd::storage
