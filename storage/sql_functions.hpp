#pragma once
// The functions of functions.hpp on any SQLite connection: replayd's own, and through the loadable extension that of
// the sqlite3 shell, whose SQLite is reached through the table of pointers that it hands over.

#ifdef REPLAYD_SQLITE_EXTENSION
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3
#else
#include <sqlite3.h>
#endif

namespace replayd::storage {

/// SQLITE_OK, or the code of SQLite's refusal.
[[nodiscard]] int register_functions(sqlite3* database);

}  // namespace replayd::storage
