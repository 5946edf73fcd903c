// Windows of residuals in the history, and the view of observed beside predicted.

#include <gtest/gtest.h>

#include "replay/sim/residuals.hpp"
#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

/// One window per second.
constexpr DriftSpec k_rule{.window = Duration(k_ns_per_s), .requests_min = 1, .bias = 0.1, .windows = 2};

TEST(ResidualRows, come_back_as_they_were_stored_and_are_stored_once) {
    const TempDir dir;
    const auto history = open_history(dir.file());
    const std::int64_t run = sample_run(*history).id;
    const auto windows = sample_residuals(30, k_rule);
    history->add_residuals(run, windows);
    history->add_residuals(run, windows);
    ASSERT_TRUE(history->flush());
    const auto reader = must(Reader::open(dir.file()));
    EXPECT_EQ(must(reader->residuals(run, VirtualTime(0), 1000)), windows);
    EXPECT_EQ(must(reader->residuals(run, windows[4].start, 1000)).size(), windows.size() - 4);
    EXPECT_EQ(history->counters().committed_residual_rows, static_cast<std::int64_t>(windows.size()));
    EXPECT_TRUE(must(reader->residuals(run + 1, VirtualTime(0), 10)).empty());
}

TEST(ResidualRows, more_windows_than_wanted_are_merged_evenly) {
    const TempDir dir;
    const auto history = open_history(dir.file());
    const std::int64_t run = sample_run(*history).id;
    const auto windows = sample_residuals(30, k_rule);
    history->add_residuals(run, windows);
    ASSERT_TRUE(history->flush());
    const auto merged = must(must(Reader::open(dir.file()))->residuals(run, VirtualTime(0), 1));
    ASSERT_EQ(merged.size(), 1U);
    ResidualWindow expected = windows.front();
    for (std::size_t i = 1; i < windows.size(); ++i) append_residuals(expected, windows[i]);
    EXPECT_EQ(merged.front(), expected);
}

// The view says of each request what the record says, and what it leaves out has no observation or was rejected.
TEST(ResidualView, has_observed_and_predicted_of_every_finished_request) {
    const TempDir dir;
    const auto history = open_history(dir.file());
    const std::int64_t run = sample_run(*history).id;
    auto requests = sample_requests(0, 40);
    requests[3].observed_tpot = std::nullopt;  // then as TTFT and E2E say
    requests[4].observed_ttft = requests[4].observed_e2e = requests[4].observed_tpot = std::nullopt;
    requests[4].observed_cached = std::nullopt;
    history->add_requests(run, requests);
    ASSERT_TRUE(history->flush());
    const auto reader = must(Reader::open(dir.file()));
    const Table rows = must(reader->query("SELECT sequence, ttft_error_ns, tpot_ns, observed_tpot_ns, e2e_error_ns, "
                                          "cached_error_tokens FROM residual ORDER BY sequence"));
    std::size_t row = 0;
    for (const RequestRecord& request : requests) {
        if (request.outcome == Outcome::rejected || request.sequence == 4) continue;
        ASSERT_LT(row, rows.rows.size());
        const auto& cells = rows.rows[row++];
        const auto number = [](const std::optional<Duration>& duration) {
            return duration ? Cell(duration->value) : Cell();
        };
        EXPECT_EQ(cells[0], Cell(request.sequence));
        EXPECT_EQ(cells[1], Cell((request.ttft() - *request.observed_ttft).value));
        EXPECT_EQ(cells[2], number(request.tpot()));
        EXPECT_EQ(cells[3], number(request.observed_gap()));
        EXPECT_EQ(cells[4], Cell((request.e2e() - *request.observed_e2e).value));
        EXPECT_EQ(cells[5], Cell(std::int64_t{8}));
    }
    EXPECT_EQ(row, rows.rows.size());
}

}  // namespace
}  // namespace replayd::storage
