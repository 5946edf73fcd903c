#include "daemon/net/problem.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/net/quoted.hpp"

namespace replayd::net {
namespace {

std::string readable(std::string_view text) {
    std::string out(text);
    if (is_utf8(out)) return out;
    for (char& c : out) {
        if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
    return out;
}

}  // namespace

std::string_view status_phrase(unsigned status) {
    switch (status) {
        case 200: return "OK";
        case 201: return "Created";
        case 204: return "No Content";
        case 304: return "Not Modified";
        case 400: return "Bad Request";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 413: return "Content Too Large";
        case 415: return "Unsupported Media Type";
        case 422: return "Unprocessable Content";
        case 426: return "Upgrade Required";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 503: return "Service Unavailable";
        default: return "Error";
    }
}

HttpResponse problem(unsigned status, std::string_view code, std::string_view detail) {
    const std::string_view title = status_phrase(status);
    boost::json::object body;
    body["type"] = "about:blank";
    body["title"].emplace_string().assign(title.data(), title.size());
    body["status"] = status;
    body["code"].emplace_string().assign(code.data(), code.size());
    body["detail"] = readable(detail);
    HttpResponse response;
    response.status = status;
    response.content_type = "application/problem+json";
    response.body = boost::json::serialize(body);
    return response;
}

}  // namespace replayd::net
