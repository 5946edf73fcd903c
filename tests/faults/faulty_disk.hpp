#pragma once
// A disk in memory that fails when it is told to: while one lives, it is SQLite's default file system, so that the code
// under test opens its files there and notices nothing. After SQLite's own anomaly and crash tests
// (https://sqlite.org/testing.html, sections 3.2 and 3.3).
//
// A write is in the file at once, as in the page cache, and on the disk after a sync of its file. A file that is made
// or removed is so at once.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "replay/base/random.hpp"

struct sqlite3_vfs;

namespace replayd::faults {

/// What happens at the chosen operation.
enum class FaultKind {
    io_error,     ///< it fails and does nothing
    full,         ///< a write fails with "disk full", other operations as io_error
    short_write,  ///< half of a write is done, then "disk full"; other operations as io_error
    death,        ///< the process dies in front of it: this and every later operation of open files fails
};
inline constexpr int k_fault_kinds = 4;
[[nodiscard]] const char* name_of(FaultKind kind);

struct Fault {
    FaultKind kind = FaultKind::io_error;
    std::int64_t at = 1;    ///< operation that fails, counted from set_fault on, from 1
    bool for_ever = false;  ///< so do all that follow, until the fault is taken away
};

/// The bytes of all files.
using DiskImage = std::map<std::string, std::string>;

/// May be used by several threads.
class FaultyDisk {
public:
    FaultyDisk();
    ~FaultyDisk();
    FaultyDisk(const FaultyDisk&) = delete;
    FaultyDisk& operator=(const FaultyDisk&) = delete;

    /// Counted are opens, writes, truncations, syncs, removals and growths of shared memory.
    void set_fault(std::optional<Fault> fault);
    /// Operations since set_fault, or the start.
    [[nodiscard]] std::int64_t operations() const;
    /// Whether the chosen operation was reached.
    [[nodiscard]] bool struck() const;
    /// Writes that would make the files larger than this in all fail with "disk full"; nothing: no limit.
    void set_capacity(std::optional<std::int64_t> bytes);
    [[nodiscard]] std::int64_t bytes_used() const;

    /// The process is gone: its open files answer with errors, its locks are free. What it wrote stays.
    void kill();
    /// kill(), and of each sector of 512 bytes that was written and not synced the draw decides whether it is on the
    /// disk.
    void lose_power(Random& random);

    [[nodiscard]] DiskImage image() const;
    /// Everything on it is as in the image, and synced. No file may be open, or kill() came before.
    void load(const DiskImage& image);

private:
    struct File;
    struct Handle;
    struct Methods;
    enum class Operation { open, write, truncate, sync, remove, share };
    /// Decides the fate of the next operation: SQLITE_OK, or the error that it ends with.
    [[nodiscard]] int strike(Operation operation, bool& half);
    [[nodiscard]] std::shared_ptr<File> find(const std::string& name, bool create);
    [[nodiscard]] std::int64_t used() const;
    void end_life();

    mutable std::mutex mutex_;
    std::unique_ptr<sqlite3_vfs> vfs_;
    sqlite3_vfs* usual_ = nullptr;
    std::map<std::string, std::shared_ptr<File>> files_;
    std::optional<Fault> fault_;
    std::optional<std::int64_t> capacity_;
    std::int64_t operations_ = 0;
    std::int64_t lives_ = 0;  ///< kills so far: a handle of an earlier life is dead
    bool struck_ = false;
    std::string name_;
};

}  // namespace replayd::faults
