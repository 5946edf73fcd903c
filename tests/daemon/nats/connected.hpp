#pragma once
// A nats-server and connections to it.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "daemon/nats/connection.hpp"
#include "daemon/nats/stream_logs.hpp"
#include "tests/system/nats_server.hpp"

namespace replayd::nats {

class Connected : public ::testing::Test {
protected:
    Connected() : connection_(connect()) {}

    [[nodiscard]] std::unique_ptr<Connection> connect() const {
        config::NatsConfig config;
        config.servers = {server_.url()};
        config.node = "test";
        auto opened = Connection::open(config);
        EXPECT_TRUE(opened) << opened.error().message;
        return opened ? std::move(*opened) : nullptr;
    }
    [[nodiscard]] std::unique_ptr<StreamLogs> logs() const {
        auto opened = StreamLogs::open(*connection_, Names("replayd"), 1);
        EXPECT_TRUE(opened) << opened.error().message;
        return opened ? std::move(*opened) : nullptr;
    }

    testing::TemporaryDirectory directory_;
    testing::NatsServer server_{directory_};
    std::unique_ptr<Connection> connection_;
};

}  // namespace replayd::nats
