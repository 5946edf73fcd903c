// [retention]: what is taken, and each mistake with its exact message.

#include <gtest/gtest.h>

#include "daemon/config/config.hpp"

namespace replayd::config {
namespace {

TEST(RetentionConfig, age_size_and_streams_are_read) {
    const auto parsed = parse_config(
        "[retention]\nkeep_days = 30\nkeep_bytes = 50_000_000_000\n"
        "[[retention.stream]]\nname = 'canary-*'\nkeep_days = 0\n"
        "[[retention.stream]]\nname = 'production'\nkeep_days = 400\n",
        "d.toml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->retention.keep_days, 30);
    EXPECT_EQ(parsed->retention.keep_bytes, 50'000'000'000);
    ASSERT_EQ(parsed->retention.streams.size(), 2U);
    EXPECT_EQ(parsed->retention.streams[0].name, "canary-*");
    EXPECT_EQ(parsed->retention.streams[0].keep_days, 0);
    EXPECT_EQ(parsed->retention.streams[1].keep_days, 400);
}

TEST(RetentionConfig, without_the_table_everything_stays) {
    const auto parsed = parse_config("", "d.toml");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->retention.keep_days, 0);
    EXPECT_EQ(parsed->retention.keep_bytes, 0);
    EXPECT_TRUE(parsed->retention.streams.empty());
}

TEST(RetentionConfig, mistakes_are_refused_by_line_and_key) {
    const std::string rule = "[[retention.stream]]\n";
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"[retention]\nkeep_days = 0\n", "d.toml:2: retention.keep_days is 0: expected an integer from 1 to 36500"},
        {"[retention]\nkeep_days = -1\n", "d.toml:2: retention.keep_days is -1: expected an integer from 1 to 36500"},
        {"[retention]\nkeep_days = '30d'\n",
         "d.toml:2: retention.keep_days is a string: expected an integer from 1 to 36500"},
        {"[retention]\nkeep_days = 1.5\n",
         "d.toml:2: retention.keep_days is a number: expected an integer from 1 to 36500"},
        {"[retention]\nkeep_bytes = 1000\n",
         "d.toml:2: retention.keep_bytes is 1000: expected an integer from 1048576 to 1125899906842624"},
        {"[retention]\nkeep_bytes = '5 GB'\n",
         "d.toml:2: retention.keep_bytes is a string: expected an integer from 1048576 to 1125899906842624"},
        {"[retention]\nkeep_day = 3\n",
         "d.toml:2: retention.keep_day: unknown key: expected one of keep_days, keep_bytes, stream; did you mean "
         "\"keep_days\"?"},
        {"retention = 30\n", "d.toml:1: retention: expected a [retention] table"},
        {"[retention]\nstream = 'a'\n", "d.toml:2: retention.stream: expected [[retention.stream]] tables"},
        {rule + "keep_days = 1\n",
         "d.toml:1: retention.stream.name is missing: expected the name of a stream, or PREFIX*"},
        {rule + "name = 'a'\n",
         "d.toml:1: retention.stream.keep_days is missing: expected how many days such a stream stays, 0 if it goes as "
         "soon as it is over"},
        {rule + "name = 'a*b'\nkeep_days = 1\n",
         "d.toml:2: retention.stream.name is \"a*b\": expected the name of a stream, or PREFIX* with the only * at its "
         "end"},
        {rule + "name = '*a*'\nkeep_days = 1\n",
         "d.toml:2: retention.stream.name is \"*a*\": expected the name of a stream, or PREFIX* with the only * at its "
         "end"},
        {rule + "name = 'a'\nkeep_days = 40000\n",
         "d.toml:3: retention.stream.keep_days is 40000: expected an integer from 0 to 36500"},
        {rule + "name = 'a'\nkeep_days = 1\nkeep_bytes = 5\n",
         "d.toml:4: retention.stream.keep_bytes: unknown key: expected one of name, keep_days; did you mean "
         "\"keep_days\"?"},
    };
    for (const auto& [toml, message] : cases) {
        const auto parsed = parse_config(toml, "d.toml");
        ASSERT_FALSE(parsed) << toml;
        EXPECT_EQ(parsed.error().message, message);
        EXPECT_EQ(parsed.error().code, Code::invalid_argument);
    }
}

}  // namespace
}  // namespace replayd::config
