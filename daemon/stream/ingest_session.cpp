#include "daemon/stream/ingest_session.hpp"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "daemon/config/log.hpp"
#include "daemon/protocol/codec.hpp"
#include "daemon/protocol/codes.hpp"
#include "daemon/stream/traced_system.hpp"

namespace replayd::stream {
namespace {

/// Bytes of batches on their way to disk beyond which the socket is not read.
constexpr std::size_t k_inflight_bytes_max = 32u << 20;
/// Whether so much of a client is on its way to disk (a `share`-th of what it may have at most) that it has to wait.
bool too_much_in_flight(const LogStatus& log, std::size_t share) {
    return log.inflight_bytes > k_inflight_bytes_max / share || log.inflight_batches > k_inflight_batches_max / share;
}
/// Credit that must have grown by this share of the limit before an ack is sent for it alone.
constexpr std::int64_t k_credit_shares = 8;

/// The session's state, shared with the callbacks that outlive a lost connection.
class Connection final : public std::enable_shared_from_this<Connection> {
public:
    explicit Connection(IngestContext& context) : context_(context) {}

    void open(std::shared_ptr<net::WebSocket> socket) { socket_ = std::move(socket); }
    void message(std::string_view text, bool binary);
    void close();

private:
    void handle(protocol::Hello hello);
    void handle(protocol::ArrivalBatch batch);
    void handle(protocol::End end);
    void end_behind_others(const ClientEnd& end);
    void ended(const std::optional<Refusal>& refused, std::uint64_t seq);
    void welcome(const std::shared_ptr<Stream>& stream);
    void send_progress();
    void post_progress();
    void refuse(const Refusal& refusal);
    void refuse(Code code, std::string text) { refuse(refusal_of(Error{code, std::move(text)}, 0)); }
    void send(const protocol::ServerMessage& message);

    IngestContext& context_;
    std::shared_ptr<net::WebSocket> socket_;
    std::shared_ptr<Stream> stream_;
    std::uint64_t token_ = 0;
    bool binary_ = true;  ///< answers come in the encoding of the client's latest message
    bool closed_ = false;
    bool joining_ = false;  ///< the stream is being looked up or created
    bool ending_ = false;   ///< what others have for the stream goes before the client's end
    bool reading_paused_ = false;
    Grant granted_;
    std::uint64_t acked_seq_ = 0;     ///< in the latest welcome or ack
    std::uint64_t repeated_seq_ = 0;  ///< a message that was sent again and wants its ack again
    std::atomic<bool> progress_posted_{false};
};

void Connection::message(std::string_view text, bool binary) {
    if (closed_) return;
    if (joining_) return refuse(Code::failed_state, "a message before the welcome: expected none until it comes");
    if (ending_) return refuse(Code::failed_state, "a message after the end: expected none until its ack comes");
    binary_ = binary;
    auto decoded = protocol::decode_client_message(text, binary);
    if (!decoded) {
        refuse(refusal_of(decoded.error(), 0));
        return;
    }
    std::visit([this](auto&& message) { handle(std::forward<decltype(message)>(message)); }, std::move(*decoded));
}

void Connection::handle(protocol::Hello hello) {
    if (stream_) return refuse(Code::failed_state, "a second hello: expected batches or an end after the welcome");
    joining_ = true;
    socket_->pause_reading(true);
    config::log(config::LogLevel::info, "hello",
                {{"stream", hello.stream}, {"client", hello.client}, {"peer", socket_->peer()}});
    NewStream wanted{hello.stream, std::move(hello.scenarios), hello.speed, traced_system_json(hello.traced_system),
                     std::move(hello.request_rows)};
    const bool taken = context_.tasks.try_submit([self = shared_from_this(), wanted = std::move(wanted)] {
        auto stream = self->context_.registry.find_or_create(wanted);
        self->context_.post([self, stream = std::move(stream)] {
            if (self->closed_) return;
            if (stream) {
                self->welcome(*stream);
            } else {
                self->refuse(refusal_of(stream.error(), 0));
            }
        });
    });
    if (!taken) refuse(Code::unavailable, "replayd is busy creating streams: try again in a moment");
}

void Connection::welcome(const std::shared_ptr<Stream>& stream) {
    stream_ = stream;
    joining_ = false;
    token_ = stream->attach({[weak = weak_from_this()] {
                                 if (const auto self = weak.lock()) self->post_progress();
                             },
                             [weak = weak_from_this()] {
                                 const auto self = weak.lock();
                                 if (!self) return;
                                 self->token_ = 0;
                                 self->refuse(Code::failed_state, "another client said hello for stream \"" +
                                                                      self->stream_->name() +
                                                                      "\" and feeds it now: expected one at a time");
                             }});
    const StreamStatus status = stream->status();
    granted_ = {status.allowed_arrivals, status.log.failures};
    acked_seq_ = status.log.durable.seq + (status.log.durable.ended ? 1 : 0);
    protocol::Welcome welcome;
    welcome.next_seq = status.log.durable.seq + 1;
    welcome.credit = static_cast<std::uint64_t>(status.credit());
    welcome.arrivals = status.log.durable.arrivals;
    welcome.watermark = status.log.durable.watermark;
    welcome.ended = status.log.durable.ended;
    for (const auto& run : stream->runs()) welcome.runs.push_back(std::to_string(run->identity().id));
    send(welcome);
    socket_->pause_reading(false);
}

void Connection::handle(protocol::ArrivalBatch batch) {
    const std::uint64_t seq = batch.seq;
    if (!stream_) return refuse(Code::failed_state, "a batch before the hello: expected a hello first");
    if (context_.conceal) std::for_each(batch.arrivals.begin(), batch.arrivals.end(), context_.conceal);
    if (const auto refused = stream_->accept(std::move(batch), granted_)) return refuse(*refused);
    if (seq <= acked_seq_) {
        repeated_seq_ = seq;
        send_progress();
    } else if (!reading_paused_ && too_much_in_flight(stream_->status().log, 1)) {
        reading_paused_ = true;
        socket_->pause_reading(true);
    }
}

void Connection::handle(protocol::End end) {
    if (!stream_) return refuse(Code::failed_state, "an end before the hello: expected a hello first");
    const ClientEnd wanted{end.seq, granted_.failures};
    if (context_.other_feed && context_.other_feed->active()) return end_behind_others(wanted);
    ended(stream_->accept_end(wanted.seq, wanted.failures), wanted.seq);
}

void Connection::end_behind_others(const ClientEnd& end) {
    const bool taken = context_.tasks.try_submit([self = shared_from_this(), end] {
        auto refused = self->context_.other_feed->end(*self->stream_, end);
        self->context_.post([self, end, refused = std::move(refused)] {
            if (self->closed_) return;
            self->ending_ = false;
            self->socket_->pause_reading(self->reading_paused_);
            self->ended(refused, end.seq);
        });
    });
    if (!taken) return refuse(Code::unavailable, "replayd is busy: connect again and send the end in a moment");
    ending_ = true;
    socket_->pause_reading(true);
}

void Connection::ended(const std::optional<Refusal>& refused, std::uint64_t seq) {
    if (refused) return refuse(*refused);
    if (seq > acked_seq_) return;
    repeated_seq_ = seq;
    send_progress();
}

/// Many commits and slices may pass before the io thread comes round: they are told in one ack.
void Connection::post_progress() {
    if (progress_posted_.exchange(true)) return;
    context_.post([self = shared_from_this()] {
        self->progress_posted_.store(false);
        self->send_progress();
    });
}

void Connection::send_progress() {
    if (closed_ || !stream_ || joining_) return;
    const StreamStatus status = stream_->status();
    const LogTail& durable = status.log.durable;
    const std::uint64_t seq = durable.seq + (durable.ended ? 1 : 0);
    const std::int64_t step = std::max<std::int64_t>(1, status.limit / k_credit_shares);
    const bool again = std::exchange(repeated_seq_, 0) != 0;
    if (seq > acked_seq_ || again || status.allowed_arrivals - granted_.arrivals >= step) {
        acked_seq_ = seq;
        granted_.arrivals = std::max(granted_.arrivals, status.allowed_arrivals);
        send(protocol::Ack{seq, static_cast<std::uint64_t>(granted_.arrivals - durable.arrivals), durable.arrivals});
    }
    if (status.log.failures != granted_.failures) {
        return refuse(*stream_->refusal_of_trouble(granted_.failures));
    }
    if (reading_paused_ && !too_much_in_flight(status.log, 2)) {
        reading_paused_ = false;
        socket_->pause_reading(ending_);
    }
}

void Connection::send(const protocol::ServerMessage& message) {
    socket_->send(protocol::encode_server_message(message, binary_), binary_);
}

void Connection::refuse(const Refusal& refusal) {
    if (closed_) return;
    config::log(config::LogLevel::warn, "ingest_refused",
                {{"stream", stream_ ? stream_->name() : std::string("-")},
                 {"peer", socket_->peer()},
                 {"code", refusal.failure.code},
                 {"message", refusal.failure.message}});
    send(refusal.failure);
    socket_->close(refusal.close_code, refusal.failure.message);
    close();
}

void Connection::close() {
    if (closed_) return;
    closed_ = true;
    if (stream_ && token_ != 0) stream_->detach(token_);
}

/// What the server owns; it dies with the connection, the state lives on in callbacks.
class Session final : public net::WebSocketSession {
public:
    explicit Session(IngestContext& context) : connection_(std::make_shared<Connection>(context)) {}
    void on_open(std::shared_ptr<net::WebSocket> socket) override { connection_->open(std::move(socket)); }
    void on_message(std::string_view message, bool binary) override { connection_->message(message, binary); }
    void on_close(std::string_view /*reason*/) override { connection_->close(); }

private:
    const std::shared_ptr<Connection> connection_;
};

}  // namespace

std::unique_ptr<net::WebSocketSession> make_ingest_session(IngestContext& context) {
    return std::make_unique<Session>(context);
}

}  // namespace replayd::stream
