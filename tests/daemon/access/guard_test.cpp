// Who gets in: every kind of request against every kind of client, origin and Host.

#include "daemon/access/guard.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/daemon/access/secret_folder.hpp"

namespace replayd::access {
namespace {

using config::Role;
using testing::SecretFolder;

const std::string k_read_token(32, 'r');
const std::string k_ingest_token(32, 'i');
const std::string k_admin_token(32, 'a');

Policy with_tokens() {
    const SecretFolder folder;
    config::DaemonConfig config;
    config.origins = {"https://replay.example.com"};
    config.tokens = {{"grafana", {Role::read}, {folder.write("r", k_read_token), ""}},
                     {"production", {Role::ingest}, {folder.write("i", k_ingest_token), ""}},
                     {"operator", {Role::admin}, {folder.write("a", k_admin_token), ""}}};
    auto policy = load_policy(config);
    EXPECT_TRUE(policy) << policy.error().message;
    return std::move(*policy);
}

Policy without_tokens() {
    config::DaemonConfig config;
    config.origins = {"https://replay.example.com"};
    return *load_policy(config);
}

net::HttpRequest request(const std::string& method, const std::string& path,
                         std::map<std::string, std::string> headers = {}) {
    net::HttpRequest out;
    out.method = method;
    out.path = path;
    out.headers = std::move(headers);
    out.headers.try_emplace("host", "127.0.0.1:8080");
    out.peer = "127.0.0.1:5123";
    return out;
}

/// 0 when it may pass.
unsigned status(Guard& guard, net::HttpRequest asked, bool websocket = false) {
    const auto refusal = guard.refuse(asked, websocket);
    return refusal ? refusal->status : 0;
}

struct Ask {
    const char* method;
    const char* path;
    bool websocket;
    unsigned reader;
    unsigned feeder;
    unsigned operator_;
};

// The matrix of daemon/api.md: rows are requests, columns are roles.
TEST(Guard, each_role_may_do_its_own_and_admin_everything) {
    Guard guard(with_tokens());
    const std::vector<Ask> asks = {
        {"GET", "/page", false, 0, 403, 0},
        {"GET", "/js", false, 0, 403, 0},
        {"GET", "/metrics", false, 0, 403, 0},
        {"HEAD", "/version", false, 0, 403, 0},
        {"GET", "/api/v1/runs", false, 0, 403, 0},
        {"GET", "/no/such/path", false, 0, 403, 0},
        {"POST", "/api/v1/query", false, 0, 403, 0},
        {"POST", "/api/v1/streams", false, 403, 403, 0},
        {"POST", "/api/v1/streams/x/pause", false, 403, 403, 0},
        {"POST", "/api/v1/scenarios", false, 403, 403, 0},
        {"DELETE", "/api/v1/streams/x", false, 403, 403, 0},
        {"GET", "/live/v1", true, 0, 403, 0},
        {"GET", "/ingest/v1", true, 403, 0, 0},
        {"POST", "/ingest/v1", true, 403, 0, 0},
        {"POST", "/v1/traces", false, 403, 0, 0},
        {"GET", "/healthz", false, 0, 0, 0},
        {"GET", "/readyz", false, 0, 0, 0},
    };
    for (const Ask& ask : asks) {
        const auto as = [&](const std::string& token) {
            return status(guard, request(ask.method, ask.path, {{"authorization", "Bearer " + token}}), ask.websocket);
        };
        const std::string what = std::string(ask.method) + " " + ask.path;
        EXPECT_EQ(as(k_read_token), ask.reader) << what;
        EXPECT_EQ(as(k_ingest_token), ask.feeder) << what;
        EXPECT_EQ(as(k_admin_token), ask.operator_) << what;
        const bool health = std::string(ask.path).ends_with("z");
        EXPECT_EQ(status(guard, request(ask.method, ask.path), ask.websocket), health ? 0U : 401U) << what;
    }
}

// The page itself holds nothing of anyone's and asks for the token; whatever else lies beside it does not come.
TEST(Guard, files_of_the_page_need_no_token) {
    Guard guard(with_tokens());
    for (const char* path :
         {"/", "/index.html", "/icon.svg", "/js/main.js", "/style/theme.css", "/vendor/uPlot.esm.js"}) {
        EXPECT_EQ(status(guard, request("GET", path)), 0U) << path;
        EXPECT_EQ(status(guard, request("HEAD", path)), 0U) << path;
        EXPECT_EQ(status(guard, request("POST", path)), 401U) << path;
    }
    for (const char* path : {"/notes.html", "//", "/api/v1/runs", "/API/v1/runs", "/jsx/main.js", "/metrics"}) {
        EXPECT_EQ(status(guard, request("GET", path)), 401U) << path;
    }
}

// Pages cannot set headers of an upgrade: base64url of 32 × 'r' by coreutils, and what does not decode.
TEST(Guard, a_websocket_may_show_its_token_as_a_subprotocol) {
    Guard guard(with_tokens());
    const std::string reader = "cnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI";
    const auto upgrade = [](const std::string& protocols) {
        return request("GET", "/live/v1", {{"sec-websocket-protocol", protocols}});
    };
    EXPECT_EQ(status(guard, upgrade("replayd.live.v1, replayd.bearer." + reader), true), 0U);
    EXPECT_EQ(status(guard, upgrade("replayd.bearer." + reader + ",replayd.live.v1"), true), 0U);
    const std::string unknown = "the token is unknown here";
    const std::string undecoded = "the subprotocol replayd.bearer.… does not decode: expected the token in base64url "
                                  "without padding";
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"replayd.live.v1", "this daemon wants a token"},
        {"replayd.live.v1, replayd.bearer.cnJy", unknown},
        {"replayd.live.v1, replayd.bearer." + reader + "cnJy", unknown},
        {"replayd.live.v1, replayd.bearer.", undecoded},
        {"replayd.live.v1, replayd.bearer.!!!!", undecoded},
        {"replayd.live.v1, replayd.bearer.c", unknown},
    };
    for (const auto& [protocols, detail] : cases) {
        auto asked = upgrade(protocols);
        const auto refusal = guard.refuse(asked, true);
        ASSERT_TRUE(refusal) << protocols;
        EXPECT_EQ(refusal->status, 401U) << protocols;
        EXPECT_NE(refusal->body.find(detail), std::string::npos) << protocols << ": " << refusal->body;
        EXPECT_EQ(refusal->body.find("cnJy"), std::string::npos) << refusal->body;
    }
}

// base64 of "any:" + 32 × 'r', made by coreutils.
constexpr const char* k_basic_reader = "Basic YW55OnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnJy";

TEST(Guard, wrong_authorization_is_401_and_its_text_never_comes_back) {
    Guard guard(with_tokens());
    const std::string unknown = "the token is unknown here: expected one that the daemon's configuration names";
    const std::string expected = ": expected \"Authorization: Bearer TOKEN\", or Basic with the token as the password";
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"Bearer", unknown},
        {"Bearer ", unknown},
        {"Bearer  " + k_read_token, unknown},
        {"Bearer " + k_read_token + "x", unknown},
        {"Bearer " + k_read_token.substr(1), unknown},
        {"Bearer " + std::string(32, 'R'), unknown},
        {"Bearer " + std::string(100'000, 'r'), unknown},
        {"Bearer " + k_read_token + ", Bearer " + k_read_token, unknown},
        {k_read_token, "the header Authorization has another scheme" + expected},
        {"Digest username=x", "the header Authorization has another scheme" + expected},
        {"", "the header Authorization has another scheme" + expected},
        {"Basic", "the header Authorization does not decode" + expected},
        {"Basic !!!!", "the header Authorization does not decode" + expected},
        {"Basic YW55", "the header Authorization does not decode" + expected},  // "any": no colon
        {"Basic YW55Og==", unknown},                                           // "any:"
    };
    for (const auto& [header, detail] : cases) {
        auto asked = request("GET", "/metrics", {{"authorization", header}});
        const auto refusal = guard.refuse(asked, false);
        ASSERT_TRUE(refusal) << header;
        EXPECT_EQ(refusal->status, 401U) << header;
        EXPECT_NE(refusal->body.find("\"code\":\"unauthenticated\""), std::string::npos);
        EXPECT_EQ(refusal->body.find("rrrr"), std::string::npos) << refusal->body;
        std::string escaped;
        for (const char c : detail) escaped.append(c == '"' ? "\\\"" : std::string(1, c));
        EXPECT_NE(refusal->body.find(escaped), std::string::npos) << header << ": " << refusal->body;
    }
    EXPECT_EQ(guard.refused_by_reason().front(), std::pair(std::string("unauthenticated"), cases.size()));
    EXPECT_EQ(status(guard, request("GET", "/metrics", {{"authorization", k_basic_reader}})), 0U);
    EXPECT_EQ(status(guard, request("GET", "/metrics", {{"authorization", "bearer " + k_read_token}})), 0U);
}

// Opened in a browser, what is not the page makes it ask for a password; programs are told of Bearer.
TEST(Guard, the_challenge_fits_who_asks) {
    Guard guard(with_tokens());
    auto page = request("GET", "/metrics", {{"accept", "text/html,application/xhtml+xml"}});
    auto program = request("GET", "/metrics", {{"accept", "*/*"}});
    const std::pair<std::string, std::string> basic{"WWW-Authenticate", R"(Basic realm="replayd", charset="UTF-8")"};
    const std::pair<std::string, std::string> bearer{"WWW-Authenticate", R"(Bearer realm="replayd")"};
    EXPECT_EQ(guard.refuse(page, false)->headers.back(), basic);
    EXPECT_EQ(guard.refuse(program, false)->headers.back(), bearer);
}

struct FromPage {
    const char* method;
    const char* path;
    bool websocket;
    const char* origin;
    unsigned open;     ///< without tokens
    unsigned guarded;  ///< with tokens, as admin
};

TEST(Guard, browsers_may_do_what_their_page_may) {
    Guard open(without_tokens());
    Guard guarded(with_tokens());
    const std::vector<FromPage> cases = {
        {"POST", "/api/v1/query", false, "http://127.0.0.1:8080", 0, 0},
        {"POST", "/api/v1/query", false, "https://127.0.0.1:8080", 0, 0},
        {"POST", "/api/v1/query", false, "https://replay.example.com", 0, 0},
        {"POST", "/api/v1/query", false, "http://replay.example.com", 403, 403},
        {"POST", "/api/v1/query", false, "https://replay.example.com.evil.example", 403, 403},
        {"POST", "/api/v1/query", false, "http://127.0.0.1:9", 403, 403},
        {"POST", "/api/v1/query", false, "null", 403, 403},
        {"POST", "/api/v1/query", false, "", 403, 403},
        {"POST", "/api/v1/query", false, "127.0.0.1:8080", 403, 403},
        {"GET", "/live/v1", true, "http://127.0.0.1:8080", 0, 0},
        {"GET", "/live/v1", true, "https://replay.example.com", 0, 0},
        {"GET", "/live/v1", true, "http://localhost:5000", 0, 403},
        {"GET", "/live/v1", true, "http://[::1]:5000", 0, 403},
        {"GET", "/live/v1", true, "https://evil.example", 403, 403},
        {"GET", "/live/v1", true, "http://localhost.evil.example", 403, 403},
        {"GET", "/live/v1", true, "http://127.0.0.1.evil.example", 403, 403},
        {"GET", "/live/v1", true, "null", 403, 403},
        {"GET", "/ingest/v1", true, "http://127.0.0.1:8080", 0, 0},
        {"GET", "/ingest/v1", true, "https://replay.example.com", 0, 0},
        {"GET", "/ingest/v1", true, "http://localhost:5000", 403, 403},
        {"GET", "/ingest/v1", true, "https://evil.example", 403, 403},
        {"GET", "/api/v1/runs", false, "https://evil.example", 0, 0},  // and the browser does not show it: below
    };
    for (const FromPage& page : cases) {
        const auto asked = [&](std::map<std::string, std::string> headers) {
            headers["origin"] = page.origin;
            return request(page.method, page.path, std::move(headers));
        };
        const std::string what = std::string(page.method) + " " + page.path + " from " + page.origin;
        EXPECT_EQ(status(open, asked({}), page.websocket), page.open) << what;
        EXPECT_EQ(status(guarded, asked({{"authorization", "Bearer " + k_admin_token}}), page.websocket), page.guarded)
            << what;
    }
    for (const auto& [origin, shown, shown_guarded] :
         std::vector<std::tuple<const char*, bool, bool>>{{"https://replay.example.com", true, true},
                                                          {"http://127.0.0.1:5000", true, false},
                                                          {"https://evil.example", false, false},
                                                          {"null", false, false}}) {
        EXPECT_EQ(open.readable_from(origin), shown) << origin;
        EXPECT_EQ(guarded.readable_from(origin), shown_guarded) << origin;
    }
}

// A page elsewhere can have its own name point at this machine; what its browser sends then has that name in Host.
TEST(Guard, without_tokens_a_public_name_in_host_is_refused) {
    Guard open(without_tokens());
    Guard guarded(with_tokens());
    for (const auto& [host, expected] : std::vector<std::pair<const char*, unsigned>>{{"127.0.0.1:8080", 0},
                                                                                     {"localhost:8080", 0},
                                                                                     {"LOCALHOST", 0},
                                                                                     {"[::1]:8080", 0},
                                                                                     {"replayd", 0},
                                                                                     {"a.localhost:8080", 0},
                                                                                     {"replay.example.com", 0},
                                                                                     {"evil.example", 403},
                                                                                     {"evil.example:8080", 403},
                                                                                     {"127.0.0.1.evil.example", 403},
                                                                                     {"127.0.0.256", 403},
                                                                                     {"localhost.evil.example", 403}}) {
        EXPECT_EQ(status(open, request("GET", "/api/v1/runs", {{"host", host}})), expected) << host;
        EXPECT_EQ(status(guarded, request("GET", "/api/v1/runs",
                                          {{"host", host}, {"authorization", "Bearer " + k_read_token}})),
                  0U)
            << host;
    }
}

class NoSession final : public net::WebSocketSession {
public:
    void on_open(std::shared_ptr<net::WebSocket> /*socket*/) override {}
    void on_message(std::string_view /*message*/, bool /*binary*/) override {}
    void on_close(std::string_view /*reason*/) override {}
};

// The count follows the sessions, whichever way they end.
TEST(Guard, a_client_has_its_share_of_websockets_and_no_more) {
    Policy policy = with_tokens();
    policy.websockets_per_client_max = 2;
    Guard guard(std::move(policy));
    const auto open = [&guard](const std::string& token) -> std::unique_ptr<net::WebSocketSession> {
        auto asked = request("GET", "/live/v1", {{"authorization", "Bearer " + token}});
        if (guard.refuse(asked, true)) return nullptr;
        return guard.counted(asked, std::make_unique<NoSession>());
    };
    auto first = open(k_read_token);
    auto second = open(k_read_token);
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(open(k_read_token));
    EXPECT_TRUE(open(k_admin_token)) << "another client has its own share";
    auto asked = request("GET", "/live/v1", {{"authorization", "Bearer " + k_read_token}});
    const auto refusal = guard.refuse(asked, true);
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->status, 429U);
    EXPECT_NE(refusal->body.find("has 2 websockets: expected at most 2 (limits.websockets_per_client_max)"),
              std::string::npos)
        << refusal->body;
    first.reset();
    EXPECT_TRUE(open(k_read_token));
}

// A reload changes who gets in from the next request on.
TEST(Guard, a_new_policy_holds_from_the_next_request_on) {
    Guard guard(with_tokens());
    EXPECT_EQ(status(guard, request("GET", "/metrics")), 401U);
    Policy fewer = with_tokens();
    fewer.tokens = TokenTable();
    guard.replace(std::move(fewer));
    EXPECT_EQ(status(guard, request("GET", "/metrics")), 0U);
}

TEST(TokenTable, two_names_with_one_token_are_refused_by_name) {
    const SecretFolder folder;
    const std::string file = folder.write("t", k_read_token);
    const auto table = TokenTable::load({{"a", {Role::read}, {file, ""}}, {"b", {Role::admin}, {file, ""}}});
    ASSERT_FALSE(table);
    EXPECT_EQ(table.error().message, "\"a\" and \"b\" have the same token: expected one of its own for each");
}

}  // namespace
}  // namespace replayd::access
