#pragma once
// The page's files. Any thread.

#include <string>
#include <string_view>

#include "daemon/net/http.hpp"

namespace replayd::api {

/// The file of a decoded request path below `dir` ("/" is index.html); 404 where there is none. Hidden files,
/// "..", and whatever a link leads out of `dir` are not there.
[[nodiscard]] net::HttpResponse static_file(const std::string& dir, std::string_view path);

}  // namespace replayd::api
