#pragma once
// The logs of shared streams in JetStream, one JetStream stream each. The sequence numbers of JetStream are ours:
// message 1 is the opening, message n + 1 is batch n, an empty message is the end. Whoever writes says which number
// comes before (Nats-Expected-Last-Sequence), so the server itself refuses gaps and doubles, for ever; a message id
// alone would only do so for the stream's duplicate window. Ids (number and hash of the content) let a message that
// goes out before the answer for the one before it name that one's content, too (Nats-Expected-Last-Msg-Id).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/nats/connection.hpp"
#include "daemon/nats/names.hpp"
#include "daemon/stream/shared_log.hpp"
#include "replay/base/error.hpp"

struct __jsCtx;

namespace replayd::nats {

/// Longest wait for an answer of the server.
inline constexpr std::int64_t k_answer_ms = 3'000;

/// What became of a message that was to be published.
enum class Published {
    stored,
    refused,  ///< something else stands in its place
    behind,   ///< the log ends before the message that should stand before it
};

/// A message that goes to its log behind message `sequence` - 1.
struct Outgoing {
    const std::string* stream = nullptr;
    std::uint64_t sequence = 0;
    std::string_view payload;
};

/// One thread at a time, with a context of its own.
class StreamLogs {
public:
    [[nodiscard]] static Result<std::unique_ptr<StreamLogs>> open(const Connection& connection, Names names,
                                                                  std::int64_t replicas);
    ~StreamLogs();
    StreamLogs(const StreamLogs&) = delete;
    StreamLogs& operator=(const StreamLogs&) = delete;

    // Errors: `unavailable` where asking again may help, `io` else.
    /// Makes the log if it is not there, and writes the opening if none is.
    [[nodiscard]] Result<stream::Opening> begin(const stream::Opening& wanted);
    /// Nothing when there is no such log, or it has not been opened yet.
    [[nodiscard]] Result<std::optional<stream::Opening>> opening(const std::string& stream);
    /// Sequence number of JetStream of the last message; 0 for none.
    [[nodiscard]] Result<std::uint64_t> last(const std::string& stream);
    /// Names of all streams that have a log.
    [[nodiscard]] Result<std::vector<std::string>> streams();
    /// The payload of a message; nothing when there is none.
    [[nodiscard]] Result<std::optional<std::string>> message(const std::string& stream, std::uint64_t sequence);
    /// Stores a message behind message `sequence` - 1. One that stands there already with the same payload is `stored`.
    [[nodiscard]] Result<Published> publish(const std::string& stream, std::uint64_t sequence,
                                            std::string_view payload);
    /// The same for several, whose answers are awaited together. False: any of them may be stored or not.
    [[nodiscard]] bool publish_together(const std::vector<Outgoing>& messages);
    /// Removes the log; no error when there is none.
    [[nodiscard]] Result<void> remove(const std::string& stream);

    [[nodiscard]] const Names& names() const { return names_; }
    /// For the .cpp files of this folder.
    [[nodiscard]] __jsCtx* context() const;

private:
    struct State;
    StreamLogs(std::unique_ptr<State> state, Names names, std::int64_t replicas);
    [[nodiscard]] Result<void> make(const std::string& stream);
    [[nodiscard]] bool send(const Outgoing& message, const std::string& id, const std::string& id_before);

    std::unique_ptr<State> state_;
    const Names names_;
    const std::int64_t replicas_;
};

}  // namespace replayd::nats
