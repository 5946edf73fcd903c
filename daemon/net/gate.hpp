#pragma once
// Who may do what: asked by the server for every request, before a handler or an upgrade sees it.

#include <optional>
#include <string>

#include "daemon/net/http.hpp"

namespace replayd::net {

/// On the io thread. A server without a gate lets every request through and every page read.
class Gate {
public:
    virtual ~Gate() = default;
    /// The answer to a request that may not pass; nothing when it may, and then `request.client` says who it is.
    /// `websocket`: the request asks for an upgrade.
    [[nodiscard]] virtual std::optional<HttpResponse> refuse(HttpRequest& request, bool websocket) = 0;
    /// Whether a browser may show the answers to a page of `origin` (Access-Control-Allow-Origin).
    [[nodiscard]] virtual bool readable_from(const std::string& origin) const = 0;
};

}  // namespace replayd::net
