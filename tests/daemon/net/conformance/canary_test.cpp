// The conformance cases themselves are tried: a server that answers wrongly must fail them.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/net/conformance/conformance_case.hpp"
#include "tests/daemon/net/conformance/deflate_cases.hpp"
#include "tests/daemon/net/running_server.hpp"

namespace replayd::net {
namespace {

using testing::ConformanceCase;
using testing::RunningServer;

// Echoes lose their last byte: every case that waits for a message fails, every other one passes.
TEST(Conformance, damaged_echoes_fail_their_cases) {
    RunningServer server({}, RunningServer::greet, [](WebSocket& socket, std::string_view message, bool binary) {
        socket.send(std::string(message.substr(0, message.empty() ? 0 : message.size() - 1)), binary);
    });
    for (const ConformanceCase& one : testing::framing_cases()) {
        const bool echoes = std::any_of(one.events.begin(), one.events.end(), [](const testing::Frame& event) {
            return event.opcode != testing::k_pong && !event.payload.empty();
        });
        EXPECT_EQ(run_case(server.endpoint().port, one).empty(), !echoes) << one.number;
    }
    EXPECT_EQ(run_deflate_case(server.endpoint().port, testing::deflate_cases().front(), 1),
              "message 1: the answer has other contents");
}

// Echoes that come as the other type fail, too, and a server that answers twice.
TEST(Conformance, wrong_types_and_surplus_fail_their_cases) {
    RunningServer wrong_type({}, RunningServer::greet, [](WebSocket& socket, std::string_view message, bool binary) {
        socket.send(std::string(message), !binary);
    });
    RunningServer twice({}, RunningServer::greet, [](WebSocket& socket, std::string_view message, bool binary) {
        for (int i = 0; i < 2; ++i) socket.send(std::string(message), binary);
    });
    const ConformanceCase one = testing::framing_cases().at(1);
    EXPECT_EQ(run_case(wrong_type.endpoint().port, one),
              "other events than expected: 1 of 1 events came; the connection is closed");
    EXPECT_EQ(run_case(twice.endpoint().port, one),
              "other events than expected: 2 of 1 events came; the connection is closed");
}

}  // namespace
}  // namespace replayd::net
