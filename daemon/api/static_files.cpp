#include "daemon/api/static_files.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include "daemon/api/answer.hpp"
#include "daemon/config/config.hpp"
#include "daemon/net/quoted.hpp"

namespace replayd::api {
namespace {

namespace fs = std::filesystem;

std::string content_type(const fs::path& path) {
    static const std::array<std::pair<std::string_view, std::string_view>, 12> types = {{
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".woff", "font/woff"},
        {".txt", "text/plain; charset=utf-8"},
        {".map", "application/json"},
    }};
    const std::string extension = path.extension().string();
    const auto* found =
        std::find_if(types.begin(), types.end(), [&](const auto& type) { return type.first == extension; });
    return std::string(found == types.end() ? "application/octet-stream" : found->second);
}

/// Whether every segment of the path is a plain, visible name.
bool plain(std::string_view path) {
    if (path.find('\0') != std::string_view::npos || path.find('\\') != std::string_view::npos) return false;
    for (const auto& segment : fs::path(path)) {
        const std::string name = segment.string();
        if (name != "/" && !name.empty() && name.front() == '.') return false;
    }
    return true;
}

/// The regular file that the path names inside `dir`, links resolved.
std::optional<fs::path> resolve(const std::string& dir, std::string_view path) {
    if (!plain(path)) return std::nullopt;
    std::error_code error;
    const fs::path root = fs::canonical(dir, error);
    if (error) return std::nullopt;
    fs::path wanted = root / fs::path(path).relative_path();
    if (path.empty() || path.back() == '/') wanted /= "index.html";
    const fs::path file = fs::canonical(wanted, error);
    if (error || !fs::is_regular_file(file, error)) return std::nullopt;
    const auto [at_root, at_file] = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
    if (at_root != root.end()) return std::nullopt;
    return file;
}

}  // namespace

net::HttpResponse static_file(const std::string& dir, std::string_view path) {
    if (dir.empty()) {
        return problem(Error{Code::not_found,
                             "no page is configured: start replayd with --dashboard DIR, or use the "
                             "API under /api/v1 and /metrics"});
    }
    const auto file = resolve(dir, path);
    if (!file) return problem(Error{Code::not_found, "no file " + net::quoted(path) + " in the page"});
    auto text = config::read_text_file(file->string());
    if (!text) return problem(text.error());
    net::HttpResponse response;
    response.content_type = content_type(*file);
    response.body = std::move(*text);
    response.headers = {
        {"cache-control", "no-cache"},
        {"x-content-type-options", "nosniff"},
        {"referrer-policy", "no-referrer"},
        {"content-security-policy",
         "default-src 'self'; connect-src 'self' http: https: ws: wss:; style-src 'self' 'unsafe-inline'; "
         "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}};
    return response;
}

}  // namespace replayd::api
