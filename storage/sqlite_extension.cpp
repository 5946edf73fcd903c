// The loadable extension: `.load replayd_sqlite` in the sqlite3 shell gives it the functions of functions.hpp.

#include "storage/sql_functions.hpp"

SQLITE_EXTENSION_INIT1

/// What SQLite looks for when it loads the file. `message` is not used: every failure is in the code.
extern "C" __attribute__((visibility("default"))) int sqlite3_replaydsqlite_init(sqlite3* database, char** message,
                                                                                 const sqlite3_api_routines* api);

int sqlite3_replaydsqlite_init(sqlite3* database, char** /*message*/, const sqlite3_api_routines* api) {
    SQLITE_EXTENSION_INIT2(api);
    return replayd::storage::register_functions(database);
}
