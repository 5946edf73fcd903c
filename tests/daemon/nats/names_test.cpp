// Names of streams and scenarios as tokens of NATS subjects, there and back.

#include "daemon/nats/names.hpp"

#include <gtest/gtest.h>

namespace replayd::nats {
namespace {

TEST(NatsNames, a_token_holds_only_what_a_subject_takes_and_comes_back) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"plain-name_7", "plain-name_7"}, {"llama-3.1-8b", "llama-3=2E1-8b"}, {"a b*c>d", "a=20b=2Ac=3Ed"},
        {"=2E", "=3D2E"},                 {"\xc3\xa9", "=C3=A9"},            {"", ""}};
    for (const auto& [name, token] : cases) {
        EXPECT_EQ(token_of(name), token);
        EXPECT_EQ(name_of(token), name);
    }
}

TEST(NatsNames, what_is_no_token_has_no_name) {
    for (const char* text : {"a.b", "a=2", "a=", "=2g", "a b"}) EXPECT_EQ(name_of(text), std::nullopt) << text;
}

TEST(NatsNames, only_logs_under_the_own_prefix_are_streams) {
    const Names names("site");
    EXPECT_EQ(names.stream_of(names.log("a.b")), "a.b");
    EXPECT_EQ(names.stream_of("replayd-log-a"), std::nullopt);
    EXPECT_EQ(names.stream_of("KV_site-leases"), std::nullopt);
}

}  // namespace
}  // namespace replayd::nats
