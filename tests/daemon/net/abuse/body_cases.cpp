// Abuse of bodies and of their length, of pipelining, of the upgrade, and of the server's patience.
#include "tests/daemon/net/abuse/http_abuse.hpp"

namespace replayd::net::testing {
namespace {

const std::string k_smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

std::string post(const std::string& lines, const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n" + body;
}

std::string closing_post(const std::string& lines, const std::string& body) {
    return post("Connection: close\r\n" + lines, body);
}

std::string chunked(const std::string& body) {
    return closing_post("Transfer-Encoding: chunked\r\n", body);
}

std::string repeated(const std::string& text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
}

std::string upgrade(const std::string& lines) {
    return "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + lines + "\r\n";
}

const std::string k_key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const std::string k_version = "Sec-WebSocket-Version: 13\r\n";
const std::string k_protocol = "Sec-WebSocket-Protocol: echo.v1\r\n";

}  // namespace

std::vector<AbuseCase> body_cases() {
    const std::string request = "GET /one HTTP/1.1\r\nHost: x\r\n\r\n";
    return {
        {"length in letters", closing_post("Content-Length: many\r\n", ""), "400"},
        {"negative length", closing_post("Content-Length: -1\r\n", ""), "400"},
        {"length with a plus", closing_post("Content-Length: +1\r\n", "a"), "400"},
        {"length in hexadecimal", closing_post("Content-Length: 0x1\r\n", "a"), "400"},
        {"length with a fraction", closing_post("Content-Length: 1.0\r\n", "a"), "400"},
        {"length of nothing", closing_post("Content-Length:\r\n", ""), "400"},
        {"length beyond 64 bits", closing_post("Content-Length: 99999999999999999999999\r\n", ""), "400"},
        {"length of 2^64 - 1", closing_post("Content-Length: 18446744073709551615\r\n", ""), "413"},
        {"length beyond the limit", closing_post("Content-Length: 8388609\r\n", ""), "413"},
        {"list of lengths", closing_post("Content-Length: 1, 1\r\n", "a"), "400"},
        {"list of different lengths", closing_post("Content-Length: 1, 2\r\n", "ab"), "400"},
        {"two lengths", closing_post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"), "400"},
        {"two equal lengths", closing_post("Content-Length: 1\r\nContent-Length: 1\r\n", "a"), "400"},
        {"length and chunks", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + k_smuggled),
         "400"},
        {"chunks and length", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n" + k_smuggled),
         "400"},
        {"chunked twice",
         post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + k_smuggled), "400"},
        {"chunked, then identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n" + k_smuggled), "501"},
        {"identity, then chunked", post("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n" + k_smuggled), "501"},
        {"gzip, then chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n" + k_smuggled), "501"},
        {"encoding almost chunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n" + k_smuggled), "501"},
        {"encoding with a control character",
         post("Transfer-Encoding: \x0b"
              "chunked\r\n",
              "0\r\n\r\n" + k_smuggled),
         "400"},
        {"encoding in quotes", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n" + k_smuggled), "501"},
        {"encoding with a blank before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n" + k_smuggled),
         "400"},
        {"encoding of identity", post("Transfer-Encoding: identity\r\n", k_smuggled), "501"},
        {"encoding of nothing", post("Transfer-Encoding:\r\n", k_smuggled), "501"},
        {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + k_smuggled, "400"},
        {"chunked in other letters", closing_post("Transfer-Encoding: CHUNKED\r\n", "1\r\na\r\n0\r\n\r\n"), "200"},
        {"chunk size in letters", chunked("zz\r\n"), "400"},
        {"chunk size of nothing", chunked("\r\nabc"), "400"},
        {"chunk size with a sign", chunked("-1\r\nabc"), "400"},
        {"chunk size with 0x", chunked("0x1\r\na\r\n0\r\n\r\n"), "400"},
        {"chunk size beyond 64 bits", chunked("fffffffffffffffff\r\nabc"), "400"},
        {"chunk size of 2^64 - 1", chunked("ffffffffffffffff\r\nabc"), "413"},
        {"chunk size beyond the limit", chunked("800001\r\nabc"), "413"},
        {"chunk longer than said", chunked("1\r\nab\r\n0\r\n\r\n"), "400"},
        {"chunk ended by bare LF", chunked("1\r\na\n0\r\n\r\n"), "400"},
        {"chunk size ended by bare LF", chunked("1\na\r\n0\r\n\r\n"), "400"},
        {"chunk extension of 10 MiB", chunked("1;" + std::string(10 << 20, 'e') + "\r\na\r\n0\r\n\r\n"), "431"},
        {"chunks of a byte", chunked(repeated("1\r\na\r\n", 5000) + "0\r\n\r\n"), "200"},
        {"trailer of 10 MiB", chunked("0\r\nX: " + std::string(10 << 20, 't') + "\r\n\r\n"), "431"},
        {"trailer that names a length", chunked("1\r\na\r\n0\r\nContent-Length: 9\r\n\r\n"), "400"},
        {"body cut short", closing_post("Content-Length: 10\r\n", "abc"), ""},
        {"chunk cut short", chunked("5\r\nab"), ""},
        {"body without a length", closing_post("", "abc"), "200"},
        {"GET with a body", get("/", "Content-Length: 3\r\n") + "abc", "200"},
        {"a megabyte beyond the limit", closing_post("Content-Length: 9437184\r\n", std::string(9437184, 'b')), "413"},
        {"two requests at once", request + k_smuggled, "200 200"},
        {"a hundred requests at once", repeated(request, 99) + k_smuggled, repeated("200 ", 99) + "200"},
        {"nonsense after a request", request + "nonsense\r\n\r\n", "200 400"},
        {"request after close", k_smuggled + request, "200"},
        {"blank lines between requests", request + "\r\n\r\n" + k_smuggled, "200 400"},
        {"body of a GET that looks like a request",
         get("/", "Content-Length: " + std::to_string(k_smuggled.size()) + "\r\n") + k_smuggled, "200"},
    };
}

std::vector<AbuseCase> upgrade_cases() {
    return {
        {"upgrade without a key", upgrade(k_version + k_protocol), "400"},
        {"upgrade with an empty key", upgrade("Sec-WebSocket-Key:\r\n" + k_version + k_protocol), "400"},
        {"upgrade with a short key", upgrade("Sec-WebSocket-Key: c2hvcnQ=\r\n" + k_version + k_protocol), "400"},
        {"upgrade with a long key",
         upgrade("Sec-WebSocket-Key: " + std::string(4000, 'A') + "\r\n" + k_version + k_protocol), "400"},
        {"upgrade with a key not in base64",
         upgrade("Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==\r\n" + k_version + k_protocol), "400"},
        {"upgrade with two keys", upgrade(k_key + k_key + k_version + k_protocol), "400"},
        {"upgrade without a version", upgrade(k_key + k_protocol), "426"},
        {"upgrade of version 8", upgrade(k_key + "Sec-WebSocket-Version: 8\r\n" + k_protocol), "426"},
        {"upgrade of version 14", upgrade(k_key + "Sec-WebSocket-Version: 14\r\n" + k_protocol), "426"},
        {"upgrade of two versions", upgrade(k_key + "Sec-WebSocket-Version: 13, 8\r\n" + k_protocol), "426"},
        {"upgrade of a version in letters", upgrade(k_key + "Sec-WebSocket-Version: thirteen\r\n" + k_protocol), "426"},
        {"upgrade without a subprotocol", upgrade(k_key + k_version), "400"},
        {"upgrade with another subprotocol", upgrade(k_key + k_version + "Sec-WebSocket-Protocol: chat\r\n"), "400"},
        {"upgrade with the subprotocol in capitals", upgrade(k_key + k_version + "Sec-WebSocket-Protocol: ECHO.V1\r\n"),
         "400"},
        {"upgrade of a thousand subprotocols",
         upgrade(k_key + k_version + "Sec-WebSocket-Protocol: " + repeated("a,", 1000) + "b\r\n"), "400"},
        {"upgrade by POST", "POST" + upgrade(k_key + k_version + k_protocol).substr(3), "405"},
        {"upgrade on a path without a websocket", "GET /none" + upgrade(k_key + k_version + k_protocol).substr(9),
         "404"},
        {"upgrade to something else", get("/echo", "Upgrade: h2c\r\n"), "426"},
        {"upgrade without Connection",
         "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUpgrade: websocket\r\n" + k_key + k_version +
             k_protocol + "\r\n",
         "426"},
        {"upgrade in HTTP/1.0",
         "GET /echo HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + k_key + k_version + k_protocol +
             "\r\n",
         "426"},
        {"upgrade with frames ahead", upgrade(k_key + k_version + k_protocol) + std::string("\x81\x80\0\0\0\0", 6),
         "400"},
        {"upgrade with a body", upgrade(k_key + k_version + k_protocol + "Content-Length: 2\r\n") + "ab", "400"},
        {"plain request of a websocket", get("/echo"), "426"},
    };
}

std::vector<AbuseCase> slow_cases() {
    return {
        {"connection that says nothing", "", "", "to be idle"},
        {"header that stops", "GET / HTTP/1.1\r\nHost: x\r\nX:", "408", "to send more some day"},
        {"method that stops", "GE", "408", "to send more some day"},
        {"body that stops", post("Content-Length: 100\r\n", "abc"), "408", "to send more some day"},
        {"chunk that stops", post("Transfer-Encoding: chunked\r\n", "5\r\nab"), "408", "to send more some day"},
        {"body that never begins", post("Content-Length: 100\r\nExpect: 100-continue\r\n", ""), "100 408",
         "for leave to send"},
        {"request, then silence", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200", "to ask again some day"},
    };
}

}  // namespace replayd::net::testing
