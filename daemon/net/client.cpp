// The blocking clients: asynchronous operations on an io_context of their own, run until the answer or the
// deadline.

#include "daemon/net/client.hpp"

#include <algorithm>
#include <cctype>
#include <deque>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace replayd::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds k_connect_timeout{30};
constexpr std::chrono::seconds k_close_timeout{5};
constexpr std::uint64_t k_http_body_bytes_max = 1u << 30;
constexpr std::size_t k_message_bytes_max = 256u << 20;
/// Unread messages beyond which the client stops taking more from the socket.
constexpr std::size_t k_inbox_messages_max = 1024;

std::string host_and_port(const Endpoint& endpoint) { return net::host_and_port(endpoint.host, endpoint.port); }

/// Runs what is pending until it is done.
void run(asio::io_context& io) {
    io.restart();
    io.run();
}

/// Resolves and connects.
Result<void> open_connection(asio::io_context& io, beast::tcp_stream& stream, const Endpoint& endpoint) {
    error_code failed;
    tcp::resolver resolver(io);
    const auto addresses = resolver.resolve(endpoint.host, std::to_string(endpoint.port), failed);
    if (failed) return fail(Code::io, "cannot find the host " + endpoint.host + ": " + failed.message());
    stream.async_connect(addresses, [&failed](error_code error, const tcp::endpoint&) { failed = error; });
    run(io);
    if (!failed) return {};
    const bool refused = failed == asio::error::connection_refused;
    return fail(refused ? Code::unavailable : Code::io,
                "cannot connect to " + host_and_port(endpoint) + ": " + failed.message() +
                    (refused ? "; is replayd running there?" : ""));
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::string to_string(beast::string_view text) { return {text.data(), text.size()}; }

HttpResponse plain(http::response<http::string_body>&& from) {
    HttpResponse to;
    to.status = from.result_int();
    to.content_type = to_string(from[http::field::content_type]);
    for (const auto& field : from) {
        to.headers.emplace_back(lower(to_string(field.name_string())), to_string(field.value()));
    }
    to.body = std::move(from.body());
    return to;
}

/// The sentence of a problem-details body, or the body itself.
std::string detail_of(const std::string& body) {
    error_code not_json;
    const auto value = boost::json::parse(body, not_json);
    const auto* object = not_json ? nullptr : value.if_object();
    const auto* detail = object != nullptr ? object->if_contains("detail") : nullptr;
    if (detail == nullptr || !detail->is_string()) return body;
    return {detail->get_string().data(), detail->get_string().size()};
}

Code code_of(unsigned status) {
    if (status == 404) return Code::not_found;
    if (status == 429 || status == 503) return Code::unavailable;
    return status >= 400 && status < 500 ? Code::invalid_argument : Code::io;
}

class WebSocketClientImpl final : public WebSocketClient {
public:
    WebSocketClientImpl() : stream_(io_) {}

    ~WebSocketClientImpl() override { beast::get_lowest_layer(stream_).close(); }

    WebSocketClientImpl(const WebSocketClientImpl&) = delete;
    WebSocketClientImpl& operator=(const WebSocketClientImpl&) = delete;

    Result<void> open(const Endpoint& endpoint, const std::string& target, const std::string& subprotocol) {
        beast::tcp_stream& tcp = beast::get_lowest_layer(stream_);
        tcp.expires_after(k_connect_timeout);
        if (auto connected = open_connection(io_, tcp, endpoint); !connected) return connected;
        tcp.expires_never();
        tcp.socket().set_option(tcp::no_delay(true));
        address_ = "ws://" + host_and_port(endpoint) + target;
        configure(subprotocol, endpoint.token);
        websocket::response_type answer;
        error_code failed;
        bool done = false;
        stream_.async_handshake(answer, host_and_port(endpoint), target, [&](error_code error) {
            failed = error;
            done = true;
        });
        // Not run(): after a refusal the stream's handshake timer is still pending.
        io_.restart();
        while (!done) io_.run_one();
        if (failed == websocket::error::upgrade_declined) {
            return fail(code_of(answer.result_int()), address_ + " refused the connection with " +
                                                          std::to_string(answer.result_int()) + ": " +
                                                          detail_of(answer.body()));
        }
        if (failed) return fail(Code::io, "cannot open " + address_ + ": " + failed.message());
        if (answer[http::field::sec_websocket_protocol] != subprotocol) {
            return fail(Code::io, address_ + " speaks \"" + to_string(answer[http::field::sec_websocket_protocol]) +
                                      "\": expected the subprotocol \"" + subprotocol + "\"");
        }
        return {};
    }

    Result<void> send(std::string_view message, bool binary) override {
        if (closed_) return closed_error();
        bool written = false;
        error_code failed;
        stream_.binary(binary);
        stream_.async_write(asio::buffer(message.data(), message.size()), [&](error_code error, std::size_t) {
            failed = error;
            written = true;
        });
        run_until([&] { return written; }, Clock::time_point::max());
        if (!failed) return {};
        // A close frame that waits in the socket tells more than the broken write.
        run_until([&] { return closed_; }, Clock::now() + k_close_timeout);
        return closed_error();
    }

    Result<std::optional<WebSocketMessage>> receive(std::chrono::milliseconds timeout) override {
        run_until([&] { return !inbox_.empty() || closed_; }, Clock::now() + timeout);
        if (inbox_.empty()) {
            if (closed_) return closed_error();
            return std::nullopt;
        }
        std::optional<WebSocketMessage> message = std::move(inbox_.front());
        inbox_.pop_front();
        return message;
    }

    [[nodiscard]] std::uint16_t close_code() const override { return stream_.reason().code; }

    void close(std::uint16_t code) override {
        if (closed_) return;
        stream_.async_close(websocket::close_reason(static_cast<websocket::close_code>(code)),
                            [this](error_code) { closed_ = true; });
        const Clock::time_point deadline = Clock::now() + k_close_timeout;
        while (!closed_) {
            inbox_.clear();
            if (!run_until([this] { return closed_ || !inbox_.empty(); }, deadline)) break;
        }
        inbox_.clear();
        beast::get_lowest_layer(stream_).close();
        closed_ = true;
    }

private:
    void configure(const std::string& subprotocol, const std::string& token) {
        stream_.set_option(
            websocket::stream_base::timeout{k_connect_timeout, websocket::stream_base::none(), false});
        stream_.read_message_max(k_message_bytes_max);
        stream_.auto_fragment(false);
        stream_.write_buffer_bytes(64u << 10);
        stream_.set_option(websocket::stream_base::decorator([subprotocol, token](websocket::request_type& request) {
            request.set(http::field::sec_websocket_protocol, subprotocol);
            if (!token.empty()) request.set(http::field::authorization, "Bearer " + token);
        }));
    }

    /// Keeps one read outstanding while the inbox has room.
    void read_ahead() {
        if (reading_ || closed_ || inbox_.size() >= k_inbox_messages_max) return;
        reading_ = true;
        stream_.async_read(buffer_, [this](error_code error, std::size_t) {
            reading_ = false;
            if (error) return on_read_error(error);
            inbox_.push_back({beast::buffers_to_string(buffer_.data()), stream_.got_binary()});
            buffer_.clear();
            read_ahead();
        });
    }

    void on_read_error(error_code error) {
        closed_ = true;
        const auto& reason = stream_.reason();
        // A peer that is gone right after its close frame breaks our answer to it, but has told its reason.
        if (error != websocket::error::closed && reason.code == websocket::close_code::none) {
            trouble_ = "the connection to " + address_ + " is lost: " + error.message();
            return;
        }
        trouble_ = address_ + " closed the connection with " + std::to_string(reason.code);
        if (!reason.reason.empty()) trouble_.append(": ").append(reason.reason.data(), reason.reason.size());
    }

    /// Handles events until `done()` or the deadline; whether it became true.
    template <class Done>
    bool run_until(Done done, Clock::time_point deadline) {
        read_ahead();
        io_.restart();
        while (!done()) {
            const bool event = deadline == Clock::time_point::max() ? io_.run_one() > 0
                                                                    : io_.run_one_until(deadline) > 0;
            if (!event) return done();
        }
        return true;
    }

    [[nodiscard]] tl::unexpected<Error> closed_error() const {
        return fail(Code::unavailable,
                    trouble_.empty() ? "the connection to " + address_ + " is closed" : trouble_);
    }

    asio::io_context io_;
    websocket::stream<beast::tcp_stream, false> stream_;
    beast::flat_buffer buffer_;
    std::deque<WebSocketMessage> inbox_;
    std::string address_;
    std::string trouble_;  ///< why it is closed
    bool reading_ = false;
    bool closed_ = false;
};

}  // namespace

Result<HttpResponse> http_request(const Endpoint& endpoint, const std::string& method, const std::string& target,
                                  std::string body, const std::string& content_type,
                                  std::chrono::milliseconds timeout) {
    asio::io_context io;
    beast::tcp_stream stream(io);
    stream.expires_after(timeout);
    if (auto connected = open_connection(io, stream, endpoint); !connected) {
        return tl::unexpected<Error>(connected.error());
    }

    http::request<http::string_body> request;
    request.version(11);
    request.method_string(method);
    request.target(target);
    request.set(http::field::host, host_and_port(endpoint));
    if (!body.empty()) request.set(http::field::content_type, content_type);
    if (!endpoint.token.empty()) request.set(http::field::authorization, "Bearer " + endpoint.token);
    request.body() = std::move(body);
    request.keep_alive(false);
    request.prepare_payload();
    error_code unsent;
    stream.expires_after(timeout);
    http::async_write(stream, request, [&unsent](error_code error, std::size_t) { unsent = error; });
    run(io);

    // Read even when sending failed: a server that refuses a large body answers before it has all of it.
    http::response_parser<http::string_body> parser;
    parser.body_limit(k_http_body_bytes_max);
    parser.skip(method == "HEAD");
    beast::flat_buffer buffer;
    error_code failed;
    stream.expires_after(timeout);
    http::async_read(stream, buffer, parser, [&failed](error_code error, std::size_t) { failed = error; });
    run(io);
    if (!failed) return plain(parser.release());
    const error_code cause = unsent ? unsent : failed;
    return fail(Code::io, method + " " + target + " at " + host_and_port(endpoint) + " failed: " + cause.message());
}

Result<std::unique_ptr<WebSocketClient>> WebSocketClient::connect(const Endpoint& endpoint, const std::string& target,
                                                                  const std::string& subprotocol) {
    auto client = std::make_unique<WebSocketClientImpl>();
    if (auto opened = client->open(endpoint, target, subprotocol); !opened) {
        return tl::unexpected<Error>(opened.error());
    }
    return client;
}

}  // namespace replayd::net
