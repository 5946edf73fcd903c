// vLLM's captured batch sizes: one rule for what a step is padded to and what graphs take in memory.

#include "replay/catalog/graph_sizes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace replayd {
namespace {

// 1, 2, 4, 8, 16, 24, … 256, 272, … and nothing above the largest.
TEST(GraphSizes, a_step_takes_the_next_captured_size) {
    const std::pair<std::int64_t, std::int64_t> cases[] = {{0, 0},     {1, 1},     {2, 2},     {3, 4},
                                                           {5, 8},     {9, 16},    {17, 24},   {255, 256},
                                                           {257, 272}, {500, 512}, {512, 512}, {513, 513}};
    for (const auto& [rows, padded] : cases) EXPECT_EQ(padded_to_graph(rows, 512), padded) << rows;
}

// A limit between two sizes captures the one below it, as vLLM lowers max_cudagraph_capture_size to what it captures.
TEST(GraphSizes, a_step_beyond_the_largest_captured_size_is_not_padded) {
    EXPECT_EQ(padded_to_graph(248, 252), 248);
    EXPECT_EQ(padded_to_graph(250, 252), 250);
    EXPECT_EQ(padded_to_graph(3, 3), 3);
    EXPECT_EQ(padded_to_graph(5, 0), 5);
}

// The list of a server's own log (vLLM 0.19, max_cudagraph_capture_size 512) has 51 sizes.
TEST(GraphSizes, the_list_is_that_of_the_server) {
    const std::vector<std::int64_t> sizes = graph_sizes(512);
    EXPECT_EQ(sizes.size(), 51U);
    EXPECT_EQ(sizes.front(), 1);
    EXPECT_EQ(sizes.back(), 512);
    EXPECT_EQ(graph_sizes(0), std::vector<std::int64_t>{});
    EXPECT_EQ(graph_sizes(20), (std::vector<std::int64_t>{1, 2, 4, 8, 16}));
}

// What a step is padded to is captured, for every limit.
TEST(GraphSizes, steps_are_padded_to_sizes_of_the_list) {
    for (std::int64_t limit = 0; limit <= 300; ++limit) {
        const std::vector<std::int64_t> sizes = graph_sizes(limit);
        for (std::int64_t rows = 1; rows <= limit; ++rows) {
            const auto next = std::lower_bound(sizes.begin(), sizes.end(), rows);
            ASSERT_EQ(padded_to_graph(rows, limit), next == sizes.end() ? rows : *next) << rows << " of " << limit;
        }
    }
}

}  // namespace
}  // namespace replayd
