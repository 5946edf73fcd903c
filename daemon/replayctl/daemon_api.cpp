#include "daemon/replayctl/daemon_api.hpp"

#include <algorithm>
#include <array>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/net/quoted.hpp"
#include "daemon/protocol/codes.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

Error refused(const net::HttpResponse& answer, const json::value* body) {
    const json::object* problem = body == nullptr ? nullptr : body->if_object();
    const json::value* code = problem == nullptr ? nullptr : problem->if_contains("code");
    const json::value* detail = problem == nullptr ? nullptr : problem->if_contains("detail");
    if (code != nullptr && code->is_string() && detail != nullptr && detail->is_string()) {
        return Error{code_named(std::string_view(code->get_string()))
                         .value_or(answer.status < 500 ? Code::invalid_argument : Code::io),
                     std::string(detail->get_string())};
    }
    return Error{Code::io, "the daemon answered " + std::to_string(answer.status) + ": " + net::quoted(answer.body)};
}

Result<json::value> value_of(const Result<net::HttpResponse>& answer) {
    if (!answer) return tl::unexpected(answer.error());
    boost::system::error_code wrong;
    json::value body = json::parse(answer->body, wrong);
    if (answer->status >= 400) return tl::unexpected(refused(*answer, wrong ? nullptr : &body));
    if (wrong) return fail(Code::io, "the daemon's answer is not JSON: is something else listening there?");
    return body;
}

}  // namespace

std::optional<Code> code_named(std::string_view name) {
    constexpr std::array<Code, 8> k_codes = {Code::invalid_argument, Code::not_found,   Code::already_exists,
                                             Code::failed_state,     Code::too_large,   Code::unavailable,
                                             Code::io,               Code::internal};
    const auto found = std::find_if(k_codes.begin(), k_codes.end(),
                                    [name](Code code) { return protocol::facts(code).name == name; });
    return found == k_codes.end() ? std::nullopt : std::optional(*found);
}

Result<json::value> api_get(const net::Endpoint& daemon, const std::string& target) {
    return value_of(net::http_request(daemon, "GET", target));
}

Result<json::value> api_post(const net::Endpoint& daemon, const std::string& target, const json::value& body) {
    return value_of(net::http_request(daemon, "POST", target, json::serialize(body)));
}

std::string url_encoded(std::string_view text) {
    constexpr std::string_view k_plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    constexpr std::string_view k_digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (k_plain.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += {'%', k_digits[byte >> 4U], k_digits[byte & 15U]};
        }
    }
    return out;
}

Result<const json::array*> array_member(const json::value& object, std::string_view name) {
    const json::object* members = object.if_object();
    const json::value* member = members == nullptr ? nullptr : members->if_contains(name);
    if (member == nullptr || !member->is_array()) {
        return fail(Code::io, "the daemon's answer has no array \"" + std::string(name) +
                                  "\": is it a replayd of another version?");
    }
    return &member->get_array();
}

}  // namespace replayd::ctl
