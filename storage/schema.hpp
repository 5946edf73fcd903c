#pragma once
// The schema of the history file: its identity, its versions, and how a file comes to the newest one.

#include <cstdint>
#include <string>

#include "replay/base/error.hpp"
#include "storage/connection.hpp"

namespace replayd::storage {

/// Bytes 68–71 of the file ("rpld"): tells a replayd history from other SQLite databases.
inline constexpr std::int64_t k_application_id = 0x72706c64;
/// `user_version` of the files that this replayd writes.
inline constexpr std::int64_t k_schema_version = 8;

/// schema.sql, which is migration 1, and those that follow.
extern const char* const k_schema_sql;
extern const char* const k_schema_2_sql;
extern const char* const k_schema_3_sql;
extern const char* const k_schema_4_sql;
extern const char* const k_schema_5_sql;
extern const char* const k_schema_6_sql;
extern const char* const k_schema_7_sql;
extern const char* const k_schema_8_sql;

/// The application id in the head of an SQLite file, read without SQLite; 0 where there is none, or no such file.
[[nodiscard]] std::int64_t application_id_of(const std::string& path);

/// Reads the head of the file without SQLite, so that nothing is written. Passes a file that does not exist, is
/// empty, or is a history of a known version. Errors: `io` (not a database; of another application),
/// `failed_state` (made by a newer replayd).
[[nodiscard]] Result<void> check_file(const std::string& path);

/// The same checks on an open connection, which also sees what is still in the WAL.
[[nodiscard]] Result<void> check_connection(Connection& connection);

/// Brings the file to k_schema_version, each step in one transaction together with its `user_version`.
[[nodiscard]] Result<void> migrate(Connection& connection);

}  // namespace replayd::storage
