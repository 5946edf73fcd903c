#include "daemon/access/guard.hpp"

#include <algorithm>
#include <utility>

#include "daemon/access/credentials.hpp"
#include "daemon/config/log.hpp"
#include "daemon/net/problem.hpp"
#include "daemon/net/quoted.hpp"

namespace replayd::access {
namespace {

/// Lines about refused requests come at most this often; the next one says how many were left out.
constexpr std::chrono::seconds k_log_every{1};

/// Page loads are answered with the challenge that makes a browser ask for a password.
net::HttpResponse unauthenticated(const net::HttpRequest& request, const std::string& detail) {
    net::HttpResponse answer = net::problem(401, "unauthenticated", detail);
    const auto accept = request.headers.find("accept");
    const bool page = accept != request.headers.end() && accept->second.find("text/html") != std::string::npos;
    answer.headers.emplace_back("WWW-Authenticate", page ? R"(Basic realm="replayd", charset="UTF-8")"
                                                         : R"(Bearer realm="replayd")");
    return answer;
}

bool listed(const Policy& policy, const std::string& origin) {
    return std::find(policy.origins.begin(), policy.origins.end(), origin) != policy.origins.end();
}

/// Pages of this machine may read where nobody has to log in.
bool readable(const Policy& policy, const std::string& origin) {
    return listed(policy, origin) || (policy.tokens.empty() && loopback_origin(origin));
}

std::string address_of(const net::HttpRequest& request) {
    return request.peer.substr(0, request.peer.rfind(':'));
}

}  // namespace

/// Forwards to the session and leaves the count when it goes.
class Guard::CountedSession final : public net::WebSocketSession {
public:
    CountedSession(Guard& guard, std::string client, std::unique_ptr<net::WebSocketSession> session)
        : guard_(guard), client_(std::move(client)), session_(std::move(session)) {
        ++guard_.websockets_[client_];
    }
    ~CountedSession() override {
        const auto count = guard_.websockets_.find(client_);
        if (--count->second == 0) guard_.websockets_.erase(count);
    }
    CountedSession(const CountedSession&) = delete;
    CountedSession& operator=(const CountedSession&) = delete;

    void on_open(std::shared_ptr<net::WebSocket> socket) override { session_->on_open(std::move(socket)); }
    void on_message(std::string_view message, bool binary) override { session_->on_message(message, binary); }
    void on_close(std::string_view reason) override { session_->on_close(reason); }

private:
    Guard& guard_;
    const std::string client_;
    const std::unique_ptr<net::WebSocketSession> session_;
};

void Guard::replace(Policy policy) {
    auto next = std::make_shared<const Policy>(std::move(policy));
    const std::lock_guard lock(mutex_);
    policy_ = std::move(next);
}

std::shared_ptr<const Policy> Guard::policy() const {
    const std::lock_guard lock(mutex_);
    return policy_;
}

std::vector<std::pair<std::string, std::uint64_t>> Guard::refused_by_reason() const {
    std::vector<std::pair<std::string, std::uint64_t>> counts;
    for (std::size_t i = 0; i < refused_.size(); ++i) counts.emplace_back(k_refused_names[i], refused_[i].load());
    return counts;
}

bool Guard::readable_from(const std::string& origin) const {
    return readable(*policy(), origin);
}

std::optional<net::HttpResponse> Guard::refuse(net::HttpRequest& request, bool websocket) {
    const auto policy = this->policy();
    auto refusal = check(*policy, request, websocket);
    if (!refusal) return std::nullopt;
    note(refusal->reason, request);
    return std::move(refusal->answer);
}

std::optional<Guard::Refusal> Guard::check(const Policy& policy, net::HttpRequest& request, bool websocket) const {
    if (auto refusal = check_host(policy, request)) return refusal;
    if (auto refusal = check_origin(policy, request, websocket)) return refusal;
    if (auto refusal = check_token(policy, request)) return refusal;
    if (!websocket) return std::nullopt;
    const auto open = websockets_.find(request.client);
    if (open == websockets_.end() || open->second < policy.websockets_per_client_max) return std::nullopt;
    return Refusal{Refused::too_many_websockets,
                   net::problem(429, "unavailable",
                                "client " + net::quoted(request.client) + " has " + std::to_string(open->second) +
                                    " websockets: expected at most " +
                                    std::to_string(policy.websockets_per_client_max) +
                                    " (limits.websockets_per_client_max); close some first")};
}

/// Without tokens, any page that the user visits could call us by a name of its own: see `public_name`.
std::optional<Guard::Refusal> Guard::check_host(const Policy& policy, const net::HttpRequest& request) {
    if (!policy.tokens.empty()) return std::nullopt;
    const auto host = request.headers.find("host");
    if (host == request.headers.end() || !public_name(host_of(host->second))) return std::nullopt;
    if (listed(policy, "http://" + host->second) || listed(policy, "https://" + host->second)) return std::nullopt;
    return Refusal{Refused::foreign_host,
                   net::problem(403, "foreign_host",
                                "the header Host is " + net::quoted(host->second) +
                                    ": expected an address, localhost, or a host that listen.origins names")};
}

std::optional<Guard::Refusal> Guard::check_origin(const Policy& policy, const net::HttpRequest& request,
                                                  bool websocket) {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    // Browsers let any page send a GET; whether it may see the answer is Access-Control-Allow-Origin's matter.
    if (reads && !websocket) return std::nullopt;
    const auto origin = request.headers.find("origin");
    if (origin == request.headers.end() || same_origin(request, origin->second)) return std::nullopt;
    const bool acts = !websocket || request.path == k_ingest_path;
    if (acts ? listed(policy, origin->second) : readable(policy, origin->second)) return std::nullopt;
    return Refusal{Refused::foreign_origin,
                   net::problem(403, "foreign_origin",
                                "origin " + net::quoted(origin->second) +
                                    (acts ? " may not change anything here" : " may not follow what happens here") +
                                    ": expected a request of this host's own page, of an origin that listen.origins "
                                    "names, or of a program")};
}

std::optional<Guard::Refusal> Guard::check_token(const Policy& policy, net::HttpRequest& request) {
    request.client = address_of(request);
    const auto role = needed_role(request);
    if (policy.tokens.empty() || !role) return std::nullopt;
    const auto token = shown_token(request);
    if (!token) return Refusal{Refused::unauthenticated, unauthenticated(request, token.error().message)};
    if (!*token) {
        return Refusal{Refused::unauthenticated,
                       unauthenticated(request, "this daemon wants a token: expected \"Authorization: Bearer TOKEN\" "
                                                "(replayctl: --token-file FILE or $REPLAYD_TOKEN_FILE)")};
    }
    const Identity* identity = policy.tokens.find(**token);
    if (identity == nullptr) {
        return Refusal{Refused::unauthenticated,
                       unauthenticated(request, "the token is unknown here: expected one that the daemon's "
                                                "configuration names")};
    }
    request.client = identity->name;
    if (identity->may(*role)) return std::nullopt;
    return Refusal{Refused::forbidden,
                   net::problem(403, "forbidden",
                                request.method + " " + net::quoted(request.path) + " needs the role " +
                                    std::string(role_name(*role)) + ": the token of " + net::quoted(identity->name) +
                                    " has " + identity->roles_text())};
}

void Guard::note(Refused reason, const net::HttpRequest& request) {
    const auto index = static_cast<std::size_t>(reason);
    ++refused_[index];
    const auto now = std::chrono::steady_clock::now();
    if (now - logged_ < k_log_every) {
        ++unlogged_;
        return;
    }
    logged_ = now;
    config::log(config::LogLevel::warn, "request_refused",
                {{"reason", k_refused_names[index]},
                 {"peer", request.peer},
                 {"client", request.client},
                 {"method", request.method},
                 {"path", net::cut_utf8(request.path, net::k_quoted_bytes_max)},
                 {"not_logged", std::exchange(unlogged_, 0)}});
}

std::unique_ptr<net::WebSocketSession> Guard::counted(const net::HttpRequest& upgrade,
                                                      std::unique_ptr<net::WebSocketSession> session) {
    return std::make_unique<CountedSession>(*this, upgrade.client, std::move(session));
}

}  // namespace replayd::access
