#include "daemon/net/target.hpp"

#include <gtest/gtest.h>

#include "daemon/net/quoted.hpp"

namespace replayd::net {
namespace {

// Percent sequences, '+', empty values and absolute form, as RFC 3986 and 9112 have them.
TEST(Target, is_split_and_decoded) {
    const auto target = parse_target("/api/v1/streams/a%20b%C3%BC?limit=10&name=x+y%2Bz&flag&limit=20&&e=");
    ASSERT_TRUE(target) << target.error().message;
    EXPECT_EQ(target->path, "/api/v1/streams/a bü");
    const std::map<std::string, std::string> query = {{"limit", "20"}, {"name", "x y+z"}, {"flag", ""}, {"e", ""}};
    EXPECT_EQ(target->query, query);
    EXPECT_EQ(parse_target("http://localhost:80/a?b=c")->path, "/a");
    EXPECT_EQ(parse_target("http://localhost")->path, "/");
    EXPECT_EQ(parse_target("/a+b")->path, "/a+b");
    EXPECT_EQ(parse_target("*")->path, "*");
}

// Each malformed target is refused with its own text.
TEST(Target, malformed_ones_are_refused) {
    const std::pair<std::string_view, const char*> cases[] = {
        {"runs", "the target \"runs\" of the request is neither a path nor an address: expected a path such as "
                 "/api/v1/runs"},
        {"", "the target \"\" of the request is neither a path nor an address: expected a path such as /api/v1/runs"},
        {"/a%2", "the path \"/a%2\" of the request has a '%' without two hexadecimal digits: write '%' itself as %25"},
        {"/a%zz", "the path \"/a%zz\" of the request has a '%' without two hexadecimal digits: write '%' itself as "
                  "%25"},
        {"/a%00b", "the path \"/a%00b\" of the request holds a control character: expected printable text"},
        {"/%ff", "the path \"/%ff\" of the request is not UTF-8 once decoded: expected UTF-8"},
        {"/a?b=%", "the query \"%\" of the request has a '%' without two hexadecimal digits: write '%' itself as %25"},
        {"/a#b", "the target \"/a#b\" of the request has a fragment: expected none, write '#' as %23"},
    };
    for (const auto& [text, message] : cases) {
        const auto target = parse_target(text);
        ASSERT_FALSE(target) << text;
        EXPECT_EQ(target.error().message, message);
    }
}

// Quoting keeps any message printable and valid UTF-8, whatever the bytes.
TEST(Quoted, foreign_text_is_escaped_and_cut) {
    EXPECT_EQ(net::quoted("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
    EXPECT_EQ(net::quoted("\xff"), "\"\\xff\"");
    EXPECT_EQ(net::quoted(std::string(63, 'x') + "ü"), "\"" + std::string(63, 'x') + "…\"");
    EXPECT_TRUE(is_utf8("aü€😀"));
    for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"}) {
        EXPECT_FALSE(is_utf8(bad)) << net::quoted(bad);
    }
}

}  // namespace
}  // namespace replayd::net
