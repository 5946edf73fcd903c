#include "replay/base/nearest_name.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace replayd {
namespace {

// A misspelt name finds its neighbour; a name unlike any other finds nothing.
TEST(NearestName, suggests_close_names_only) {
    const std::vector<std::string> names = {"H100-SXM", "H200-SXM", "A100-SXM"};
    EXPECT_EQ(nearest_name("H10-SXM", names), "H100-SXM");
    EXPECT_EQ(nearest_name("h100-sxm", names), "H100-SXM");
    EXPECT_EQ(nearest_name("completely different", names), "");
    EXPECT_EQ(nearest_name("", {}), "");
}

}  // namespace
}  // namespace replayd
