#include "storage/schema.hpp"

#include <sqlite3.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string_view>

namespace replayd::storage {
namespace {

constexpr std::size_t k_header_bytes = 100;  // https://sqlite.org/fileformat2.html#the_database_header
constexpr std::size_t k_user_version_offset = 60;
constexpr std::size_t k_application_id_offset = 68;
constexpr std::string_view k_magic{"SQLite format 3\0", 16};

std::int64_t big_endian_32(const char* bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
    return static_cast<std::int32_t>(value);
}

Result<void> check_identity(const std::string& path, std::int64_t application, std::int64_t version) {
    if (application != k_application_id) {
        std::array<char, 16> hex{};
        std::snprintf(hex.data(), hex.size(), "0x%08x", static_cast<unsigned>(application));
        return fail(Code::invalid_argument,
                    "history " + path + ": it is a database of another application (application_id " + hex.data() +
                        ", expected 0x72706c64): choose another path");
    }
    if (version > k_schema_version) {
        return fail(Code::failed_state,
                    "history " + path + ": its schema version " + std::to_string(version) +
                        " was made by a newer replayd, this one knows versions up to " +
                        std::to_string(k_schema_version) +
                        "; the file is left untouched: upgrade replayd or choose another path");
    }
    return {};
}

/// The head of a file, as much of it as there is.
struct Head {
    std::array<char, k_header_bytes> bytes{};
    std::size_t got = 0;

    [[nodiscard]] bool is_sqlite() const {
        return got == k_header_bytes && std::string_view(bytes.data(), k_magic.size()) == k_magic;
    }
};

Head head_of(const std::string& path) {
    Head head;
    std::ifstream file(path, std::ios::binary);
    file.read(head.bytes.data(), head.bytes.size());
    head.got = static_cast<std::size_t>(file.gcount());
    return head;
}

}  // namespace

std::int64_t application_id_of(const std::string& path) {
    const Head head = head_of(path);
    return head.is_sqlite() ? big_endian_32(head.bytes.data() + k_application_id_offset) : 0;
}

Result<void> check_file(const std::string& path) {
    const Head head = head_of(path);
    if (head.got == 0) return {};  // opening it for real gives the reason
    if (!head.is_sqlite()) {
        return fail(Code::invalid_argument,
                    "history " + path + ": it is not an SQLite database: choose another path");
    }
    const std::int64_t application = big_endian_32(head.bytes.data() + k_application_id_offset);
    // 0: the head of a new history may still be in its WAL; check_connection decides.
    if (application == 0) return {};
    return check_identity(path, application, big_endian_32(head.bytes.data() + k_user_version_offset));
}

Result<void> check_connection(Connection& connection) {
    // Until the file is known to be ours, closing must not move its WAL into it.
    sqlite3_db_config(connection.raw(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    const auto objects = connection.query_integer("SELECT count(*) FROM sqlite_schema");
    if (!objects) return tl::unexpected(objects.error());
    const auto application = connection.query_integer("PRAGMA application_id");
    if (!application) return tl::unexpected(application.error());
    const auto version = connection.query_integer("PRAGMA user_version");
    if (!version) return tl::unexpected(version.error());
    const bool fresh = *objects == 0 && *application == 0 && *version == 0;
    if (!fresh) {
        if (auto ours = check_identity(connection.path(), *application, *version); !ours) return ours;
    }
    sqlite3_db_config(connection.raw(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
    return {};
}

Result<void> migrate(Connection& connection) {
    // Step i brings version i to i + 1.
    const std::array<const char*, k_schema_version> steps = {k_schema_sql,   k_schema_2_sql, k_schema_3_sql,
                                                             k_schema_4_sql, k_schema_5_sql, k_schema_6_sql,
                                                             k_schema_7_sql, k_schema_8_sql};
    for (;;) {
        auto transaction = Transaction::begin(connection);
        if (!transaction) return tl::unexpected(transaction.error());
        // Read under the write lock: another process may have migrated it meanwhile.
        const auto version = connection.query_integer("PRAGMA user_version");
        if (!version) return tl::unexpected(version.error());
        if (*version >= k_schema_version) return {};
        const std::string step = steps[static_cast<std::size_t>(*version)];
        if (auto done = connection.execute(step); !done) return done;
        if (auto done = connection.execute("PRAGMA application_id = " + std::to_string(k_application_id) +
                                           "; PRAGMA user_version = " + std::to_string(*version + 1));
            !done) {
            return done;
        }
        if (auto done = transaction->commit(); !done) return done;
    }
}

}  // namespace replayd::storage
