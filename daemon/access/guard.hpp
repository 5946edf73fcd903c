#pragma once
// The daemon's gate: names in Host, origins, tokens, roles, websockets per client. What it refuses it counts and logs,
// never with a token.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/access/policy.hpp"
#include "daemon/net/gate.hpp"
#include "daemon/net/websocket.hpp"

namespace replayd::access {

/// Why a request did not pass.
enum class Refused { unauthenticated, forbidden, foreign_origin, foreign_host, too_many_websockets };
inline constexpr std::array<std::string_view, 5> k_refused_names = {"unauthenticated", "forbidden", "foreign_origin",
                                                                   "foreign_host", "too_many_websockets"};

class Guard final : public net::Gate {
public:
    explicit Guard(Policy policy) : policy_(std::make_shared<const Policy>(std::move(policy))) {}

    /// Goes by another policy from now on; open websockets stay. Any thread.
    void replace(Policy policy);
    /// Requests refused since the start, by the name of the reason. Any thread.
    [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> refused_by_reason() const;

    std::optional<net::HttpResponse> refuse(net::HttpRequest& request, bool websocket) override;
    [[nodiscard]] bool readable_from(const std::string& origin) const override;

    /// The session, counted among its client's websockets until it is destroyed. On the io thread; the guard outlives
    /// the session.
    [[nodiscard]] std::unique_ptr<net::WebSocketSession> counted(const net::HttpRequest& upgrade,
                                                                 std::unique_ptr<net::WebSocketSession> session);

private:
    class CountedSession;
    struct Refusal {
        Refused reason;
        net::HttpResponse answer;
    };
    [[nodiscard]] std::shared_ptr<const Policy> policy() const;
    [[nodiscard]] std::optional<Refusal> check(const Policy& policy, net::HttpRequest& request, bool websocket) const;
    [[nodiscard]] static std::optional<Refusal> check_host(const Policy& policy, const net::HttpRequest& request);
    [[nodiscard]] static std::optional<Refusal> check_origin(const Policy& policy, const net::HttpRequest& request,
                                                             bool websocket);
    [[nodiscard]] static std::optional<Refusal> check_token(const Policy& policy, net::HttpRequest& request);
    void note(Refused reason, const net::HttpRequest& request);

    mutable std::mutex mutex_;
    std::shared_ptr<const Policy> policy_;
    std::array<std::atomic<std::uint64_t>, k_refused_names.size()> refused_{};
    // On the io thread only:
    std::map<std::string, std::size_t> websockets_;  ///< by client
    std::chrono::steady_clock::time_point logged_{};
    std::int64_t unlogged_ = 0;
};

}  // namespace replayd::access
