#pragma once
// What the guard goes by; replaced as a whole when the configuration is read again.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "daemon/access/token_table.hpp"
#include "daemon/config/config.hpp"
#include "daemon/net/http.hpp"
#include "replay/base/error.hpp"

namespace replayd::access {

/// The paths for the role ingest: the ingest websocket, and spans of OpenTelemetry.
inline constexpr const char* k_ingest_path = "/ingest/v1";
inline constexpr const char* k_spans_path = "/v1/traces";

struct Policy {
    TokenTable tokens;                 ///< empty: everyone may do everything (the daemon is on loopback then)
    std::vector<std::string> origins;  ///< pages beside our own
    std::size_t websockets_per_client_max = 0;
};

/// The policy of a configuration. Errors: those of reading the secrets.
[[nodiscard]] Result<Policy> load_policy(const config::DaemonConfig& config);

/// The role that a request needs: none for /healthz, /readyz and the files of the page (which hold nothing of anyone's,
/// and ask for a token), ingest for the ingest websocket and for spans, read for GET, HEAD and SQL, admin for whatever
/// else.
[[nodiscard]] std::optional<config::Role> needed_role(const net::HttpRequest& request);

}  // namespace replayd::access
