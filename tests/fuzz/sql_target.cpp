#include <unistd.h>

#include <cstdlib>
#include <string>

#include "storage/connection.hpp"
#include "storage/schema.hpp"
#include "storage/sql_query.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/fuzz/targets.hpp"

namespace replayd::fuzz {
namespace {

/// An empty history, opened as the API opens it, and a second connection that would see a change.
class History {
public:
    History()
        : file_(make_file()),
          watcher_(open(storage::Access::read_only)),
          reader_(open(storage::Access::read_only)),
          guard_(reader_) {
        schema_ = count();
    }
    ~History() {
        for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((file_ + suffix).c_str());
    }
    History(const History&) = delete;
    History& operator=(const History&) = delete;

    storage::SelectGuard& guard() { return guard_; }
    [[nodiscard]] bool unchanged() { return count() == schema_ && reader_.rows_changed() == 0; }

private:
    static std::string make_file() {
        std::string name = "/tmp/replayd-fuzz-XXXXXX";
        const int fd = ::mkstemp(name.data());
        REPLAYD_ASSERT(fd >= 0);
        ::close(fd);
        auto connection = storage::Connection::open(name, storage::Access::read_write_create);
        REPLAYD_ASSERT(connection && storage::migrate(*connection));
        return name;
    }

    [[nodiscard]] storage::Connection open(storage::Access access) const {
        auto connection = storage::Connection::open(file_, access);
        REPLAYD_ASSERT(connection);
        return std::move(*connection);
    }

    std::int64_t count() { return watcher_.query_integer("SELECT count(*) FROM sqlite_schema").value(); }

    const std::string file_;
    storage::Connection watcher_;
    storage::Connection reader_;
    storage::SelectGuard guard_;
    std::int64_t schema_ = 0;
};

}  // namespace

void sql_guard(std::string_view input) {
    static History history;
    storage::QueryLimits limits;
    limits.rows_max = 20;
    limits.bytes_max = 4096;
    limits.time_max = std::chrono::milliseconds(20);
    const auto table = history.guard().query(input, limits);
    REPLAYD_ASSERT(history.unchanged());
    if (!table) return check_message(table.error());
    REPLAYD_ASSERT(table->rows.size() <= limits.rows_max);
    for (const auto& row : table->rows) REPLAYD_ASSERT(row.size() == table->columns.size());
}

}  // namespace replayd::fuzz
