#include "storage/backup.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "storage/connection.hpp"
#include "storage/schema.hpp"

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

Result<BackupProgress> back_up_into(Connection& source, const std::string& partial,
                                    const std::function<void(const BackupProgress&)>& told) {
    auto target = Connection::open(partial, Access::read_write_create);
    if (!target) return tl::unexpected(target.error());
    auto done = copy_pages(source, *target, told);
    if (!done) return done;
    // The copy says that it has a write-ahead log, like its source; it is one file all the same, and synced.
    if (auto set = target->execute("PRAGMA wal_checkpoint(TRUNCATE)"); !set) return tl::unexpected(set.error());
    return done;
}

}  // namespace

Result<BackupProgress> back_up(const std::string& from, const std::string& to,
                               const std::function<void(const BackupProgress&)>& told) {
    std::error_code ignored;
    if (!std::filesystem::exists(from, ignored)) {
        return fail(Code::not_found, "no history at " + from + ": name the file that the daemon writes");
    }
    if (std::filesystem::exists(to, ignored)) {
        return fail(Code::already_exists, to + " exists: a backup is never written over a file; choose another name");
    }
    if (auto ours = check_file(from); !ours) return tl::unexpected(ours.error());
    auto source = Connection::open(from, Access::read_only);
    if (!source) return tl::unexpected(source.error());
    if (auto ours = check_connection(*source); !ours) return tl::unexpected(ours.error());
    const std::string partial = to + ".partial";
    std::filesystem::remove(partial, ignored);
    auto done = back_up_into(*source, partial, told);
    if (done && std::rename(partial.c_str(), to.c_str()) != 0) {
        done = fail(Code::io, "cannot name the backup " + to + ": " + std::strerror(errno));
    }
    for (const char* rest : {"", "-wal", "-shm"}) std::filesystem::remove(partial + rest, ignored);
    return done;
}

}  // namespace replayd::storage
