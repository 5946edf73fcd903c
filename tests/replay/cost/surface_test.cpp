#include "replay/cost/tables/surface.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "replay/cost/tables/attention_times.hpp"
#include "replay/cost/tables/measured_line.hpp"

namespace replayd::cost {
namespace {

// Grid points are exact and a bilinear function is met between them.
TEST(Surface, meets_a_bilinear_function) {
    const Surface surface(1000, 5000, [](double x, double y) { return 2 + 3 * x + 0.5 * y + 0.01 * x * y; });
    for (const std::int64_t x : {0, 1, 3, 4, 17, 100, 777, 1000}) {
        for (const std::int64_t y : {0, 2, 5, 63, 999, 5000}) {
            const double us =
                2 + 3 * static_cast<double>(x) + 0.5 * static_cast<double>(y) + 0.01 * static_cast<double>(x * y);
            EXPECT_NEAR(static_cast<double>(surface.ns(x, y)), us * 1000, us * 0.5) << x << " " << y;
        }
    }
}

// A function that falls is lifted to its running maximum, along both axes and between the points.
TEST(Surface, never_falls) {
    const Surface surface(300, 300,
                          [](double x, double y) { return 50 + 20 * std::sin(x / 7) + 15 * std::cos(y / 5); });
    for (std::int64_t x = 0; x <= 400; ++x) {
        for (std::int64_t y = 0; y <= 400; y += 3) {
            ASSERT_LE(surface.ns(x, y), surface.ns(x + 1, y));
            ASSERT_LE(surface.ns(x, y), surface.ns(x, y + 1));
        }
    }
}

// Beyond the last point times go on straight.
TEST(Surface, goes_on_straight) {
    const Surface surface(64, 64, [](double x, double y) { return x + 2 * y; });
    EXPECT_NEAR(static_cast<double>(surface.ns(200, 100)), 400'000, 400);
}

// Level before the first point, straight between, the upper half's slope beyond.
TEST(MeasuredLine, follows_its_points) {
    const MeasuredLine line({{10, 5}, {20, 7}, {40, 11}});
    EXPECT_DOUBLE_EQ(line.us(1), 5);
    EXPECT_DOUBLE_EQ(line.us(15), 6);
    EXPECT_DOUBLE_EQ(line.us(60), 15);
}

/// Times of a GPU where attention is exactly additive.
double law_us(double chunk, double past, double decodes, double context) {
    const double alone = chunk > 0 ? 5 + 0.05 * chunk + 1e-4 * (chunk * past + chunk * (chunk + 1) / 2) : 0;
    if (decodes == 0) return alone;
    return chunk > 0 ? alone + decodes * (0.5 + 0.004 * context) + 1e-3 * chunk * decodes
                     : 4 + decodes * (0.2 + 0.003 * context);
}

std::vector<AttentionPoint> lawful_points() {
    std::vector<AttentionPoint> points;
    for (const double chunk : {0.0, 16.0, 256.0, 1024.0, 2048.0}) {
        for (const double past : {0.0, 512.0, 2048.0}) {
            for (const double decodes : {0.0, 1.0, 8.0, 64.0}) {
                for (const double context : {64.0, 512.0, 4096.0}) {
                    if (chunk == 0 && (decodes == 0 || past > 0)) continue;
                    points.push_back(
                        {chunk, past, decodes, decodes == 0 ? 0 : context, law_us(chunk, past, decodes, context)});
                }
            }
        }
    }
    return points;
}

StepShape mixed(std::int64_t chunks, std::int64_t tokens, std::int64_t past, std::int64_t decodes,
                std::int64_t context) {
    StepShape shape;
    shape.prefill_sequences = chunks;
    shape.prefill_tokens = chunks * tokens;
    shape.prefill_pairs = chunks * (tokens * past + tokens * (tokens + 1) / 2);
    shape.prefill_context = chunks * (tokens + past);
    shape.prefill_squares = chunks * tokens * tokens;
    shape.decode_sequences = decodes;
    shape.decode_context = decodes * context;
    return shape;
}

// Measured calls come back, and calls between them as the law says.
TEST(AttentionTimes, meets_an_additive_law) {
    const AttentionTimes times(lawful_points(), {2048, 64, 8192});
    const auto expect = [&](double chunk, double past, double decodes, double context, double tolerance) {
        const double us = law_us(chunk, past, decodes, context);
        const StepShape shape = mixed(chunk > 0 ? 1 : 0, std::llround(chunk), std::llround(past), std::llround(decodes),
                                      std::llround(context));
        EXPECT_NEAR(static_cast<double>(times.ns(shape)), us * 1000, us * 1000 * tolerance)
            << chunk << " " << past << " " << decodes << " " << context;
    };
    expect(1024, 0, 0, 0, 0.01);
    expect(0, 0, 8, 512, 0.01);
    expect(2048, 512, 8, 512, 0.03);
    expect(600, 100, 0, 0, 0.03);
    expect(0, 0, 30, 1500, 0.03);
    expect(1500, 300, 20, 900, 0.05);
}

// Seven prompts of 290 tokens have a seventh of the pairs of one of 2030, and cost less.
TEST(AttentionTimes, prices_several_chunks_by_their_pairs) {
    const AttentionTimes times(lawful_points(), {2048, 64, 8192});
    const double us = 5 + 0.05 * 2030 + 1e-4 * 7 * 290 * 291 / 2;
    EXPECT_NEAR(static_cast<double>(times.ns(mixed(7, 290, 0, 0, 0))), us * 1000, us * 30);
}

// What the ledger asks: never more than any step that holds the same work, also beside short sequences.
TEST(AttentionTimes, alone_is_a_lower_bound) {
    const AttentionTimes times(lawful_points(), {2048, 64, 8192});
    for (const std::int64_t context : {1, 70, 1000, 8000}) {
        const std::int64_t alone = times.alone_ns(mixed(0, 0, 0, 1, context));
        for (const std::int64_t others : {0, 1, 7, 63}) {
            StepShape shape = mixed(0, 0, 0, 1 + others, 0);
            shape.decode_context = context + others;
            EXPECT_LE(alone, times.ns(shape)) << context << " " << others;
        }
    }
    for (const std::int64_t tokens : {1, 100, 1500}) {
        const StepShape chunk = mixed(1, tokens, 3000, 0, 0);
        StepShape with = chunk;
        ++with.prefill_sequences;
        with.prefill_tokens += 500;
        with.prefill_pairs += 500 * 501 / 2;
        with.prefill_squares += 500 * 500;
        EXPECT_LE(times.alone_ns(chunk), times.ns(chunk));
        EXPECT_LE(times.alone_ns(chunk), times.ns(with));
    }
}

}  // namespace
}  // namespace replayd::cost
