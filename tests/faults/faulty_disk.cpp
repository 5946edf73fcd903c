#include "tests/faults/faulty_disk.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <utility>

#include "replay/base/assert.hpp"

namespace replayd::faults {
namespace {

constexpr int k_sector_bytes = 512;
constexpr int k_path_bytes_max = 512;

/// A change that is not synced: bytes at an offset, or a truncation to it.
struct Change {
    std::int64_t offset = 0;
    std::string bytes;
    bool truncation = false;
};

void apply_change(std::string& data, const Change& change) {
    const auto offset = static_cast<std::size_t>(change.offset);
    if (change.truncation) return data.resize(offset);
    if (data.size() < offset + change.bytes.size()) data.resize(offset + change.bytes.size());
    std::copy(change.bytes.begin(), change.bytes.end(), data.begin() + change.offset);
}

}  // namespace

const char* name_of(FaultKind kind) {
    static constexpr std::array<const char*, k_fault_kinds> names = {"I/O error", "disk full", "short write", "death"};
    return names[static_cast<std::size_t>(kind)];
}

struct FaultyDisk::File {
    std::string data;             ///< as every reader sees it
    std::string synced;           ///< as it is on the disk
    std::vector<Change> changes;  ///< from synced to data
    std::map<const Handle*, int> locks;
    std::vector<std::unique_ptr<char[]>> shared;
    std::vector<std::unique_ptr<char[]>> buried;  ///< of earlier lives, whose connections may still look at it
    std::array<std::map<const Handle*, bool>, SQLITE_SHM_NLOCK> shared_locks;  ///< true: exclusive

    void change(Change made) {
        apply_change(data, made);
        changes.push_back(std::move(made));
    }
    void sync() {
        for (const Change& made : changes) apply_change(synced, made);
        changes.clear();
    }
    void drop_shared() {
        std::move(shared.begin(), shared.end(), std::back_inserter(buried));
        shared.clear();
    }
    void forget(const Handle* handle) {
        locks.erase(handle);
        for (auto& holders : shared_locks) holders.erase(handle);
    }
};

/// SQLite's view of an open file: lies in memory that SQLite brings, so it is built and destroyed in place.
struct FaultyDisk::Handle : sqlite3_file {
    FaultyDisk* disk = nullptr;
    std::shared_ptr<File> file;
    std::int64_t life = 0;
    std::string remove_on_close;

    [[nodiscard]] bool dead() const { return life != disk->lives_; }
};

/// The functions that SQLite calls.
struct FaultyDisk::Methods {
    static Handle& of(sqlite3_file* file) { return *static_cast<Handle*>(file); }
    static FaultyDisk& of(sqlite3_vfs* vfs) { return *static_cast<FaultyDisk*>(vfs->pAppData); }

    static int close(sqlite3_file* raw) {
        Handle& handle = of(raw);
        FaultyDisk& disk = *handle.disk;
        const std::lock_guard lock(disk.mutex_);
        handle.file->forget(&handle);
        if (!handle.remove_on_close.empty()) disk.files_.erase(handle.remove_on_close);
        handle.~Handle();
        return SQLITE_OK;
    }
    static int read(sqlite3_file* raw, void* into, int amount, sqlite3_int64 offset) {
        Handle& handle = of(raw);
        const std::lock_guard lock(handle.disk->mutex_);
        if (handle.dead()) return SQLITE_IOERR_READ;
        const std::string& data = handle.file->data;
        const auto size = static_cast<sqlite3_int64>(data.size());
        const auto there = static_cast<int>(std::clamp<sqlite3_int64>(size - offset, 0, amount));
        if (there > 0) std::memcpy(into, data.data() + offset, static_cast<std::size_t>(there));
        if (there == amount) return SQLITE_OK;
        std::memset(static_cast<char*>(into) + there, 0, static_cast<std::size_t>(amount - there));
        return SQLITE_IOERR_SHORT_READ;
    }
    static int write(sqlite3_file* raw, const void* from, int amount, sqlite3_int64 offset) {
        Handle& handle = of(raw);
        FaultyDisk& disk = *handle.disk;
        const std::lock_guard lock(disk.mutex_);
        bool half = false;
        int status = handle.dead() ? SQLITE_IOERR_WRITE : disk.strike(Operation::write, half);
        const auto growth = offset + amount - static_cast<sqlite3_int64>(handle.file->data.size());
        if (status == SQLITE_OK && disk.capacity_ && growth > 0 && disk.used() + growth > *disk.capacity_) {
            status = SQLITE_FULL;
        }
        if (status != SQLITE_OK && !half) return status;
        const auto bytes = static_cast<std::size_t>(half ? amount / 2 : amount);
        handle.file->change({offset, std::string(static_cast<const char*>(from), bytes), false});
        return status;
    }
    static int truncate(sqlite3_file* raw, sqlite3_int64 size) {
        Handle& handle = of(raw);
        const std::lock_guard lock(handle.disk->mutex_);
        bool half = false;
        const int status = handle.dead() ? SQLITE_IOERR_TRUNCATE : handle.disk->strike(Operation::truncate, half);
        if (status == SQLITE_OK) handle.file->change({size, "", true});
        return status;
    }
    static int sync(sqlite3_file* raw, int /*flags*/) {
        Handle& handle = of(raw);
        const std::lock_guard lock(handle.disk->mutex_);
        bool half = false;
        const int status = handle.dead() ? SQLITE_IOERR_FSYNC : handle.disk->strike(Operation::sync, half);
        if (status == SQLITE_OK) handle.file->sync();
        return status;
    }
    static int file_size(sqlite3_file* raw, sqlite3_int64* size) {
        Handle& handle = of(raw);
        const std::lock_guard lock(handle.disk->mutex_);
        if (handle.dead()) return SQLITE_IOERR_FSTAT;
        *size = static_cast<sqlite3_int64>(handle.file->data.size());
        return SQLITE_OK;
    }

    /// https://sqlite.org/lockingv3.html
    static int lock(sqlite3_file* raw, int level) {
        Handle& handle = of(raw);
        const std::lock_guard guard(handle.disk->mutex_);
        if (handle.dead()) return SQLITE_IOERR_LOCK;
        int highest = SQLITE_LOCK_NONE;
        for (const auto& [holder, held] : handle.file->locks) {
            if (holder != &handle) highest = std::max(highest, held);
        }
        int& mine = handle.file->locks[&handle];
        if (mine >= level) return SQLITE_OK;
        const bool busy = (level == SQLITE_LOCK_SHARED && highest >= SQLITE_LOCK_PENDING) ||
                          (level == SQLITE_LOCK_RESERVED && highest >= SQLITE_LOCK_RESERVED) ||
                          (level == SQLITE_LOCK_EXCLUSIVE && highest >= SQLITE_LOCK_SHARED);
        if (busy && level == SQLITE_LOCK_EXCLUSIVE && highest < SQLITE_LOCK_PENDING) mine = SQLITE_LOCK_PENDING;
        if (!busy) mine = level;
        return busy ? SQLITE_BUSY : SQLITE_OK;
    }
    static int unlock(sqlite3_file* raw, int level) {
        Handle& handle = of(raw);
        const std::lock_guard guard(handle.disk->mutex_);
        if (!handle.dead()) handle.file->locks[&handle] = level;
        return SQLITE_OK;
    }
    static int check_reserved_lock(sqlite3_file* raw, int* reserved) {
        Handle& handle = of(raw);
        const std::lock_guard guard(handle.disk->mutex_);
        *reserved = 0;
        for (const auto& [holder, held] : handle.file->locks) *reserved |= held >= SQLITE_LOCK_RESERVED ? 1 : 0;
        return SQLITE_OK;
    }
    static int file_control(sqlite3_file* /*raw*/, int /*operation*/, void* /*argument*/) { return SQLITE_NOTFOUND; }
    static int sector_size(sqlite3_file* /*raw*/) { return k_sector_bytes; }
    /// As SQLite's own file system says of a Unix file.
    static int device_characteristics(sqlite3_file* /*raw*/) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

    static int shm_map(sqlite3_file* raw, int region, int bytes, int extend, void volatile** address) {
        Handle& handle = of(raw);
        const std::lock_guard guard(handle.disk->mutex_);
        *address = nullptr;
        if (handle.dead()) return SQLITE_IOERR_SHMMAP;
        auto& shared = handle.file->shared;
        const auto wanted = static_cast<std::size_t>(region) + 1;
        if (shared.size() < wanted && extend == 0) return SQLITE_OK;
        if (shared.size() < wanted) {
            bool half = false;
            if (handle.disk->strike(Operation::share, half) != SQLITE_OK) return SQLITE_IOERR_SHMSIZE;
        }
        while (shared.size() < wanted) shared.push_back(std::make_unique<char[]>(static_cast<std::size_t>(bytes)));
        *address = shared[static_cast<std::size_t>(region)].get();
        return SQLITE_OK;
    }
    static int shm_lock(sqlite3_file* raw, int first, int count, int flags) {
        Handle& handle = of(raw);
        const std::lock_guard guard(handle.disk->mutex_);
        if (handle.dead()) return SQLITE_IOERR_SHMLOCK;
        auto& locks = handle.file->shared_locks;
        const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
        for (int i = first; i < first + count && (flags & SQLITE_SHM_LOCK) != 0; ++i) {
            for (const auto& [holder, alone] : locks[static_cast<std::size_t>(i)]) {
                if (holder != &handle && (alone || exclusive)) return SQLITE_BUSY;
            }
        }
        for (int i = first; i < first + count; ++i) {
            auto& holders = locks[static_cast<std::size_t>(i)];
            if ((flags & SQLITE_SHM_LOCK) != 0) {
                holders[&handle] = exclusive;
            } else {
                holders.erase(&handle);
            }
        }
        return SQLITE_OK;
    }
    static void shm_barrier(sqlite3_file* raw) { const std::lock_guard guard(of(raw).disk->mutex_); }
    static int shm_unmap(sqlite3_file* raw, int remove) {
        Handle& handle = of(raw);
        const std::lock_guard guard(handle.disk->mutex_);
        if (handle.dead()) return SQLITE_OK;
        for (auto& holders : handle.file->shared_locks) holders.erase(&handle);
        if (remove != 0) handle.file->drop_shared();
        return SQLITE_OK;
    }

    static const sqlite3_io_methods* io() {
        static const sqlite3_io_methods methods = [] {
            sqlite3_io_methods made{};
            made.iVersion = 2;
            made.xClose = close;
            made.xRead = read;
            made.xWrite = write;
            made.xTruncate = truncate;
            made.xSync = sync;
            made.xFileSize = file_size;
            made.xLock = lock;
            made.xUnlock = unlock;
            made.xCheckReservedLock = check_reserved_lock;
            made.xFileControl = file_control;
            made.xSectorSize = sector_size;
            made.xDeviceCharacteristics = device_characteristics;
            made.xShmMap = shm_map;
            made.xShmLock = shm_lock;
            made.xShmBarrier = shm_barrier;
            made.xShmUnmap = shm_unmap;
            return made;
        }();
        return &methods;
    }

    static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* raw, int flags, int* flags_out) {
        FaultyDisk& disk = of(vfs);
        raw->pMethods = nullptr;  // SQLite closes nothing that was not opened
        const std::lock_guard lock(disk.mutex_);
        bool half = false;
        if (disk.strike(Operation::open, half) != SQLITE_OK) return SQLITE_CANTOPEN;
        const std::string known = name == nullptr ? "temporary " + std::to_string(disk.operations_) : name;
        auto file = disk.find(known, (flags & SQLITE_OPEN_CREATE) != 0);
        if (!file) return SQLITE_CANTOPEN;
        auto* handle = new (raw) Handle{};
        handle->pMethods = io();
        handle->disk = &disk;
        handle->file = std::move(file);
        handle->life = disk.lives_;
        if ((flags & SQLITE_OPEN_DELETEONCLOSE) != 0) handle->remove_on_close = known;
        if (flags_out != nullptr) *flags_out = flags;
        return SQLITE_OK;
    }
    static int remove(sqlite3_vfs* vfs, const char* name, int /*sync_directory*/) {
        FaultyDisk& disk = of(vfs);
        const std::lock_guard lock(disk.mutex_);
        bool half = false;
        if (disk.strike(Operation::remove, half) != SQLITE_OK) return SQLITE_IOERR_DELETE;
        return disk.files_.erase(name) > 0 ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
    }
    static int access(sqlite3_vfs* vfs, const char* name, int /*flags*/, int* there) {
        FaultyDisk& disk = of(vfs);
        const std::lock_guard lock(disk.mutex_);
        *there = disk.files_.contains(name) ? 1 : 0;
        return SQLITE_OK;
    }
    static int full_path(sqlite3_vfs* /*vfs*/, const char* name, int bytes, char* into) {
        sqlite3_snprintf(bytes, into, "%s", name);
        return SQLITE_OK;
    }
    static int randomness(sqlite3_vfs* vfs, int bytes, char* into) {
        // Salts of the write-ahead log must differ from life to life; else any bytes do, and the same every time.
        FaultyDisk& disk = of(vfs);
        const std::lock_guard lock(disk.mutex_);
        Random random(static_cast<std::uint64_t>(disk.operations_ + 1'000'000 * disk.lives_));
        for (int i = 0; i < bytes; ++i) into[i] = static_cast<char>(random.next());
        return bytes;
    }
    static int sleep(sqlite3_vfs* /*vfs*/, int microseconds) { return microseconds; }
    static int current_time(sqlite3_vfs* /*vfs*/, double* days) {
        *days = 2'460'000.5;  // Julian day: nothing that is stored depends on it
        return SQLITE_OK;
    }
    static int last_error(sqlite3_vfs* /*vfs*/, int /*bytes*/, char* /*into*/) { return 0; }
};

FaultyDisk::FaultyDisk() : vfs_(std::make_unique<sqlite3_vfs>()) {
    static int number = 0;
    name_ = "faulty disk " + std::to_string(++number);
    usual_ = sqlite3_vfs_find(nullptr);
    vfs_->iVersion = 1;
    vfs_->szOsFile = sizeof(Handle);
    vfs_->mxPathname = k_path_bytes_max;
    vfs_->zName = name_.c_str();
    vfs_->pAppData = this;
    vfs_->xOpen = Methods::open;
    vfs_->xDelete = Methods::remove;
    vfs_->xAccess = Methods::access;
    vfs_->xFullPathname = Methods::full_path;
    vfs_->xRandomness = Methods::randomness;
    vfs_->xSleep = Methods::sleep;
    vfs_->xCurrentTime = Methods::current_time;
    vfs_->xGetLastError = Methods::last_error;
    sqlite3_vfs_register(vfs_.get(), 1);
}

FaultyDisk::~FaultyDisk() {
    sqlite3_vfs_unregister(vfs_.get());
    sqlite3_vfs_register(usual_, 1);
}

int FaultyDisk::strike(Operation operation, bool& half) {
    ++operations_;
    if (!fault_ || operations_ < fault_->at || (operations_ > fault_->at && !fault_->for_ever)) return SQLITE_OK;
    struck_ = true;
    if (fault_->kind == FaultKind::death) {
        end_life();
        fault_.reset();
        return SQLITE_IOERR;
    }
    if (operation != Operation::write) {
        if (operation == Operation::sync) return SQLITE_IOERR_FSYNC;
        return operation == Operation::truncate ? SQLITE_IOERR_TRUNCATE : SQLITE_IOERR;
    }
    half = fault_->kind == FaultKind::short_write;
    return fault_->kind == FaultKind::io_error ? SQLITE_IOERR_WRITE : SQLITE_FULL;
}

std::shared_ptr<FaultyDisk::File> FaultyDisk::find(const std::string& name, bool create) {
    const auto found = files_.find(name);
    if (found != files_.end()) return found->second;
    return create ? files_[name] = std::make_shared<File>() : nullptr;
}

void FaultyDisk::set_fault(std::optional<Fault> fault) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    operations_ = 0;
    struck_ = false;
}

std::int64_t FaultyDisk::operations() const {
    const std::lock_guard lock(mutex_);
    return operations_;
}

bool FaultyDisk::struck() const {
    const std::lock_guard lock(mutex_);
    return struck_;
}

void FaultyDisk::set_capacity(std::optional<std::int64_t> bytes) {
    const std::lock_guard lock(mutex_);
    capacity_ = bytes;
}

std::int64_t FaultyDisk::used() const {
    std::int64_t bytes = 0;
    for (const auto& [name, file] : files_) bytes += static_cast<std::int64_t>(file->data.size());
    return bytes;
}

std::int64_t FaultyDisk::bytes_used() const {
    const std::lock_guard lock(mutex_);
    return used();
}

void FaultyDisk::end_life() {
    ++lives_;
    for (auto& [name, file] : files_) {
        file->locks.clear();
        file->drop_shared();
        for (auto& holders : file->shared_locks) holders.clear();
    }
}

void FaultyDisk::kill() {
    const std::lock_guard lock(mutex_);
    end_life();
}

void FaultyDisk::lose_power(Random& random) {
    const std::lock_guard lock(mutex_);
    end_life();
    for (auto& [name, file] : files_) {
        for (const Change& change : file->changes) {
            const std::int64_t end = change.offset + static_cast<std::int64_t>(change.bytes.size());
            if (change.truncation && random.below(2) == 0) apply_change(file->synced, change);
            for (std::int64_t at = change.offset; at < end;) {
                const std::int64_t next = std::min(end, (at / k_sector_bytes + 1) * k_sector_bytes);
                const auto from = static_cast<std::size_t>(at - change.offset);
                Change sector{at, change.bytes.substr(from, static_cast<std::size_t>(next - at)), false};
                if (random.below(2) == 0) apply_change(file->synced, sector);
                at = next;
            }
        }
        file->changes.clear();
        file->data = file->synced;
    }
}

DiskImage FaultyDisk::image() const {
    const std::lock_guard lock(mutex_);
    DiskImage image;
    for (const auto& [name, file] : files_) image[name] = file->data;
    return image;
}

void FaultyDisk::load(const DiskImage& image) {
    const std::lock_guard lock(mutex_);
    files_.clear();
    for (const auto& [name, data] : image) {
        auto file = std::make_shared<File>();
        file->data = data;
        file->synced = data;
        files_[name] = std::move(file);
    }
}

}  // namespace replayd::faults
