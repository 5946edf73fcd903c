// TraceFile::follow: growing files, rotation, truncation and folders of shards are one trace, and no line is taken
// before its end.

#include <gtest/gtest.h>

#include <filesystem>

#include "daemon/files/output_file.hpp"
#include "daemon/files/trace_file.hpp"
#include "temporary_file.hpp"

namespace replayd::files {
namespace {

void append(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

std::string line(int at, int prompt) {
    return "{\"timestamp\":" + std::to_string(at) + ",\"input_length\":" + std::to_string(prompt) +
           ",\"output_length\":5}\n";
}

/// Prompt lengths of what has come since the last call.
std::string news(TraceFile& trace) {
    std::string text;
    for (;;) {
        std::vector<Arrival> arrivals;
        const auto more = trace.next(arrivals);
        for (const Arrival& arrival : arrivals) text += std::to_string(arrival.prompt.value) + " ";
        if (!more) return text + more.error().message;
        if (!*more) return text + (trace.ended() ? "end" : "");
    }
}

class Follow : public testing::Test {
protected:
    TraceFile follow(std::vector<std::string> paths, bool once = false) {
        return TraceFile::follow({std::move(paths), once, [this] { return stop_; }}, {});
    }
    TemporaryFolder folder_;
    std::string log_ = folder_.path("log");
    bool stop_ = false;
};

TEST_F(Follow, takes_lines_as_they_get_their_ends) {
    TraceFile trace = follow({log_});
    EXPECT_EQ(news(trace), "");
    append(log_, line(0, 1) + line(1, 2));
    EXPECT_EQ(news(trace), "1 2 ");
    const std::string third = line(2, 3);
    append(log_, third.substr(0, 20));
    EXPECT_EQ(news(trace), "");
    append(log_, third.substr(20));
    EXPECT_EQ(news(trace), "3 ");
    stop_ = true;
    EXPECT_EQ(news(trace), "end");
}

// What was written before the rename is read from the old file, what follows from the new one.
TEST_F(Follow, goes_on_in_the_new_file_after_a_rotation) {
    append(log_, line(0, 1));
    TraceFile trace = follow({log_});
    EXPECT_EQ(news(trace), "1 ");
    append(log_, line(1, 2));
    std::filesystem::rename(log_, log_ + ".1");
    EXPECT_EQ(news(trace), "2 ");
    append(log_ + ".1", line(2, 3));
    EXPECT_EQ(news(trace), "3 ");
    append(log_, line(3, 4));
    EXPECT_EQ(news(trace), "4 ");
    append(log_, line(4, 5));
    EXPECT_EQ(news(trace), "5 ");
}

TEST_F(Follow, begins_again_in_a_file_that_was_cut_off) {
    append(log_, line(0, 1) + line(1, 2));
    TraceFile trace = follow({log_});
    EXPECT_EQ(news(trace), "1 2 ");
    std::filesystem::resize_file(log_, 0);
    append(log_, line(2, 3));
    EXPECT_EQ(news(trace), "3 ");
}

TEST_F(Follow, reads_the_shards_of_a_folder_by_name_and_those_that_come) {
    const std::string shards = folder_.path("shards");
    std::filesystem::create_directory(shards);
    append(shards + "/b", line(1, 2));
    append(shards + "/a", line(0, 1).substr(0, line(0, 1).size() - 1));  // its last line lacks its end
    append(shards + "/.c.partial", "not yet");
    TraceFile trace = follow({shards});
    EXPECT_EQ(news(trace), "1 2 ");
    append(shards + "/b", line(2, 3));
    EXPECT_EQ(news(trace), "3 ");
    append(shards + "/c", line(3, 4));
    EXPECT_EQ(news(trace), "4 ");
}

TEST_F(Follow, compressed_shards_and_headers_of_csv_shards_are_read) {
    const std::string shards = folder_.path("shards");
    std::filesystem::create_directory(shards);
    const std::string header = "arrived_at,num_prefill_tokens,num_decode_tokens\r\n";
    auto first = OutputFile::open(shards + "/1.csv.gz");
    ASSERT_TRUE(first && first->write(header + "0.5,7,2\r\n") && first->close());
    append(shards + "/2.csv", header + "1.5,8,2");
    append(shards + "/3.csv", header);
    append(shards + "/4.csv", header + "2.5,9,2\r\n");
    TraceFile trace = follow({shards}, true);
    EXPECT_EQ(news(trace), "7 8 9 end");
}

// As after a restart: the rotated file and then the one that grows.
TEST_F(Follow, several_paths_are_one_trace_and_once_ends_at_their_end) {
    append(log_ + ".1", line(0, 1));
    append(log_, line(1, 2));
    TraceFile trace = follow({log_ + ".1", log_}, true);
    EXPECT_EQ(news(trace), "1 2 end");
    TraceFile missing = follow({log_, folder_.path("nothing")}, true);
    EXPECT_EQ(news(missing), "2 " + folder_.path("nothing") + ": cannot examine: No such file or directory");
}

// vLLM's log has a row when a request has ended: rows wait for earlier ones as long as they are told to.
TEST_F(Follow, rows_out_of_order_wait_for_the_reorder_time) {
    const auto row = [](double at, int prompt) {
        return "{\"request_id\":\"r" + std::to_string(prompt) + "\",\"input_toks\":" + std::to_string(prompt) +
               ",\"output_toks\":5,\"arrival_time\":" + std::to_string(at) + "}\n";
    };
    TraceOptions options;
    options.reorder = Duration(10 * k_ns_per_s);
    TraceFile trace = TraceFile::follow({{log_}, false, {}}, options);
    append(log_, row(100, 2) + row(95, 1) + row(106, 3));
    EXPECT_EQ(news(trace), "1 ");
    append(log_, row(112, 4));
    EXPECT_EQ(news(trace), "2 ");
    append(log_, row(101, 5));
    EXPECT_EQ(
        news(trace),
        log_ +
            ":5: arrival_time is \"101.000000\", 11000 ms before that of an earlier row: expected rows that are out of "
            "order by at most 10000 ms; raise the option reorder, or sort the file");
}

}  // namespace
}  // namespace replayd::files
