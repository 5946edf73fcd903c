#pragma once
// The client's side of the ingest protocol: hello, batches within the credit, end; reconnects when the connection is
// lost.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "daemon/net/client.hpp"
#include "daemon/replayctl/batch_source.hpp"
#include "daemon/replayctl/progress_bar.hpp"
#include "daemon/replayctl/stream_command.hpp"

namespace replayd::ctl {

class IngestSender {
public:
    /// `options` and `batches` must outlive the sender.
    IngestSender(const StreamOptions& options, net::Endpoint daemon, BatchSource& batches)
        : options_(options), daemon_(std::move(daemon)), batches_(batches) {}

    /// Sends everything and waits until it is durable. Error: the daemon refused (its code), could not be reached
    /// at first, or stayed away for longer than the options allow; those of the trace.
    [[nodiscard]] Result<void> run();

    [[nodiscard]] std::int64_t durable_arrivals() const { return durable_arrivals_; }
    [[nodiscard]] std::int64_t reconnects() const { return reconnects_; }
    [[nodiscard]] bool ended() const { return ended_; }

private:
    using Clock = std::chrono::steady_clock;

    [[nodiscard]] Result<void> serve_connection();
    [[nodiscard]] Result<void> say_hello(net::WebSocketClient& client);
    [[nodiscard]] Result<void> send_all(net::WebSocketClient& client);
    [[nodiscard]] Result<bool> send_next(net::WebSocketClient& client);
    [[nodiscard]] Result<std::optional<protocol::ServerMessage>> receive(net::WebSocketClient& client,
                                                                         std::chrono::milliseconds timeout);
    [[nodiscard]] Result<void> take(const protocol::ServerMessage& message);
    [[nodiscard]] bool complete() const;
    void show();

    const StreamOptions& options_;
    net::Endpoint daemon_;
    BatchSource& batches_;
    ProgressBar bar_;
    bool welcomed_ = false;          ///< on this connection
    bool refused_ = false;           ///< the daemon said no: trying again is useless
    bool trace_done_ = false;
    bool end_sent_ = false;          ///< on this connection
    bool ended_ = false;
    std::int64_t credit_ = 0;        ///< arrivals that may be sent beyond the acknowledged ones
    std::int64_t durable_arrivals_ = 0;
    std::int64_t reconnects_ = 0;
};

}  // namespace replayd::ctl
