#pragma once
// A daemon for hostile input, with a page whose folder lies beside a secret. After every test it must still be ready
// and replay a stream.

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "tests/system/history_checks.hpp"
#include "tests/system/running_daemon.hpp"

namespace replayd::testing {

class BadInputTest : public ::testing::Test {
protected:
    /// Little credit, so that it can be exceeded.
    static constexpr int k_backlog_max = 100;

    void SetUp() override {
        const std::string page = directory_ / "page";
        std::filesystem::create_directory(page);
        write_file(page + "/index.html", "the page");
        write_file(directory_ / "secret", "a secret");
        std::filesystem::create_symlink("../secret", page + "/leak");
        write_file(directory_ / "replayd.toml",
                   "[ingest]\nbacklog_arrivals_max = " + std::to_string(k_backlog_max) + "\n");
        daemon_ = std::make_unique<RunningDaemon>(
            directory_, std::vector<std::string>{"--config", directory_ / "replayd.toml", "--dashboard", page});
    }

    void TearDown() override {
        ASSERT_TRUE(daemon_->process().running()) << daemon_->process().errors();
        EXPECT_EQ(daemon_->ask("GET", "/readyz").status, 200u);
        constexpr int k_requests = 200;
        const std::string trace = directory_ / "after.jsonl";
        generate_trace(directory_, trace, k_requests);
        std::vector<std::string> arguments = {"stream",   trace,           "--stream", "after", "--batch", "50",
                                              "--daemon", daemon_->url(), "--wait"};
        for (const std::string& scenario : two_scenarios()) arguments.insert(arguments.end(), {"--scenario", scenario});
        replayctl(directory_, arguments);
        expect_complete(directory_, daemon_->db(), "after", k_requests);
        daemon_->terminate();
    }

    TemporaryDirectory directory_;
    std::unique_ptr<RunningDaemon> daemon_;
};

/// Member of a problem answer, "" where it has none.
[[nodiscard]] std::string problem_member(const std::string& body, const char* name);

}  // namespace replayd::testing
