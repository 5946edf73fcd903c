// The tables of the daemon's TOML that say who may do what: every key arrives, wrong input is one exact sentence.

#include <gtest/gtest.h>

#include <vector>

#include "daemon/config/config.hpp"

namespace replayd::config {
namespace {

// Every key of the file lands in its field.
TEST(SecurityConfig, every_key_arrives) {
    const auto parsed = parse_config(R"(
[[token]]
name = "production"
roles = ["ingest", "read"]
file = "/etc/replayd/production.token"
[[token]]
name = "operator"
roles = ["admin"]
credential = "operator"
[limits]
connections_max = 9
connections_per_client_max = 8
websockets_per_client_max = 7
streams_max = 6
[privacy]
id_salt_credential = "salt"
[service]
drain_max_s = 5
)",
                                     "d.toml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    ASSERT_EQ(parsed->tokens.size(), 2U);
    EXPECT_EQ(parsed->tokens[0].name, "production");
    EXPECT_EQ(parsed->tokens[0].roles, (std::vector<Role>{Role::ingest, Role::read}));
    EXPECT_EQ(parsed->tokens[0].secret.file, "/etc/replayd/production.token");
    EXPECT_EQ(parsed->tokens[1].roles, std::vector<Role>{Role::admin});
    EXPECT_EQ(parsed->tokens[1].secret.credential, "operator");
    EXPECT_EQ(parsed->limits.connections_max, 9U);
    EXPECT_EQ(parsed->limits.connections_per_client_max, 8U);
    EXPECT_EQ(parsed->limits.websockets_per_client_max, 7U);
    EXPECT_EQ(parsed->limits.streams_max, 6U);
    ASSERT_TRUE(parsed->id_salt);
    EXPECT_EQ(parsed->id_salt->credential, "salt");
    EXPECT_EQ(parsed->drain_max, std::chrono::seconds(5));
}

constexpr const char* k_neither =
    "expected one of them, the path of a file that only its owner reads or the name of a systemd credential";

TEST(SecurityConfig, wrong_tables_are_refused_with_line_key_and_what_was_expected) {
    const std::string neither = k_neither;
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"token = 1\n", "d.toml:1: token: expected [[token]] tables"},
        {"[token]\nname = 'a'\n", "d.toml:1: token: expected [[token]] tables"},
        {"[[token]]\nroles = ['read']\nfile = 'f'\n",
         "d.toml:1: token.name is \"\": expected 1 to 64 characters of A-Z a-z 0-9 . _ -"},
        {"[[token]]\nname = 'a b'\n",
         "d.toml:1: token.name is \"a b\": expected 1 to 64 characters of A-Z a-z 0-9 . _ -"},
        {"[[token]]\nname = 'a'\nfile = 'f'\n",
         "d.toml:1: token.roles is missing: expected one or more of read, ingest, admin"},
        {"[[token]]\nname = 'a'\nroles = []\nfile = 'f'\n",
         "d.toml:1: token.roles is missing: expected one or more of read, ingest, admin"},
        {"[[token]]\nname = 'a'\nroles = 'read'\n", "d.toml:3: token.roles is a string: expected an array of strings"},
        {"[[token]]\nname = 'a'\nroles = ['write']\n",
         "d.toml:3: token.roles holds \"write\": expected read, ingest or admin"},
        {"[[token]]\nname = 'a'\nroles = ['amdin']\n",
         "d.toml:3: token.roles holds \"amdin\": expected read, ingest or admin; did you mean \"admin\"?"},
        {"[[token]]\nname = 'a'\nroles = ['read']\n",
         "d.toml:1: token.file and credential are both missing: " + neither},
        {"[[token]]\nname = 'a'\nroles = ['read']\nfile = 'f'\ncredential = 'c'\n",
         "d.toml:1: token.file and credential are both given: " + neither},
        {"[[token]]\nname = 'a'\nroles = ['read']\ncredential = '../etc/shadow'\n",
         "d.toml:4: token.credential is \"../etc/shadow\": expected a name of 1 to 64 characters of A-Z a-z 0-9 . _ -, "
         "not a path"},
        {"[[token]]\nname = 'a'\nroles = ['read']\nsecret = 'hunter2'\n",
         "d.toml:4: token.secret: unknown key: expected one of name, roles, file, credential"},
        {"[listen]\norigins = 'x'\n", "d.toml:2: listen.origins is a string: expected an array of strings"},
        {"[listen]\norigins = ['*']\n",
         "d.toml:2: listen.origins holds \"*\": expected an origin as browsers send it, in lower case and without a "
         "path, such as https://replay.example.com"},
        {"[listen]\norigins = ['https://a/']\n",
         "d.toml:2: listen.origins holds \"https://a/\": expected an origin as browsers send it, in lower case and "
         "without a path, such as https://replay.example.com"},
        {"[listen]\norigins = ['null']\n",
         "d.toml:2: listen.origins holds \"null\": expected an origin as browsers send it, in lower case and without a "
         "path, such as https://replay.example.com"},
        {"[listen]\norigins = ['https://Example.com']\n",
         "d.toml:2: listen.origins holds \"https://Example.com\": expected an origin as browsers send it, in lower "
         "case and without a path, such as https://replay.example.com"},
        {"[limits]\nconnections_max = 0\n",
         "d.toml:2: limits.connections_max is 0: expected an integer from 1 to 100000"},
        {"[limits]\nconnections_per_client_max = 100001\n",
         "d.toml:2: limits.connections_per_client_max is 100001: expected an integer from 1 to 100000"},
        {"[limits]\nwebsockets_per_client_max = 'many'\n",
         "d.toml:2: limits.websockets_per_client_max is a string: expected an integer from 1 to 100000"},
        {"[limits]\nstreams_max = 1.5\n",
         "d.toml:2: limits.streams_max is a number: expected an integer from 1 to 1000000"},
        {"[limits]\nconections_max = 5\n",
         "d.toml:2: limits.conections_max: unknown key: expected one of connections_max, connections_per_client_max, "
         "websockets_per_client_max, streams_max; did you mean \"connections_max\"?"},
        {"[privacy]\n", "d.toml:1: privacy.id_salt_file and id_salt_credential are both missing: " + neither},
        {"[privacy]\nid_salt = 'x'\n",
         "d.toml:2: privacy.id_salt: unknown key: expected one of id_salt_file, id_salt_credential"},
        {"[service]\ndrain_max_s = 0\n", "d.toml:2: service.drain_max_s is 0: expected an integer from 1 to 3600"},
    };
    for (const auto& [toml, message] : cases) {
        const auto parsed = parse_config(toml, "d.toml");
        ASSERT_FALSE(parsed) << toml;
        EXPECT_EQ(parsed.error().message, message);
        EXPECT_EQ(parsed.error().code, Code::invalid_argument);
    }
}

Result<void> check(const std::string& address, std::size_t tokens, bool same_name = false) {
    DaemonConfig config;
    config.listen_address = address;
    for (std::size_t i = 0; i < tokens; ++i) {
        config.tokens.push_back({same_name ? "a" : "a" + std::to_string(i), {Role::read}, {"f", ""}});
    }
    return check_config(config);
}

// Only what other machines cannot reach goes without a token.
TEST(SecurityConfig, an_address_that_others_reach_needs_a_token) {
    for (const char* address : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) {
        EXPECT_TRUE(check(address, 0)) << address;
    }
    for (const char* address : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "192.168.0.1", "fe80::1", "example.com",
                                "::ffff:127.0.0.1", "127.0.0.1.example.com", ""}) {
        EXPECT_FALSE(check(address, 0)) << address;
        EXPECT_TRUE(check(address, 1)) << address;
    }
    const auto twice = check("127.0.0.1", 2, true);
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().message, "token name \"a\" is there twice: expected one [[token]] for each name");
}

}  // namespace
}  // namespace replayd::config
