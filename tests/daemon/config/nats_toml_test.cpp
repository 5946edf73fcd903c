// [nats]: what is taken, and each mistake with its exact message.

#include <gtest/gtest.h>

#include "daemon/config/config.hpp"

namespace replayd::config {
namespace {

TEST(NatsConfig, everything_is_read) {
    const auto parsed = parse_config(
        "[nats]\nservers = ['tls://a:4222', 'tls://b:4222']\nnode = 'n1'\nprefix = 'site'\nreplicas = 3\nlease_s = 20\n"
        "ca_file = 'ca.pem'\ncert_file = 'c.pem'\nkey_file = 'k.pem'\nuser = 'u'\npassword_file = 'p'\n",
        "d.toml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    ASSERT_TRUE(parsed->nats);
    EXPECT_EQ(parsed->nats->servers, (std::vector<std::string>{"tls://a:4222", "tls://b:4222"}));
    EXPECT_EQ(parsed->nats->node, "n1");
    EXPECT_EQ(parsed->nats->prefix, "site");
    EXPECT_EQ(parsed->nats->replicas, 3);
    EXPECT_EQ(parsed->nats->lease.count(), 20);
    EXPECT_EQ(parsed->nats->ca_file, "ca.pem");
    EXPECT_EQ(parsed->nats->key_file, "k.pem");
    EXPECT_EQ(parsed->nats->password_file, "p");
}

TEST(NatsConfig, without_the_table_nothing_is_shared) {
    EXPECT_FALSE(parse_config("", "d.toml")->nats);
}

TEST(NatsConfig, mistakes_are_refused_by_line_and_key) {
    const std::string sound = "[nats]\nnode = 'n'\nservers = ['nats://127.0.0.1:4222']\n";
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"[nats]\nnode = 'n'\n",
         "d.toml:1: nats.servers is missing: expected the addresses of one or more NATS servers, such "
         "as [\"nats://127.0.0.1:4222\"]"},
        {"[nats]\nservers = ['nats://a:1']\n",
         "d.toml:1: nats.node is \"\": expected 1 to 64 characters of A-Z a-z 0-9 _ -, a name that no other replayd "
         "has"},
        {"[nats]\nservers = ['nats://a:1']\nnode = 'a.b'\n",
         "d.toml:3: nats.node is \"a.b\": expected 1 to 64 characters of A-Z a-z 0-9 _ -"},
        {"[nats]\nnode = 'n'\nservers = ['a:4222']\n",
         "d.toml:3: nats.servers holds \"a:4222\": expected nats://HOST:PORT or tls://HOST:PORT without user and path"},
        {"[nats]\nnode = 'n'\nservers = ['nats://u:p@a:4222']\n",
         "d.toml:3: nats.servers holds \"nats://u:p@a:4222\": expected nats://HOST:PORT or tls://HOST:PORT without "
         "user and path"},
        {sound + "prefix = 'a b'\n",
         "d.toml:4: nats.prefix is \"a b\": expected 1 to 64 characters of A-Z a-z 0-9 _ -"},
        {sound + "lease_s = 1\n", "d.toml:4: nats.lease_s is 1: expected an integer from 2 to 3600"},
        {sound + "replicas = 6\n", "d.toml:4: nats.replicas is 6: expected an integer from 1 to 5"},
        {sound + "cert_file = 'c'\n",
         "d.toml:4: nats.cert_file is given and key_file is not: expected both or neither"},
        {sound + "password_file = 'c'\n",
         "d.toml:4: nats.password_file is given and user is not: expected both or neither"},
        {"[nats]\nnode = 'n'\nservers = ['nats://far:4222']\nuser = 'u'\npassword_file = 'p'\n",
         "d.toml:4: nats.user is given and nats://far:4222 is reached without TLS: expected tls:// in servers, or "
         "ca_file, so that nobody on the way reads the password"},
        {sound + "lease = 1\n",
         "d.toml:4: nats.lease: unknown key: expected one of servers, node, prefix, replicas, lease_s, ca_file, "
         "cert_file, key_file, credentials_file, user, password_file; did you mean \"lease_s\"?"},
    };
    for (const auto& [toml, message] : cases) {
        const auto parsed = parse_config(toml, "d.toml");
        ASSERT_FALSE(parsed) << toml;
        EXPECT_EQ(parsed.error().message, message) << toml;
        EXPECT_EQ(parsed.error().code, Code::invalid_argument);
    }
}

}  // namespace
}  // namespace replayd::config
