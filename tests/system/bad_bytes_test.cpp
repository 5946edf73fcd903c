// Bytes that no honest client sends, on the daemon's real port: no HTTP, cut requests, broken websocket frames, wrong
// messages of the ingest protocol. Each has its exact answer; the daemon lives on.

#include <memory>
#include <vector>

#include "daemon/protocol/codec.hpp"
#include "tests/daemon/net/running_server.hpp"
#include "tests/system/bad_input_fixture.hpp"

namespace replayd::testing {
namespace {

using net::testing::RawSocket;

constexpr const char* k_handshake =
    "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

struct RawCase {
    std::string bytes;
    std::string status;  ///< of the status line
    std::string detail;
};

void expect_raw_answers(const RunningDaemon& daemon, const std::vector<RawCase>& cases) {
    for (const RawCase& c : cases) {
        RawSocket socket(daemon.endpoint().port);
        socket.send(c.bytes);
        const std::string answer = socket.read_to_end();
        const std::string what = c.bytes.substr(0, 200);
        EXPECT_EQ(answer.substr(0, answer.find("\r\n")), "HTTP/1.1 " + c.status) << what;
        const std::size_t body = std::min(answer.size(), answer.find("\r\n\r\n"));
        EXPECT_EQ(problem_member(answer.substr(std::min(answer.size(), body + 4)), "detail"), c.detail) << what;
    }
}

// No HTTP, or HTTP that a proxy and a server could read differently.
TEST_F(BadInputTest, bytes_that_are_no_request_are_refused) {
    const std::string no_http = "the request is not HTTP/1.1: ";
    const std::string bad = "400 Bad Request";
    const std::string post = "POST /api/v1/query HTTP/1.1\r\nHost: x\r\n";
    const std::string close = "Connection: close\r\n\r\n";
    std::string all_bytes;
    for (int byte = 0; byte < 256; ++byte) all_bytes += static_cast<char>(byte);
    expect_raw_answers(
        *daemon_,
        {
            {all_bytes, bad, no_http + "bad method"},
            {"\x16\x03\x01\x02" + std::string(200, '\0'), bad, no_http + "bad method"},
            {"HELO example\r\n\r\n", bad, no_http + "bad target"},
            {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported",
             "the version of HTTP is not one that is spoken here: expected HTTP/1.1"},
            {post + "Content-Length: -1\r\n\r\n", bad, no_http + "bad Content-Length"},
            {post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", bad, no_http + "multiple Content-Length"},
            {post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", bad,
             no_http + "bad Transfer-Encoding"},
            {post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", bad, no_http + "bad chunk"},
            {post + "Content-Length: 90000000\r\n\r\n", "413 Payload Too Large",
             "the body of the request is too large: expected at most 8388608 bytes"},
            {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n",
             "431 Request Header Fields Too Large",
             "the header of the request is too large: expected at most 16384 bytes"},
            {"GET / HTTP/1.1\r\n" + close, bad, "the header Host is missing: expected the address of the daemon"},
            {"GET api HTTP/1.1\r\nHost: x\r\n" + close, bad,
             "the target \"api\" of the request is neither a path nor an address: expected a path such as "
             "/api/v1/runs"},
            {"POST /api/v1/streams HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.example\r\n" + close, "403 Forbidden",
             "origin \"http://evil.example\" may not change anything here: expected a request of this host's own page, "
             "of an origin that listen.origins names, or of a program"},
        });
}

// Upgrades that are no replayd.v1.
TEST_F(BadInputTest, wrong_upgrades_are_refused) {
    const std::string close = "Connection: close\r\n\r\n";
    const std::string websocket = k_handshake;
    const auto replaced = [&](const std::string& from, const std::string& to) {
        std::string text = websocket;
        return text.replace(text.find(from), from.size(), to);
    };
    const std::string get = "GET /ingest/v1 HTTP/1.1\r\n";
    const std::string protocol = "Sec-WebSocket-Protocol: replayd.v1\r\n\r\n";
    const auto first_answer = [this](const std::string& bytes) {
        RawSocket socket(daemon_->endpoint().port);
        socket.send(bytes);
        const std::string answer = socket.read_until("}");
        return answer.substr(9, 3) + " " + problem_member(answer.substr(answer.find("\r\n\r\n") + 4), "detail");
    };
    EXPECT_EQ(first_answer(get + websocket + "Sec-WebSocket-Protocol: chat\r\n\r\n"),
              "400 Sec-WebSocket-Protocol offers \"chat\": expected \"replayd.v1\" on /ingest/v1");
    EXPECT_EQ(first_answer(get + replaced("Version: 13", "Version: 8") + protocol),
              "426 Sec-WebSocket-Version is \"8\": expected \"13\"");
    EXPECT_EQ(first_answer(get + replaced("dGhlIHNhbXBsZSBub25jZQ==", "short") + protocol),
              "400 Sec-WebSocket-Key is \"short\": expected 16 bytes in base64");
    EXPECT_EQ(first_answer("GET /ingest/v2 HTTP/1.1\r\n" + websocket + protocol),
              "404 no websocket at \"/ingest/v2\": expected /ingest/v1, /live/v1");
    EXPECT_EQ(first_answer("POST /ingest/v1 HTTP/1.1\r\n" + websocket + protocol),
              "405 the method of a websocket upgrade is \"POST\": expected GET");
    EXPECT_EQ(first_answer(get + "Host: x\r\n" + close),
              "426 /ingest/v1 is a websocket: expected an upgrade with the subprotocol \"replayd.v1\"");
    EXPECT_EQ(first_answer(get + websocket + protocol + "too early"),
              "400 bytes follow the upgrade request: expected none before the answer");
}

/// A raw connection after the upgrade to the ingest protocol.
std::unique_ptr<RawSocket> upgraded(const RunningDaemon& daemon) {
    auto socket = std::make_unique<RawSocket>(daemon.endpoint().port);
    socket->send("GET /ingest/v1 HTTP/1.1\r\n" + std::string(k_handshake) +
                 "Sec-WebSocket-Protocol: replayd.v1\r\n\r\n");
    EXPECT_EQ(socket->read_until("\r\n\r\n").substr(9, 3), "101");
    return socket;
}

// RFC 6455 says how a server answers each: 1002 for broken framing, 1007 for text that is not UTF-8.
TEST_F(BadInputTest, broken_websocket_frames_close_with_their_code) {
    const std::string mask(4, '\0');
    const auto close_frame = [](std::uint16_t code) {
        return std::string("\x88\x02", 2) + static_cast<char>(code >> 8) + static_cast<char>(code & 0xff);
    };
    struct Frame {
        const char* what;
        std::string bytes;
        std::uint16_t code;
    };
    for (const Frame& frame : std::vector<Frame>{{"unmasked", "\x81\x02{}", 1002},
                                                 {"reserved bits", "\xf1\x82" + mask + "{}", 1002},
                                                 {"unknown opcode", "\x83\x82" + mask + "{}", 1002},
                                                 {"continues nothing", std::string("\x80\x81") + mask + "x", 1002},
                                                 {"ping of 200 bytes", "\x89\xfe" + std::string("\0\xc8", 2) + mask +
                                                                           std::string(200, 'x'), 1002},
                                                 {"not UTF-8", "\x81\x82" + mask + "\xff\xfe", 1007}}) {
        const auto socket = upgraded(*daemon_);
        socket->send(frame.bytes);
        EXPECT_EQ(socket->read_to_end(), close_frame(frame.code)) << frame.what;
    }
}

// Clients that stop in the middle and stay, or go: nobody else notices.
TEST_F(BadInputTest, half_sent_input_holds_up_nobody) {
    std::vector<std::unique_ptr<RawSocket>> stuck;
    const std::string huge_frame = "\x82\xff\x40" + std::string(7, '\0') + std::string(4, '\0') + "some";
    for (int i = 0; i < 50; ++i) {
        stuck.push_back(std::make_unique<RawSocket>(daemon_->endpoint().port));
        stuck.back()->send(i % 2 == 0 ? "GET /api/v1/ru"
                                      : "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{");
        stuck.push_back(upgraded(*daemon_));
        stuck.back()->send(i % 2 == 0 ? std::string("\x81") : huge_frame);
    }
    EXPECT_EQ(daemon_->ask("GET", "/healthz").status, 200u);
    EXPECT_EQ(daemon_->get("/api/v1/streams").at("items").as_array().size(), 0u);
    stuck.clear();
    EXPECT_EQ(daemon_->get("/api/v1/streams").at("items").as_array().size(), 0u);
}

/// What an ingest client hears at the end of a conversation.
struct Farewell {
    std::string code;
    std::string message;
    std::uint16_t close_code = 0;
    std::string close_text;
};

/// Sends the frames, after a hello for `stream` where it has a name, and listens until the close.
Farewell converse(const RunningDaemon& daemon, const std::string& stream, const std::vector<std::string>& frames,
                  bool binary) {
    auto opened = net::WebSocketClient::connect(daemon.endpoint(), "/ingest/v1", "replayd.v1");
    EXPECT_TRUE(opened) << opened.error().message;
    net::WebSocketClient& client = **opened;
    if (!stream.empty()) {
        const std::string hello =
            R"({"hello":{"stream":")" + stream + R"(","scenarios":[")" + two_scenarios()[0] + "\"]}}";
        EXPECT_TRUE(client.send(hello, false));
    }
    Farewell farewell;
    for (const std::string& frame : frames) EXPECT_TRUE(client.send(frame, binary));
    for (;;) {
        const auto message = client.receive(k_patience);
        if (!message) farewell.close_text = message.error().message;
        if (!message || !*message) break;
        const auto decoded = protocol::decode_server_message((*message)->data, (*message)->binary);
        EXPECT_TRUE(decoded);
        if (const auto* failure = std::get_if<protocol::Failure>(&*decoded)) {
            farewell.code = failure->code;
            farewell.message = failure->message;
        }
    }
    farewell.close_code = client.close_code();
    return farewell;
}

struct Conversation {
    std::string stream;  ///< empty: no hello
    std::vector<std::string> frames;
    std::string code;
    std::uint16_t close_code;
    std::string message;
};

void expect_farewells(const RunningDaemon& daemon, const std::vector<Conversation>& conversations, bool binary) {
    for (const Conversation& c : conversations) {
        const Farewell heard = converse(daemon, c.stream, c.frames, binary);
        const std::string what = c.frames.back().substr(0, 200);
        EXPECT_EQ(heard.code, c.code) << what;
        EXPECT_EQ(heard.message, c.message) << what;
        EXPECT_EQ(heard.close_code, c.close_code) << what;
        // The close frame alone tells the reason too, as far as its 123 bytes go.
        EXPECT_NE(heard.close_text.find(c.message.substr(0, 100)), std::string::npos) << heard.close_text;
    }
}

std::string arrivals(int count, std::int64_t at) {
    std::string list;
    for (int i = 0; i < count; ++i) {
        list += std::string(i == 0 ? "" : ",") + R"({"id":"r)" + std::to_string(i) + R"(","arrival_ns":)" +
                std::to_string(at) + R"(,"prompt_tokens":10,"output_tokens":2})";
    }
    return list;
}

std::string batch(int seq, const std::string& list) {
    return R"({"batch":{"seq":)" + std::to_string(seq) + R"(,"arrivals":[)" + list + "]}}";
}

// Messages in JSON: wrong words, wrong order, too many.
TEST_F(BadInputTest, wrong_json_messages_end_with_their_reason) {
    const std::string shape = ": expected an object with one of hello, batch, end";
    expect_farewells(*daemon_, {
        {"", {"hello"}, "invalid_argument", 4400, "the text frame is not JSON: syntax error at byte 0" + shape},
        {"", {std::string(1'000'000, '[')}, "invalid_argument", 4400,
         "the text frame is not JSON: too deep at byte 32" + shape},
        {"", {R"({"hello":{"stream":"../x"}})"}, "invalid_argument", 4400,
         "hello.stream is \"../x\": expected 1 to 128 characters of A-Z a-z 0-9 . _ -"},
        {"", {R"({"hello":{"stream":"s","scenarios":["llama-3.1-8b-h100-px"]}})"}, "not_found", 4404,
         "no scenario \"llama-3.1-8b-h100-px\"; did you mean \"llama-3.1-8b-h100-pd\"?"},
        {"", {R"({"hello":{"stream":"s"}})"}, "invalid_argument", 4400,
         "stream \"s\" does not exist and no scenarios were named: expected one or more scenarios to create it with"},
        {"", {batch(1, arrivals(1, 0))}, "failed_state", 4409, "a batch before the hello: expected a hello first"},
        {"", {R"({"end":{"seq":1}})"}, "failed_state", 4409, "an end before the hello: expected a hello first"},
        {"twice", {R"({"hello":{"stream":"twice"}})"}, "failed_state", 4409,
         "a second hello: expected batches or an end after the welcome"},
        {"gap", {batch(1, arrivals(1, 0)), batch(3, arrivals(1, 1))}, "sequence_gap", 4409,
         "batch.seq is 3: expected 2; send again from batch 2"},
        {"back", {batch(1, arrivals(1, 100)), batch(2, arrivals(1, 50))}, "invalid_argument", 4400,
         "batch 2: 1 of 1 arrivals are earlier than the stream's watermark of 100 ns, the first is \"r0\" at 50 ns: "
         "expected no arrival before the watermark; none was taken"},
        {"greedy", {batch(1, arrivals(k_backlog_max + 1, 0))}, "over_credit", 4429,
         "batch 1 has 101 arrivals: expected at most the 100 that are left of the credit; wait for an ack with more"},
        {"many", {batch(1, arrivals(10'001, 0))}, "too_large", 1009,
         "batch.arrivals has 10001 entries: expected at most 10000"},
        {"over", {R"({"end":{"seq":1}})", batch(2, arrivals(1, 0))}, "failed_state", 4409,
         "batch 2: stream \"over\" has ended: expected nothing after its end"},
        {"minus", {batch(1, R"({"id":"a","arrival_ns":0,"prompt_tokens":-5,"output_tokens":1})")}, "invalid_argument",
         4400, "batch.arrivals[0].prompt_tokens is -5: expected 1 to 2147483647"},
        {"half", {batch(1, R"({"id":"a","arrival_ns":0.5,"prompt_tokens":5,"output_tokens":1})")}, "invalid_argument",
         4400, "batch.arrivals[0].arrival_ns is 0.5: expected an integer of 64 bits"},
    }, false);
}

// Messages in protobuf: no message at all, cut, of another schema.
TEST_F(BadInputTest, wrong_protobuf_messages_end_with_their_reason) {
    expect_farewells(*daemon_,
                     {
                         {"",
                          {"\xff\xff\xff"},
                          "invalid_argument",
                          4400,
                          "the frame ends in the middle of a field's tag (3 bytes left)"},
                         {"",
                          {"\x0a\x10"
                           "ab"},
                          "invalid_argument",
                          4400,
                          "hello is cut off: 16 bytes announced, 2 left"},
                         {"",
                          {"\x0a\x02\x08\x01"},
                          "invalid_argument",
                          4400,
                          "hello.stream has wire type 0 (varint): expected 2 (length-delimited)"},
                         {"",
                          {"\x5a\x01x"},
                          "invalid_argument",
                          4400,
                          "the frame has the unknown field 11: expected the fields of replayd.v1.ClientMessage in "
                          "proto/replayd.proto"},
                     },
                     true);
}

// Over the limit of a websocket message only the close frame comes.
TEST_F(BadInputTest, a_message_over_the_limit_is_not_swallowed) {
    const Farewell heard = converse(*daemon_, "", {std::string((16u << 20) + 1, 'x')}, true);
    EXPECT_EQ(heard.close_code, 1009);
    EXPECT_NE(heard.close_text.find("a message has more than 16777216 bytes"), std::string::npos) << heard.close_text;
}

// The live websocket has no messages of clients.
TEST_F(BadInputTest, the_live_websocket_takes_no_message) {
    auto client = net::WebSocketClient::connect(daemon_->endpoint(), "/live/v1", "replayd.live.v1");
    ASSERT_TRUE(client) << client.error().message;
    ASSERT_TRUE((*client)->send("hello", false));
    for (;;) {
        const auto message = (*client)->receive(k_patience);
        ASSERT_TRUE(!message || *message);
        if (message) continue;
        EXPECT_NE(message.error().message.find("this websocket only sends: expected no message"), std::string::npos);
        break;
    }
    EXPECT_EQ((*client)->close_code(), 4400);
}

}  // namespace
}  // namespace replayd::testing
