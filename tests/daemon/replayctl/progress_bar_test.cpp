#include "daemon/replayctl/progress_bar.hpp"

#include <gtest/gtest.h>

namespace replayd::ctl {
namespace {

// A quarter in two seconds leaves six.
TEST(ProgressLine, tells_rate_and_time_left) {
    const Progress progress{0.25, true, 5'000, "acked", "1,000 in flight"};
    EXPECT_EQ(progress_line(progress, std::chrono::seconds(2)),
              "███████░░░░░░░░░░░░░░░░░░░░░░░ 25.0 %  5,000 acked  2,500/s  6.00 s left  1,000 in flight");
}

// A pipe has no end in sight: no bar and no estimate, but the rate.
TEST(ProgressLine, has_no_bar_when_the_end_is_unknown) {
    const Progress progress{0, false, 300, "arrivals", ""};
    EXPECT_EQ(progress_line(progress, std::chrono::seconds(3)), "300 arrivals  100/s");
}

}  // namespace
}  // namespace replayd::ctl
