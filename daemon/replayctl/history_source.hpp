#pragma once
// Where runs, requests and query results come from: a history file, or a daemon. Both answer in the API's objects.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "daemon/net/client.hpp"
#include "replay/base/error.hpp"

namespace replayd::ctl {

class HistorySource {
public:
    virtual ~HistorySource() = default;
    /// Runs, newest first, of one stream (empty: of all), at most `limit`.
    [[nodiscard]] virtual Result<boost::json::array> runs(const std::string& stream, std::size_t limit) = 0;
    /// The request of this id in every run that has it, or in one.
    [[nodiscard]] virtual Result<boost::json::array> requests(const std::string& id,
                                                              std::optional<std::int64_t> run) = 0;
    /// Two runs of one stream compared, with at most `limit` of the requests that differ.
    [[nodiscard]] virtual Result<boost::json::object> compare(std::int64_t run_a, std::int64_t run_b, std::size_t limit,
                                                              double quantile) = 0;
    /// A run as it stood right before a moment, or where it is, with `listed` requests of each queue and batch.
    [[nodiscard]] virtual Result<boost::json::object> moment(std::int64_t run, std::optional<std::int64_t> at_ns,
                                                             std::size_t listed) = 0;
    /// Where two runs of one stream first differ.
    [[nodiscard]] virtual Result<boost::json::object> difference(std::int64_t run_a, std::int64_t run_b) = 0;
    /// `{"columns","rows","truncated","elapsed_ms"}` of one SELECT.
    [[nodiscard]] virtual Result<boost::json::object> query(const std::string& sql) = 0;
};

/// What the command line says; empty: not given.
struct SourceChoice {
    std::string db;
    std::string daemon;
    std::string token_file;
    std::vector<std::string> catalogs;  ///< of models and GPUs, for what is computed from a file
};

/// The file of --db, else the daemon of --daemon, else the file of $REPLAYD_DB, else the daemon of $REPLAYD_DAEMON or
/// at the default address. Errors: `invalid_argument` (both given, not an address, a catalog for a daemon, which has
/// its own), those of opening the files.
[[nodiscard]] Result<std::unique_ptr<HistorySource>> open_source(const SourceChoice& choice);

/// The daemon of --daemon, else of $REPLAYD_DAEMON, else at the default address, with the token of --token-file, else
/// of the file $REPLAYD_TOKEN_FILE, else of $REPLAYD_TOKEN itself; none of them: no token. Errors: `invalid_argument`
/// (not an address, a token file that others may read), `io` (it cannot be read).
[[nodiscard]] Result<net::Endpoint> find_daemon(const std::string& address, const std::string& token_file);

}  // namespace replayd::ctl
