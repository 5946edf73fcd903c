#include "storage/backup.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "storage/connection.hpp"
#include "storage/schema.hpp"
#include "storage/span_spool.hpp"

namespace replayd::storage {
namespace {

/// Pages of one step, between which a writer gets its turn: 4 MB, some milliseconds.
constexpr int k_step_pages = 1'000;

struct Finish {
    void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};

Result<BackupProgress> copy_pages(Connection& source, Connection& target,
                                  const std::function<void(const BackupProgress&)>& told) {
    // A reading transaction pins one state, so that a busy daemon cannot make the copy start again and again.
    if (auto begun = source.execute("BEGIN; SELECT count(*) FROM sqlite_schema"); !begun)
        return tl::unexpected(begun.error());
    const std::unique_ptr<sqlite3_backup, Finish> backup(
        sqlite3_backup_init(target.raw(), "main", source.raw(), "main"));
    if (!backup) return tl::unexpected(target.error());
    BackupProgress progress;
    for (;;) {
        const int status = sqlite3_backup_step(backup.get(), k_step_pages);
        progress = {sqlite3_backup_remaining(backup.get()), sqlite3_backup_pagecount(backup.get())};
        if (status == SQLITE_DONE) return progress;
        if (status != SQLITE_OK) return tl::unexpected(target.error());
        if (told) told(progress);
    }
}

/// A copy that is not under its name yet; what is left of it goes with the object.
class PartialCopy {
public:
    explicit PartialCopy(std::string to) : to_(std::move(to)), partial_(to_ + ".partial") { remove(); }
    ~PartialCopy() { remove(); }
    PartialCopy(const PartialCopy&) = delete;
    PartialCopy& operator=(const PartialCopy&) = delete;

    /// The pages that were copied.
    [[nodiscard]] Result<std::int64_t> fill(Connection& source,
                                            const std::function<void(const BackupProgress&)>& told) const {
        auto target = Connection::open(partial_, Access::read_write_create);
        if (!target) return tl::unexpected(target.error());
        const auto done = copy_pages(source, *target, told);
        if (!done) return tl::unexpected(done.error());
        // The copy says that it has a write-ahead log, like its source; it is one file all the same, and synced.
        if (auto set = target->execute("PRAGMA wal_checkpoint(TRUNCATE)"); !set) return tl::unexpected(set.error());
        return done->pages;
    }
    [[nodiscard]] Result<void> give_name() const {
        if (std::rename(partial_.c_str(), to_.c_str()) == 0) return {};
        return fail(Code::io, "cannot name the backup " + to_ + ": " + std::strerror(errno));
    }

private:
    void remove() const {
        std::error_code ignored;
        for (const char* rest : {"", "-wal", "-shm"}) std::filesystem::remove(partial_ + rest, ignored);
    }

    const std::string to_;
    const std::string partial_;
};

Result<void> refuse_existing(const std::string& path) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return {};
    return fail(Code::already_exists, path + " exists: a backup is never written over a file; choose another name");
}

Result<Connection> open_history(const std::string& path) {
    if (auto ours = check_file(path); !ours) return tl::unexpected(ours.error());
    auto source = Connection::open(path, Access::read_only);
    if (!source) return source;
    if (auto ours = check_connection(*source); !ours) return tl::unexpected(ours.error());
    return source;
}

}  // namespace

Result<BackedUp> back_up(const std::string& from, const std::string& to,
                         const std::function<void(const BackupProgress&)>& told) {
    std::error_code ignored;
    if (!std::filesystem::exists(from, ignored)) {
        return fail(Code::not_found, "no history at " + from + ": name the file that the daemon writes");
    }
    const std::string spans_to = span_spool_path(to);
    auto free = refuse_existing(to).and_then([&] { return refuse_existing(spans_to); });
    if (!free) return tl::unexpected(free.error());
    auto source = open_history(from);
    if (!source) return tl::unexpected(source.error());
    const PartialCopy spans(spans_to);
    const PartialCopy history(to);
    BackedUp done;
    if (const std::string spans_from = span_spool_path(from); std::filesystem::exists(spans_from, ignored)) {
        auto spool = SpanSpool::open_to_read(spans_from);
        if (!spool) return tl::unexpected(spool.error());
        const auto pages = spans.fill(*spool, {});
        if (!pages) return tl::unexpected(pages.error());
        done = {*pages, spans_to};
    }
    const auto pages = history.fill(*source, told);
    if (!pages) return tl::unexpected(pages.error());
    done.pages += *pages;
    // A history under its name is a whole backup: the spans have theirs before it.
    if (!done.spans.empty()) {
        if (auto named = spans.give_name(); !named) return tl::unexpected(named.error());
    }
    auto named = history.give_name();
    if (named) return done;
    std::filesystem::remove(spans_to, ignored);
    return tl::unexpected(named.error());
}

}  // namespace replayd::storage
