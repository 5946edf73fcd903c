// One accepted websocket: a write queue, a read loop that can pause, and a close that always ends.

#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "daemon/net/connection.hpp"
#include "daemon/net/quoted.hpp"
#include "daemon/net/upgrade.hpp"

namespace replayd::net::impl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds k_handshake_timeout{30};
constexpr std::size_t k_close_reason_bytes_max = 123;  // RFC 6455 section 5.5: 125 less the code
/// A read buffer that grew beyond this for one message is given back after it.
constexpr std::size_t k_buffer_kept_max = 1u << 20;
constexpr std::size_t k_read_chunk = 64u << 10;
/// Shorter messages, such as acks, go out as they are: they would hardly shrink.
constexpr std::size_t k_compressed_bytes_min = 64;
/// How often a message under way is looked at before its time is over.
constexpr unsigned k_looks = 4;
constexpr std::uint16_t k_policy = 1008;
constexpr std::uint16_t k_too_big = 1009;
constexpr std::uint16_t k_going_away = 1001;
constexpr std::uint16_t k_internal = 1011;
constexpr std::uint16_t k_try_later = 1013;

class WebSocketConnection final : public WebSocket,
                                  public Connection,
                                  public std::enable_shared_from_this<WebSocketConnection> {
public:
    WebSocketConnection(tcp::socket socket, std::shared_ptr<ServerState> state, Route& route)
        : peer_(peer_of(socket)),
          stream_(std::move(socket)),
          close_deadline_(stream_.get_executor()),
          message_watch_(stream_.get_executor()),
          state_(std::move(state)),
          route_(route) {}

    void start(const std::string& key, HttpRequest&& upgrade) {
        state_->add(shared_from_this(), peer_);
        ++route_.open;
        set_idle_timeout(state_->options.websocket_idle_timeout);
        // The limit is kept in on_read: the stream's own one closes the socket with input unread, which resets the
        // connection, and the peer may never see the 1009.
        stream_.read_message_max(0);
        stream_.auto_fragment(false);
        stream_.set_option(deflate_option(state_->options.websocket_deflate));
        stream_.set_option(websocket::stream_base::decorator(
            [subprotocol = route_.route.subprotocol](websocket::response_type& response) {
                response.set(beast::http::field::sec_websocket_protocol, subprotocol);
                response.set(beast::http::field::server, "replayd");
            }));
        const auto request = handshake(key, deflate_offer(upgrade));
        stream_.async_accept(request, [self = shared_from_this(), upgrade = std::move(upgrade)](error_code error) {
            error ? self->finish(self->reason_of(error)) : self->on_accepted(upgrade);
        });
    }

    // ---- WebSocket: from any thread ----

    void send(std::string message, bool binary) override {
        queued_bytes_ += message.size();
        asio::dispatch(stream_.get_executor(), [self = shared_from_this(), message = std::move(message),
                                                binary]() mutable { self->enqueue(std::move(message), binary); });
    }

    void close(std::uint16_t code, std::string reason) override {
        asio::dispatch(stream_.get_executor(), [self = shared_from_this(), code, reason = std::move(reason)] {
            self->begin_close(code, reason);
        });
    }

    void pause_reading(bool paused) override {
        asio::dispatch(stream_.get_executor(), [self = shared_from_this(), paused] { self->set_paused(paused); });
    }

    [[nodiscard]] std::size_t queued_bytes() const override { return queued_bytes_; }
    [[nodiscard]] std::string peer() const override { return peer_; }

    // ---- Connection ----

    void shut_down() override {
        phase_ == Phase::accepting ? abort() : begin_close(k_going_away, "the daemon is shutting down");
    }

    void abort() override { finish("the daemon closed the connection"); }

private:
    enum class Phase { accepting, open, closing, closed };

    struct Outgoing {
        std::string message;
        bool binary;
    };

    /// The upgrade request was read and checked already; the stream only needs its essence.
    static beast::http::request<beast::http::empty_body> handshake(const std::string& key,
                                                                   const std::string& extensions) {
        beast::http::request<beast::http::empty_body> request(beast::http::verb::get, "/", 11);
        request.set(beast::http::field::host, "replayd");
        request.set(beast::http::field::connection, "upgrade");
        request.set(beast::http::field::upgrade, "websocket");
        request.set(beast::http::field::sec_websocket_key, key);
        request.set(beast::http::field::sec_websocket_version, "13");
        if (!extensions.empty()) request.set(beast::http::field::sec_websocket_extensions, extensions);
        return request;
    }

    /// Small windows and a low level: what a connection may cost in memory and time is bounded, and JSON shrinks to a
    /// fifth all the same.
    static websocket::permessage_deflate deflate_option(bool enabled) {
        websocket::permessage_deflate option;
        option.server_enable = enabled;
        option.server_max_window_bits = 12;
        option.memLevel = 4;
        option.compLevel = 3;
        option.msg_size_threshold = k_compressed_bytes_min;
        return option;
    }

    void on_accepted(const HttpRequest& upgrade) {
        if (phase_ != Phase::accepting) return;
        phase_ = Phase::open;
        session_ = route_.route.make_session(upgrade);
        call_session([this] { session_->on_open(shared_from_this()); });
        watch_message();
        read_next();
    }

    template <class Call>
    void call_session(Call call) {
        try {
            call();
        } catch (const std::exception& trouble) {
            begin_close(k_internal, std::string("internal error: ") + trouble.what());
        }
    }

    // ---- reading ----

    void set_idle_timeout(std::chrono::steady_clock::duration idle) {
        stream_.set_option(websocket::stream_base::timeout{k_handshake_timeout, idle, true});
    }

    void read_next() {
        if (reading_ || held_ || phase_ == Phase::closed || (paused_ && phase_ == Phase::open)) return;
        reading_ = true;
        stream_.async_read_some(buffer_, k_read_chunk, [self = shared_from_this()](error_code error, std::size_t) {
            self->reading_ = false;
            self->on_read(error);
        });
    }

    /// Part of a message came, or its end.
    void on_read(error_code error) {
        if (phase_ == Phase::closed) return;
        if (error) return finish(reason_of(error));
        if (phase_ == Phase::closing) {
            buffer_.clear();
            if (!close_sent_) read_next();
            return;
        }
        if (buffer_.size() > state_->options.websocket_message_bytes_max) return give_up_large_message();
        if (!stream_.is_message_done()) return read_next();
        held_ = true;
        if (!paused_) deliver();
    }

    /// Hands the message in the buffer to the session; a connection that is closing only drops it.
    void deliver() {
        held_ = false;
        ++messages_;
        if (phase_ == Phase::open) {
            const std::string_view message(static_cast<const char*>(buffer_.data().data()), buffer_.size());
            delivering_ = true;
            call_session([&] { session_->on_message(message, stream_.got_binary()); });
            delivering_ = false;
        }
        buffer_.clear();
        if (buffer_.capacity() > k_buffer_kept_max) buffer_.shrink_to_fit();
        if (!close_sent_) read_next();
    }

    /// Looks now and then whether the message under way is still the same. The stream does not tell when one begins,
    /// and its idle timeout is long.
    void watch_message() {
        if (phase_ != Phase::open) return;
        const bool unfinished = !paused_ && !held_ && !stream_.is_message_done();
        if (!unfinished || std::exchange(watched_message_, messages_) != messages_) looks_ = 0;
        if (unfinished && looks_++ == k_looks) {
            return begin_close(k_policy, "a message was not complete after " +
                                             std::to_string(state_->options.websocket_message_timeout.count()) +
                                             " ms: expected it in that time");
        }
        message_watch_.expires_after(state_->options.websocket_message_timeout / k_looks);
        message_watch_.async_wait([self = shared_from_this()](error_code error) {
            if (!error) self->watch_message();
        });
    }

    void give_up_large_message() {
        buffer_.clear();
        begin_close(k_too_big, "a message has more than " +
                                   std::to_string(state_->options.websocket_message_bytes_max) + " bytes");
    }

    void set_paused(bool paused) {
        if (phase_ != Phase::open || paused == paused_) return;
        paused_ = paused;
        // A paused connection reads no pongs, so it would pass for idle.
        set_idle_timeout(paused ? websocket::stream_base::none()
                                : std::chrono::steady_clock::duration(state_->options.websocket_idle_timeout));
        if (paused || delivering_) return;
        held_ ? deliver() : read_next();
    }

    // ---- writing ----

    void enqueue(std::string&& message, bool binary) {
        if (phase_ != Phase::open) {
            queued_bytes_ -= message.size();
            return;
        }
        queue_.push_back({std::move(message), binary});
        if (queued_bytes_ > state_->options.websocket_queue_bytes_max) return give_up_slow_reader();
        if (!writing_) write_next();
    }

    void write_next() {
        if (phase_ == Phase::closed) return;
        if (queue_.empty()) {
            if (phase_ == Phase::closing) send_close();
            return;
        }
        writing_ = true;
        stream_.binary(queue_.front().binary);
        stream_.async_write(asio::buffer(queue_.front().message),
                            [self = shared_from_this()](error_code error, std::size_t) {
                                self->writing_ = false;
                                self->pop_front();
                                error ? self->finish(self->reason_of(error)) : self->write_next();
                            });
    }

    void pop_front() {
        queued_bytes_ -= queue_.front().message.size();
        queue_.pop_front();
    }

    /// Forgets what waits, except the message that is being written.
    void drop_queue() {
        while (queue_.size() > (writing_ ? 1u : 0u)) {
            queued_bytes_ -= queue_.back().message.size();
            queue_.pop_back();
        }
    }

    void give_up_slow_reader() {
        drop_queue();
        begin_close(k_try_later, "more than " + std::to_string(state_->options.websocket_queue_bytes_max) +
                                     " bytes wait: expected a reader that keeps up");
    }

    // ---- the end ----

    void begin_close(std::uint16_t code, const std::string& reason) {
        if (phase_ != Phase::open) return;
        phase_ = Phase::closing;
        close_frame_ = websocket::close_reason(static_cast<websocket::close_code>(code), "");
        close_frame_.reason.assign(cut_utf8(reason, k_close_reason_bytes_max).data(),
                                   cut_utf8(reason, k_close_reason_bytes_max).size());
        close_deadline_.expires_after(state_->options.close_timeout);
        close_deadline_.async_wait([self = shared_from_this()](error_code error) {
            if (!error) self->finish("the peer did not answer the close in time");
        });
        if (!writing_) write_next();
        if (!delivering_ && !close_sent_) held_ ? deliver() : read_next();
    }

    void send_close() {
        if (std::exchange(close_sent_, true)) return;
        stream_.async_close(close_frame_, [self = shared_from_this()](error_code error) {
            self->finish(error ? self->reason_of(error) : self->closed_text("closed with ", self->close_frame_));
        });
    }

    [[nodiscard]] static std::string closed_text(const char* start, const websocket::close_reason& reason) {
        std::string text = start + std::to_string(reason.code);
        if (!reason.reason.empty()) text.append(": ").append(reason.reason.data(), reason.reason.size());
        return text;
    }

    [[nodiscard]] std::string reason_of(error_code error) const {
        if (error == websocket::error::closed) {
            return close_sent_ ? closed_text("closed with ", close_frame_)
                               : closed_text("closed by the peer with ", stream_.reason());
        }
        if (error == beast::error::timeout) {
            return "the peer was silent for " + std::to_string(state_->options.websocket_idle_timeout.count()) + " ms";
        }
        return "the connection is lost: " + error.message();
    }

    /// The one way out: the session hears of it before the server counts the connection as gone.
    void finish(const std::string& reason) {
        if (phase_ == Phase::closed) return;
        phase_ = Phase::closed;
        close_deadline_.cancel();
        message_watch_.cancel();
        beast::close_socket(beast::get_lowest_layer(stream_));
        drop_queue();
        --route_.open;
        if (const auto session = std::exchange(session_, nullptr)) {
            call_session([&] { session->on_close(reason); });
        }
        state_->remove(*this);
    }

    const std::string peer_;
    websocket::stream<tcp::socket, true> stream_;
    asio::steady_timer close_deadline_;
    asio::steady_timer message_watch_;
    std::shared_ptr<ServerState> state_;
    Route& route_;  ///< lives in *state_
    std::unique_ptr<WebSocketSession> session_;
    beast::flat_buffer buffer_;
    std::deque<Outgoing> queue_;  ///< the front is being written while writing_
    std::atomic<std::size_t> queued_bytes_{0};
    websocket::close_reason close_frame_;
    Phase phase_ = Phase::accepting;
    std::uint64_t messages_ = 0;         ///< that came in whole
    std::uint64_t watched_message_ = 0;  ///< the value of messages_ at the last look
    unsigned looks_ = 0;                 ///< that found the same message unfinished
    bool reading_ = false;
    bool writing_ = false;
    bool paused_ = false;
    bool held_ = false;  ///< the buffer holds a message that came while paused
    bool close_sent_ = false;
    bool delivering_ = false;  ///< inside on_message: the buffer is in use
};

}  // namespace

void serve_websocket(tcp::socket socket, const std::shared_ptr<ServerState>& state, Route& route, std::string key,
                     HttpRequest upgrade) {
    std::make_shared<WebSocketConnection>(std::move(socket), state, route)->start(key, std::move(upgrade));
}

std::string peer_of(const tcp::socket& socket) {
    error_code error;
    const auto endpoint = socket.remote_endpoint(error);
    if (error) return "unknown";
    const std::string address = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

}  // namespace replayd::net::impl
