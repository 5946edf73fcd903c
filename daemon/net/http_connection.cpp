// One HTTP/1.1 connection: requests one after another, each with a deadline and limits.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "daemon/net/connection.hpp"
#include "daemon/net/http_rules.hpp"
#include "daemon/net/problem.hpp"
#include "daemon/net/upgrade.hpp"

namespace replayd::net::impl {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

/// How long the last bytes of a client are read away after the last answer: closing a socket with unread input
/// resets the connection, and the client may lose the answer (RFC 9112 section 9.6).
constexpr std::chrono::seconds k_linger{2};
/// Input that waits beyond the header under way: a chunk's line with its extensions, trailers, pipelined requests.
constexpr std::size_t k_ahead_bytes_max = 64u << 10;
constexpr std::string_view k_continue = "HTTP/1.1 100 Continue\r\n\r\n";

HeaderShape shape_of(const http::request<http::string_body>& request) {
    HeaderShape shape;
    shape.http_1_1 = request.version() == 11;
    shape.target_bytes = request.target().size();
    for (const auto& field : request) {
        ++shape.fields;
        if (field.name() == http::field::host) ++shape.hosts;
        if (field.name() == http::field::content_length) {
            shape.content_lengths +=
                1 + static_cast<std::size_t>(std::count(field.value().begin(), field.value().end(), ','));
        }
        if (field.name() == http::field::transfer_encoding) {
            shape.transfer_encodings.emplace_back(field.value().data(), field.value().size());
        }
        if (field.name() == http::field::expect) shape.expect.assign(field.value().data(), field.value().size());
    }
    return shape;
}

class HttpConnection final : public Connection, public std::enable_shared_from_this<HttpConnection> {
public:
    HttpConnection(tcp::socket socket, std::shared_ptr<ServerState> state)
        : socket_(std::move(socket)),
          deadline_(socket_.get_executor()),
          state_(std::move(state)),
          buffer_(state_->options.http_header_bytes_max + k_ahead_bytes_max) {
        peer_ = peer_of(socket_);
    }

    void start() {
        enter();
        read_request();
    }

    void refuse() {
        enter();
        keep_alive_ = false;
        write(too_many_connections(state_->options, state_->connections_per_client_max,
                                   state_->connections_of(address_of(peer_))));
    }

    void shut_down() override {
        keep_alive_ = false;
        if (phase_ == Phase::reading) close();
    }

    void abort() override { close(); }

    /// The handler's answer, on the io thread.
    void on_answer(HttpResponse&& response) {
        if (phase_ == Phase::handling) write(std::move(response));
    }

    [[nodiscard]] auto executor() { return socket_.get_executor(); }

private:
    enum class Phase { reading, handling, writing, lingering, closed };

    /// An idle connection has long until its next request begins, which then must not dawdle.
    void read_request() {
        phase_ = Phase::reading;
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(state_->options.http_header_bytes_max));
        parser_->body_limit(state_->options.http_body_bytes_max);
        if (buffer_.size() > 0) return read_header();
        arm(state_->options.http_idle_timeout);
        socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code error) {
            if (self->phase_ != Phase::reading) return;
            error || self->timed_out_ ? self->close() : self->read_header();
        });
    }

    void read_header() {
        arm(state_->options.http_header_timeout);
        http::async_read_header(socket_, buffer_, *parser_,
                                [self = shared_from_this()](error_code error, std::size_t) { self->on_header(error); });
    }

    void on_header(error_code error) {
        if (phase_ != Phase::reading) return;
        if (error) return on_read_error(error);
        if (auto refusal = header_violation(shape_of(parser_->get()), state_->options)) {
            keep_alive_ = false;
            return write(std::move(*refusal));
        }
        arm(state_->options.http_idle_timeout);
        if (parser_->is_done() || parser_->get()[http::field::expect].empty()) return read_body();
        asio::async_write(socket_, asio::buffer(k_continue),
                          [self = shared_from_this()](error_code write_error, std::size_t) {
                              if (self->phase_ != Phase::reading) return;
                              write_error ? self->close() : self->read_body();
                          });
    }

    void read_body() {
        http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
            if (self->phase_ != Phase::reading) return;
            error ? self->on_read_error(error) : self->on_request();
        });
    }

    /// Answers what the client did wrong, where it can still be told; closes in any case.
    void on_read_error(error_code error) {
        keep_alive_ = false;
        if (timed_out_ && !parser_->is_header_done()) return write(header_timeout(state_->options));
        if (timed_out_) return write(body_timeout(state_->options));
        if (error == http::error::header_limit || error == http::error::buffer_overflow) {
            return write(header_too_large(state_->options));
        }
        if (error == http::error::body_limit) return write(body_too_large(state_->options));
        const bool gone = error == http::error::end_of_stream || error == http::error::partial_message ||
                          error.category() != make_error_code(http::error::end_of_stream).category();
        if (gone) return close();
        write(error == http::error::bad_version ? wrong_http_version() : not_http(error.message()));
    }

    void on_request() {
        auto message = parser_->release();
        keep_alive_ = keep_alive_ && message.keep_alive() && !state_->stopping();
        const bool http_1_1 = message.version() == 11;
        HttpRequest request;
        request.method = std::string(message.method_string());
        const std::string target(message.target());
        for (const auto& field : message) {
            add_header(request.headers, {field.name_string().data(), field.name_string().size()},
                       {field.value().data(), field.value().size()});
        }
        request.body = std::move(message.body());
        request.peer = peer_;
        phase_ = Phase::handling;
        deadline_.cancel();
        method_ = request.method;
        origin_ = shown_origin(request, state_->options.gate.get());
        if (auto answer = answer_without_handler(request, target, origin_)) {
            return write(std::move(*answer));
        }
        if (state_->options.gate) {
            if (auto refusal = state_->options.gate->refuse(request, http_1_1 && wants_websocket(request))) {
                return write(std::move(*refusal));
            }
        }
        route(std::move(request), http_1_1);
    }

    void route(HttpRequest&& request, bool http_1_1) {
        if (http_1_1 && wants_websocket(request)) {
            const UpgradeDecision decision = decide_upgrade(request, *state_);
            if (decision.route == nullptr) return write(HttpResponse(decision.refusal));
            return upgrade(*decision.route, std::move(request));
        }
        if (const auto found = state_->routes.find(request.path); found != state_->routes.end()) {
            return write(upgrade_required(request, found->second));
        }
        call_handler(std::move(request));
    }

    void upgrade(Route& route, HttpRequest&& request) {
        if (buffer_.size() > 0) {
            keep_alive_ = false;
            return write(
                problem(400, "invalid_argument", "bytes follow the upgrade request: expected none before the answer"));
        }
        std::string key = request.headers.at("sec-websocket-key");
        serve_websocket(std::move(socket_), state_, route, std::move(key), std::move(request));
        leave();
    }

    void call_handler(HttpRequest&& request);

    void write(HttpResponse&& from) {
        phase_ = Phase::writing;
        finish_response(from, method_, origin_);
        response_.emplace();
        response_->version(11);
        response_->result(from.status);
        if (!from.content_type.empty()) response_->set(http::field::content_type, from.content_type);
        for (const auto& [name, value] : from.headers) response_->set(name, value);
        response_->keep_alive(keep_alive_);
        if (from.status != 204 && from.status != 304) response_->content_length(from.body.size());
        if (method_ != "HEAD") response_->body() = std::move(from.body);
        arm(state_->options.http_idle_timeout);
        http::async_write(socket_, *response_, [self = shared_from_this()](error_code error, std::size_t) {
            if (self->phase_ == Phase::writing) self->on_written(error);
        });
    }

    void on_written(error_code error) {
        response_.reset();
        method_.clear();
        origin_.clear();
        if (error) return close();
        if (keep_alive_ && !state_->stopping()) return read_request();
        linger();
    }

    void linger() {
        phase_ = Phase::lingering;
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        arm(k_linger);
        discard();
    }

    void discard() {
        buffer_.clear();
        socket_.async_read_some(buffer_.prepare(4096), [self = shared_from_this()](error_code error, std::size_t) {
            if (self->phase_ != Phase::lingering) return;
            error ? self->close() : self->discard();
        });
    }

    /// (Re)starts the deadline of the phase that begins.
    void arm(std::chrono::milliseconds timeout) {
        timed_out_ = false;
        deadline_.expires_after(timeout);
        deadline_.async_wait([self = shared_from_this()](error_code error) {
            const bool rearmed = self->deadline_.expiry() > std::chrono::steady_clock::now();
            if (!error && !rearmed) self->on_deadline();
        });
    }

    void on_deadline() {
        if (phase_ == Phase::handling || phase_ == Phase::closed) return;
        if (phase_ != Phase::reading) return close();
        // Ends the read with what has come so far, and leaves the way back open for an answer.
        timed_out_ = true;
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_receive, ignored);
    }

    void close() {
        if (phase_ == Phase::closed) return;
        error_code ignored;
        socket_.close(ignored);
        leave();
    }

    void enter() {
        ++state_->http_open;
        state_->add(shared_from_this(), peer_);
    }

    void leave() {
        phase_ = Phase::closed;
        deadline_.cancel();
        --state_->http_open;
        state_->remove(*this);
    }

    tcp::socket socket_;
    asio::steady_timer deadline_;
    std::shared_ptr<ServerState> state_;
    std::string peer_;
    boost::beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    std::optional<http::response<http::string_body>> response_;
    std::string method_;  ///< of the request being answered
    std::string origin_;  ///< to which the answer may be shown; empty: to none but its own
    Phase phase_ = Phase::reading;
    bool keep_alive_ = true;
    bool timed_out_ = false;
};

/// Carries one answer back to the connection, from any thread; unused, it answers 500.
class Responder {
public:
    explicit Responder(std::shared_ptr<HttpConnection> connection) : connection_(std::move(connection)) {}

    ~Responder() { respond(problem(500, "internal", "the request was dropped without an answer")); }

    Responder(const Responder&) = delete;
    Responder& operator=(const Responder&) = delete;

    void respond(HttpResponse&& response) {
        if (used_.test_and_set()) return;
        asio::dispatch(connection_->executor(), [connection = connection_, response = std::move(response)]() mutable {
            connection->on_answer(std::move(response));
        });
    }

private:
    const std::shared_ptr<HttpConnection> connection_;
    std::atomic_flag used_;
};

void HttpConnection::call_handler(HttpRequest&& request) {
    if (request.method == "HEAD") request.method = "GET";
    auto responder = std::make_shared<Responder>(shared_from_this());
    try {
        state_->http(std::move(request),
                     [responder](HttpResponse&& response) { responder->respond(std::move(response)); });
    } catch (const std::exception& trouble) {
        responder->respond(problem(500, "internal", std::string("the handler failed: ") + trouble.what()));
    }
}

}  // namespace

void serve_http(tcp::socket socket, const std::shared_ptr<ServerState>& state) {
    std::make_shared<HttpConnection>(std::move(socket), state)->start();
}

void refuse_http(tcp::socket socket, const std::shared_ptr<ServerState>& state) {
    std::make_shared<HttpConnection>(std::move(socket), state)->refuse();
}

}  // namespace replayd::net::impl
