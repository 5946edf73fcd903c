#include <gtest/gtest.h>

#include "daemon/net/client.hpp"

namespace replayd::net {
namespace {

// The forms that people type all lead to the same place.
TEST(Endpoint, common_forms_are_understood) {
    for (const char* text : {"http://localhost:9000", "ws://localhost:9000/", "localhost:9000"}) {
        const auto endpoint = parse_endpoint(text);
        ASSERT_TRUE(endpoint) << endpoint.error().message;
        EXPECT_EQ(endpoint->host, "localhost");
        EXPECT_EQ(endpoint->port, 9000);
    }
    EXPECT_EQ(parse_endpoint("[::1]:81")->host, "::1");
    EXPECT_EQ(parse_endpoint("[::1]:81")->port, 81);
    EXPECT_EQ(parse_endpoint("example")->port, 8080);
}

// Anything else is refused with the whole text and the form expected.
TEST(Endpoint, other_forms_are_refused) {
    const std::pair<const char*, const char*> cases[] = {
        {"https://x:1", "the address \"https://x:1\" has an unknown scheme: expected http://HOST:PORT"},
        {"x:1/metrics", "the address \"x:1/metrics\" has a path: expected http://HOST:PORT"},
        {"", "the address \"\" has no host: expected http://HOST:PORT"},
        {":80", "the address \":80\" has no host: expected http://HOST:PORT"},
        {"x:", "the address \"x:\" has no port from 1 to 65535 after its host: expected http://HOST:PORT"},
        {"x:99999", "the address \"x:99999\" has no port from 1 to 65535 after its host: expected http://HOST:PORT"},
        {"x:80a", "the address \"x:80a\" has no port from 1 to 65535 after its host: expected http://HOST:PORT"},
        {"[::1", "the address \"[::1\" has no closing bracket: expected http://HOST:PORT"},
    };
    for (const auto& [text, message] : cases) {
        const auto endpoint = parse_endpoint(text);
        ASSERT_FALSE(endpoint) << text;
        EXPECT_EQ(endpoint.error().message, message);
        EXPECT_EQ(endpoint.error().code, Code::invalid_argument);
    }
}

}  // namespace
}  // namespace replayd::net
