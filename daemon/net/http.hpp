#pragma once
// HTTP requests and answers as the rest of the daemon sees them: no Beast type appears here.

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace replayd::net {

struct HttpRequest {
    std::string method;                        ///< "GET", "POST", …
    std::string path;                          ///< decoded, without query: "/api/v1/runs"
    std::map<std::string, std::string> query;  ///< decoded; the last value wins
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
    std::string peer;                          ///< "127.0.0.1:5123"
    std::string client;                        ///< whom the gate knows it as; empty without a gate
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};

/// Called on the io thread. `respond` is called exactly once, at any later time, from any thread; dropping it
/// unused answers 500, and so does an exception. The server itself sees to HEAD (it arrives here as GET), OPTIONS,
/// Access-Control-Allow-Origin on GET, what the gate refuses, and malformed requests.
using HttpHandler = std::function<void(HttpRequest&& request, std::function<void(HttpResponse&&)> respond)>;

}  // namespace replayd::net
