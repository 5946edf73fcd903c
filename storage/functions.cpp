#include "storage/functions.hpp"

#include "storage/connection.hpp"
#include "storage/sql_functions.hpp"

namespace replayd::storage {

Result<void> add_functions(Connection& connection) {
    if (register_functions(connection.raw()) != SQLITE_OK) return tl::unexpected(connection.error());
    return {};
}

}  // namespace replayd::storage
