// The published files, byte for byte: what they hold was counted by other means (Python's csv and json).

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/replay/trace/trace_text.hpp"
#include "tests/source_paths.hpp"

namespace replayd {
namespace {

// Contents of a file beside the project, or nothing.
std::optional<std::string> shared_file(const std::string& name) {
    std::ifstream file(std::string(REPLAYD_SOURCE_DIR) + "/../shared/data/" + name, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

struct Sums {
    std::int64_t prompt = 0;
    std::int64_t output = 0;
    std::size_t hashes = 0;
    int unordered = 0;
};

Sums sums_of(const std::vector<Arrival>& arrivals) {
    Sums sums;
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        sums.prompt += arrivals[i].prompt.value;
        sums.output += arrivals[i].output.value;
        sums.hashes += arrivals[i].prefix_hashes.size();
        if (i > 0 && arrivals[i].at < arrivals[i - 1].at) ++sums.unordered;
    }
    return sums;
}

TEST(RealTraces, azure_conversation_2023) {
    const auto text = shared_file("traces/AzureLLMInferenceTrace_conv.csv");
    if (!text) GTEST_SKIP() << "the Azure trace is not beside the project";
    const auto read = read_text(*text, {}, 64U << 10U);
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(read.format, TraceFormat::azure);
    ASSERT_EQ(read.arrivals.size(), 19'366U);
    const Sums sums = sums_of(read.arrivals);
    EXPECT_EQ(sums.prompt, 22'361'870);
    EXPECT_EQ(sums.output, 4'088'665);
    EXPECT_EQ(sums.unordered, 0);
    // 18:15:46.6805900 to 19:14:08.4025270
    EXPECT_EQ(read.arrivals.front().at, VirtualTime(0));
    EXPECT_EQ(read.arrivals.back().at, VirtualTime(3'501'721'937'000));
    EXPECT_EQ(read.arrivals.back().id, "19365");
}

TEST(RealTraces, mooncake_conversation) {
    const auto text = shared_file("traces/mooncake_conversation_trace.jsonl");
    if (!text) GTEST_SKIP() << "the Mooncake trace is not beside the project";
    const auto read = read_text(*text, {}, 64U << 10U);
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(read.format, TraceFormat::mooncake);
    ASSERT_EQ(read.arrivals.size(), 12'031U);
    const Sums sums = sums_of(read.arrivals);
    EXPECT_EQ(sums.prompt, 144'793'823);
    EXPECT_EQ(sums.output, 4'122'048);
    EXPECT_EQ(sums.hashes, 288'500U);
    EXPECT_EQ(sums.unordered, 0);
    EXPECT_EQ(read.arrivals.front().at, VirtualTime(0));
    EXPECT_EQ(read.arrivals.back().at, VirtualTime(3'536'999'000'000));
    for (const Arrival& arrival : read.arrivals) {
        ASSERT_EQ(static_cast<std::int64_t>(arrival.prefix_hashes.size()), ceil_div(arrival.prompt.value, 512));
    }
}

// Spread over their bins, the same requests in the same order come at (nearly) as many distinct times.
TEST(RealTraces, mooncake_conversation_spread) {
    const auto text = shared_file("traces/mooncake_conversation_trace.jsonl");
    if (!text) GTEST_SKIP() << "the Mooncake trace is not beside the project";
    TraceOptions options;
    options.spread_bins = true;
    const auto spread = read_text(*text, options);
    const auto binned = read_text(*text);
    ASSERT_EQ(spread.arrivals.size(), binned.arrivals.size());
    EXPECT_EQ(sums_of(spread.arrivals).unordered, 0);
    std::size_t distinct = 1;
    for (std::size_t i = 0; i < spread.arrivals.size(); ++i) {
        ASSERT_EQ(spread.arrivals[i].id, binned.arrivals[i].id);
        ASSERT_GE(spread.arrivals[i].at, binned.arrivals[i].at);
        if (i > 0 && spread.arrivals[i].at != spread.arrivals[i - 1].at) ++distinct;
    }
    EXPECT_EQ(distinct, spread.arrivals.size());
}

// Two servers' own logs. Mean TTFT from queueing, in ms, is what the run's own summary states.
TEST(RealTraces, vllm_requests) {
    struct Run {
        std::string name;
        std::int64_t mean_ttft_us;
    };
    for (const Run& run : {Run{"rtx4090_llama3.1-8b", 65'456'574}, Run{"rtxpro6000_qwen3-30b-a3b", 1'085'980}}) {
        const auto text = shared_file("vllm_runs/" + run.name + "/vllm/requests.jsonl");
        if (!text) GTEST_SKIP() << "the vLLM runs are not beside the project";
        const auto read = read_text(*text);
        EXPECT_EQ(read.error, "");
        EXPECT_EQ(read.format, TraceFormat::vllm);
        ASSERT_EQ(read.arrivals.size(), 300U) << run.name;
        EXPECT_EQ(read.arrivals.front().at, VirtualTime(0));
        EXPECT_EQ(sums_of(read.arrivals).unordered, 0);
        std::int64_t ttft_ns = 0;
        for (const Arrival& arrival : read.arrivals) ttft_ns += arrival.observed_ttft.value().value;
        EXPECT_EQ(ttft_ns / 300 / 1'000, run.mean_ttft_us) << run.name;
    }
}

}  // namespace
}  // namespace replayd
