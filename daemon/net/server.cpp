#include "daemon/net/server.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <string_view>
#include <utility>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/net/connection.hpp"
#include "daemon/net/server_state.hpp"

namespace replayd::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// Connections beyond the maximum that are told so with a 503; more than that are closed without a word.
constexpr std::size_t k_refusals_max = 64;
/// Pause after an accept that failed, typically for want of file descriptors: the error stays until one closes.
constexpr std::chrono::milliseconds k_accept_retry{100};

/// Children of the process, should it ever have any, do not inherit its sockets.
template <class Socket>
void close_on_exec(Socket& socket) {
    static_cast<void>(::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC));
}

/// Owns the listening socket; connections and callbacks keep the state, never the listener.
class Listener : public std::enable_shared_from_this<Listener> {
public:
    Listener(asio::io_context& io, std::shared_ptr<impl::ServerState> state)
        : acceptor_(io), retry_(io), state_(std::move(state)) {}

    Result<void> open() {
        error_code error;
        if (state_->options.listen_fd >= 0) {
            adopt(state_->options.listen_fd, error);
        } else {
            const auto address = asio::ip::make_address(state_->options.address, error);
            if (error) {
                return fail(Code::invalid_argument, "cannot listen on \"" + state_->options.address +
                                                        "\": expected an IP address such as 127.0.0.1 or ::1");
            }
            bind({address, state_->options.port}, error);
        }
        if (error) return fail(Code::io, "cannot listen on " + where() + ": " + error.message());
        const tcp::endpoint bound = acceptor_.local_endpoint(error);
        port_ = bound.port();
        address_ = bound.address().to_string();
        return {};
    }

    void accept() {
        acceptor_.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
            if (!self->acceptor_.is_open()) return;
            if (error) return self->accept_later();
            self->serve(std::move(socket));
            self->accept();
        });
    }

    void close() {
        error_code ignored;
        acceptor_.close(ignored);
        retry_.cancel();
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] const std::string& address() const { return address_; }
    [[nodiscard]] auto executor() { return acceptor_.get_executor(); }

private:
    [[nodiscard]] std::string where() const {
        if (state_->options.listen_fd >= 0) return "file descriptor " + std::to_string(state_->options.listen_fd);
        return state_->options.address + ":" + std::to_string(state_->options.port);
    }

    void bind(const tcp::endpoint& endpoint, error_code& error) {
        acceptor_.open(endpoint.protocol(), error);
        if (!error) close_on_exec(acceptor_);
        if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
        if (!error) acceptor_.bind(endpoint, error);
        if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    }

    void adopt(int fd, error_code& error) {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
            error = error_code(errno, boost::system::system_category());
            return;
        }
        acceptor_.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), fd, error);
        if (!error) close_on_exec(acceptor_);
    }

    void accept_later() {
        retry_.expires_after(k_accept_retry);
        retry_.async_wait([self = shared_from_this()](error_code error) {
            if (!error && self->acceptor_.is_open()) self->accept();
        });
    }

    void serve(tcp::socket socket) {
        close_on_exec(socket);
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        socket.set_option(asio::socket_base::keep_alive(true), ignored);
        const std::size_t open = state_->connections();
        const std::size_t of_client = state_->connections_of(impl::address_of(impl::peer_of(socket)));
        const std::size_t per_client_max = state_->connections_per_client_max;
        if (open < state_->options.connections_max && of_client < per_client_max) {
            impl::serve_http(std::move(socket), state_);
        } else if (open < state_->options.connections_max + k_refusals_max &&
                   of_client < per_client_max + k_refusals_max) {
            impl::refuse_http(std::move(socket), state_);
        }
    }

    tcp::acceptor acceptor_;
    asio::steady_timer retry_;
    std::shared_ptr<impl::ServerState> state_;
    std::uint16_t port_ = 0;
    std::string address_;
};

class ServerImpl final : public Server {
public:
    ServerImpl(std::shared_ptr<Listener> listener, std::shared_ptr<impl::ServerState> state)
        : listener_(std::move(listener)), state_(std::move(state)) {}

    ~ServerImpl() override {
        asio::post(listener_->executor(), [listener = listener_, state = state_] {
            listener->close();
            state->abort();
        });
    }

    ServerImpl(const ServerImpl&) = delete;
    ServerImpl& operator=(const ServerImpl&) = delete;

    [[nodiscard]] std::uint16_t port() const override { return listener_->port(); }
    [[nodiscard]] std::string address() const override { return listener_->address(); }
    [[nodiscard]] std::size_t http_connections() const override { return state_->http_open; }

    [[nodiscard]] std::size_t websocket_connections(std::string_view path) const override {
        const auto found = state_->routes.find(path);
        return found == state_->routes.end() ? 0 : found->second.open.load();
    }

    void limit_connections_per_client(std::size_t most) override { state_->connections_per_client_max = most; }

    void stop(std::function<void()> done) override {
        asio::post(listener_->executor(), [listener = listener_, state = state_, done = std::move(done)]() mutable {
            listener->close();
            state->shut_down(std::move(done));
        });
    }

private:
    std::shared_ptr<Listener> listener_;
    std::shared_ptr<impl::ServerState> state_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(asio::io_context& io, ServerOptions options, HttpHandler http,
                                               std::map<std::string, WebSocketRoute> websockets) {
    auto state = std::make_shared<impl::ServerState>(std::move(options), std::move(http), std::move(websockets));
    auto listener = std::make_shared<Listener>(io, state);
    if (auto opened = listener->open(); !opened) return tl::unexpected<Error>(opened.error());
    asio::post(io, [listener] { listener->accept(); });
    return std::make_unique<ServerImpl>(std::move(listener), std::move(state));
}

}  // namespace replayd::net
