#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/daemon/net/running_server.hpp"
#include "tests/free_port.hpp"

namespace replayd::net {
namespace {

using testing::detail;
using testing::RawSocket;
using testing::RunningServer;

std::string header_of(const HttpResponse& response, const std::string& name) {
    for (const auto& [key, value] : response.headers) {
        if (key == name) return value;
    }
    return "";
}

HttpResponse ask(const RunningServer& server, const std::string& method, const std::string& target,
                 const std::string& body = "") {
    auto response = http_request(server.endpoint(), method, target, body);
    EXPECT_TRUE(response) << response.error().message;
    return response ? *response : HttpResponse{};
}

// The handler sees method, decoded path and body; GET answers may be read from any origin, others not.
TEST(HttpServer, answers_with_what_the_handler_says) {
    const RunningServer server;
    const HttpResponse got = ask(server, "GET", "/a%20b?c=d");
    EXPECT_EQ(got.status, 200u);
    EXPECT_EQ(got.body, "GET /a b ");
    EXPECT_EQ(got.content_type, "text/plain");
    EXPECT_EQ(header_of(got, "access-control-allow-origin"), "*");
    const HttpResponse posted = ask(server, "POST", "/x", "body");
    EXPECT_EQ(posted.body, "POST /x body");
    EXPECT_EQ(header_of(posted, "access-control-allow-origin"), "");
}

// HEAD is GET without the body; OPTIONS never reaches the handler.
TEST(HttpServer, sees_to_head_and_options) {
    const RunningServer server;
    const HttpResponse head = ask(server, "HEAD", "/x");
    EXPECT_EQ(head.status, 200u);
    EXPECT_EQ(head.body, "");
    EXPECT_EQ(header_of(head, "content-length"), "7");
    const HttpResponse options = ask(server, "OPTIONS", "/x");
    EXPECT_EQ(options.status, 204u);
    EXPECT_EQ(header_of(options, "access-control-allow-methods"), "GET, HEAD, OPTIONS");
}

// One connection serves requests one after another, even when they are sent at once.
TEST(HttpServer, keeps_the_connection_for_pipelined_requests) {
    const RunningServer server;
    RawSocket raw(server.endpoint().port);
    raw.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string answers = raw.read_to_end();
    EXPECT_LT(answers.find("GET /1 "), answers.find("GET /2 "));
    EXPECT_NE(answers.find("GET /2 "), std::string::npos);
}

// A client that waits for leave before it sends its body gets it.
TEST(HttpServer, answers_expect_100_continue) {
    const RunningServer server;
    RawSocket raw(server.endpoint().port);
    raw.send("POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(raw.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    raw.send("ok");
    EXPECT_NE(raw.read_to_end().find("POST /x ok"), std::string::npos);
}

// Bytes that no client of ours would send: status line and sentence of each answer.
TEST(HttpServer, malformed_requests_get_their_reason) {
    ServerOptions options;
    options.http_body_bytes_max = 100;
    options.http_header_bytes_max = 300;
    const RunningServer server(options);
    struct Case {
        std::string bytes;
        std::string status;
        std::string detail;
    };
    const Case cases[] = {
        {"hello\r\n\r\n", "400 Bad Request", "the request is not HTTP/1.1: bad method"},
        {"GET / HTTP/9.9\r\n\r\n", "505 HTTP Version Not Supported",
         "the version of HTTP is not one that is spoken here: expected HTTP/1.1"},
        {"GET / HTTP/1.1\r\nbad header\r\n\r\n", "400 Bad Request", "the request is not HTTP/1.1: bad field"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", "400 Bad Request",
         "the request is not HTTP/1.1: bad Content-Length"},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400 Bad Request",
         "the request is not HTTP/1.1: bad chunk"},
        {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400 Bad Request",
         "the header Host is missing: expected the address of the daemon"},
        {"GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "400 Bad Request",
         "the path \"/%zz\" of the request has a '%' without two hexadecimal digits: write '%' itself as %25"},
        {"GET / HTTP/1.1\r\nX: " + std::string(400, 'x') + "\r\n\r\n", "431 Request Header Fields Too Large",
         "the header of the request is too large: expected at most 300 bytes"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", "413 Payload Too Large",
         "the body of the request is too large: expected at most 100 bytes"},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + std::string(255, 'x') + "\r\n",
         "413 Payload Too Large", "the body of the request is too large: expected at most 100 bytes"},
        {"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "426 Upgrade Required",
         "/echo is a websocket: expected an upgrade with the subprotocol \"echo.v1\""},
    };
    for (const Case& c : cases) {
        RawSocket raw(server.endpoint().port);
        raw.send(c.bytes);
        const std::string answer = raw.read_to_end();
        EXPECT_EQ(answer.substr(0, answer.find("\r\n")), "HTTP/1.1 " + c.status) << c.bytes.substr(0, 80);
        EXPECT_EQ(detail(answer), c.detail) << c.bytes.substr(0, 80);
        EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
    }
    EXPECT_EQ(ask(server, "GET", "/still-there").status, 200u);
}

// A whole megabyte of refused body is read away, so that the client surely sees the answer.
TEST(HttpServer, large_refused_body_still_gets_the_answer) {
    ServerOptions options;
    options.http_body_bytes_max = 1000;
    const RunningServer server(options);
    const HttpResponse refused = ask(server, "POST", "/x", std::string(1 << 20, 'x'));
    EXPECT_EQ(refused.status, 413u);
}

// Half a request is told that its time is over; an idle connection is closed without a word.
TEST(HttpServer, slow_requests_time_out) {
    ServerOptions options;
    options.http_idle_timeout = std::chrono::milliseconds(2'000);  // the request must have begun by then
    const RunningServer server(options);
    RawSocket half(server.endpoint().port);
    half.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
    const std::string answer = half.read_to_end();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n")) << answer;
    EXPECT_EQ(detail(answer), "the body of the request was not complete after 2000 ms: expected it in that time");
    RawSocket idle(server.endpoint().port);
    EXPECT_EQ(idle.read_to_end(), "");
}

// A header that trickles in gets its own, shorter time, counted from its first byte.
TEST(HttpServer, slow_headers_time_out) {
    ServerOptions options;
    options.http_header_timeout = std::chrono::milliseconds(50);
    const RunningServer server(options);
    RawSocket slow(server.endpoint().port);
    slow.send("GET / HTTP/1.1\r\nHost:");
    const std::string answer = slow.read_to_end();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n")) << answer;
    EXPECT_EQ(detail(answer), "the header of the request was not complete after 50 ms: expected it in that time");
}

// The connection beyond the maximum is told so; when one goes, the next is served.
TEST(HttpServer, connections_beyond_the_maximum_get_503) {
    ServerOptions options;
    options.connections_max = 1;
    RunningServer server(options);
    auto first = server.open();
    server.journal.wait_for("open");
    const HttpResponse refused = ask(server, "GET", "/x");
    EXPECT_EQ(refused.status, 503u);
    EXPECT_EQ(detail(refused.body), "all 1 connections are in use: try again later");
    first->close(1000);
    server.journal.wait_for("close");
}

// An exception and a forgotten answer both end as 500, and the connection goes on.
TEST(HttpServer, failing_handlers_answer_500) {
    const RunningServer server({}, [](HttpRequest&& request, auto respond) {
        if (request.path == "/throw") throw std::runtime_error("out of luck");
        if (request.path == "/answer") respond(HttpResponse{});
    });
    EXPECT_EQ(detail(ask(server, "GET", "/throw").body), "the handler failed: out of luck");
    EXPECT_EQ(detail(ask(server, "GET", "/forget").body), "the request was dropped without an answer");
    EXPECT_EQ(ask(server, "GET", "/answer").status, 200u);
}

// Nothing listens: the error is the one that a script can wait on.
TEST(HttpClient, nobody_listening_is_unavailable) {
    const std::uint16_t port = free_port();
    const auto response = http_request({"127.0.0.1", port}, "GET", "/");
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::unavailable);
    EXPECT_EQ(response.error().message, "cannot connect to 127.0.0.1:" + std::to_string(port) +
                                            ": Connection refused; is replayd running there?");
}

// A taken port and a bad address are told with the address.
TEST(HttpServer, refuses_to_listen_where_it_cannot) {
    const RunningServer server;
    boost::asio::io_context io;
    ServerOptions options;
    options.port = server.endpoint().port;
    const auto taken = Server::listen(io, options, RunningServer::greet, {});
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().message,
              "cannot listen on 127.0.0.1:" + std::to_string(options.port) + ": Address already in use");
    options.address = "localhost";
    const auto name = Server::listen(io, options, RunningServer::greet, {});
    ASSERT_FALSE(name);
    EXPECT_EQ(name.error().message,
              "cannot listen on \"localhost\": expected an IP address such as 127.0.0.1 or ::1");
}

}  // namespace
}  // namespace replayd::net
