#include "daemon/files/trace_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "daemon/files/encoder.hpp"
#include "replay/trace/generator.hpp"
#include "replay/trace/trace_writer.hpp"
#include "tests/daemon/files/temporary_file.hpp"

namespace replayd::files {
namespace {

// Some megabytes of our own format: several reads, several pieces after decompression.
std::string sample_text(std::int64_t count) {
    GeneratorOptions options;
    options.count = count;
    options.conversations.mean_turns = 3.0;
    auto generator = TraceGenerator::make(options).value();
    TraceWriter writer(TraceFormat::replayd);
    std::string text;
    while (const auto arrival = generator.next()) EXPECT_TRUE(writer.write(*arrival, text));
    return text;
}

std::string compressed(const std::string& name, std::string_view text) {
    auto encoder = make_encoder(name).value();
    std::string bytes;
    encoder->encode(text, bytes);
    encoder->finish(bytes);
    return bytes;
}

std::vector<Arrival> parsed(std::string_view text) {
    TraceReader reader{TraceOptions{}};
    std::vector<Arrival> arrivals;
    EXPECT_TRUE(reader.feed(text, arrivals));
    EXPECT_TRUE(reader.finish(arrivals));
    return arrivals;
}

std::string error_of(const std::string& path) {
    const auto read = read_trace(path, TraceOptions{});
    return read ? "no error" : read.error().message;
}

// The name says nothing: the first bytes decide, so a compressed file may be called anything.
TEST(TraceFile, reads_plain_gzip_and_zstd_alike) {
    const TemporaryFolder folder;
    const std::string text = sample_text(5'000);
    const auto expected = parsed(text);
    ASSERT_EQ(expected.size(), 5'000U);
    for (const std::string kind : {"a.jsonl", "a.gz", "a.zst"}) {
        const auto read = read_trace(folder.holding("trace", compressed(kind, text)), TraceOptions{});
        ASSERT_TRUE(read) << kind << ": " << read.error().message;
        EXPECT_EQ(*read, expected) << kind;
    }
}

// `cat a.gz b.gz` is a valid gzip file, and so for zstd.
TEST(TraceFile, reads_concatenated_members_and_frames) {
    const TemporaryFolder folder;
    const std::string text = sample_text(40);
    const std::size_t half = text.size() / 2;
    for (const std::string kind : {"a.gz", "a.zst"}) {
        const std::string bytes = compressed(kind, text.substr(0, half)) + compressed(kind, text.substr(half));
        const auto read = read_trace(folder.holding("trace", bytes), TraceOptions{});
        ASSERT_TRUE(read) << kind << ": " << read.error().message;
        EXPECT_EQ(*read, parsed(text)) << kind;
    }
}

// Batches join to the whole; the byte counts that a progress bar needs grow to the file's size.
TEST(TraceFile, comes_in_batches_with_byte_counts) {
    const TemporaryFolder folder;
    const std::string text = sample_text(5'000);
    const std::string bytes = compressed("a.zst", text);
    auto file = TraceFile::open(folder.holding("trace.zst", bytes), TraceOptions{}).value();
    EXPECT_EQ(file.bytes_total(), bytes.size());
    EXPECT_EQ(file.bytes_read(), 0U);
    EXPECT_EQ(file.format(), std::nullopt);
    std::vector<Arrival> arrivals;
    std::size_t batches = 0;
    std::uint64_t read_before = 0;
    while (file.next(arrivals).value()) {
        ++batches;
        EXPECT_GE(file.bytes_read(), read_before);
        read_before = file.bytes_read();
    }
    EXPECT_GT(batches, 1U);
    EXPECT_EQ(arrivals, parsed(text));
    EXPECT_EQ(file.bytes_read(), bytes.size());
    EXPECT_EQ(file.format(), TraceFormat::replayd);
    EXPECT_EQ(file.stats().rows, 5'000);
    // The end stays the end.
    EXPECT_FALSE(file.next(arrivals).value());
}

// A file cut off by a broken download must not pass as a shorter trace, wherever it was cut.
TEST(TraceFile, refuses_compressed_data_that_end_early) {
    const TemporaryFolder folder;
    const std::string text = sample_text(200);
    for (const std::string kind : {"gzip", "zstd"}) {
        const std::string bytes = compressed(kind == "gzip" ? "a.gz" : "a.zst", text);
        for (const std::size_t kept : {std::size_t{5}, bytes.size() / 2, bytes.size() - 1}) {
            const std::string path = folder.holding("trace", bytes.substr(0, kept));
            EXPECT_EQ(error_of(path),
                      path + ": the " + kind +
                          " data end in the middle: expected a complete file; fetch or compress it again")
                << kept;
        }
    }
}

// A flipped bit of the contents' checksum, at the end of the stream, is found.
TEST(TraceFile, refuses_damaged_compressed_data) {
    const TemporaryFolder folder;
    struct Case {
        std::string kind;
        std::string name;
        std::size_t from_end;  // of a byte of the checksum
        std::string detail;
    };
    const std::vector<Case> cases = {{"gzip", "a.gz", 6, "incorrect data check"},
                                     {"zstd", "a.zst", 2, "Restored data doesn't match checksum"}};
    for (const Case& damage : cases) {
        std::string bytes = compressed(damage.name, sample_text(200));
        char& byte = bytes[bytes.size() - damage.from_end];
        byte = static_cast<char>(byte ^ 1);
        const std::string path = folder.holding("trace", bytes);
        EXPECT_EQ(error_of(path), path + ": the " + damage.kind + " data are damaged (" + damage.detail +
                                      "): expected a file that `" + damage.kind +
                                      " -t` accepts; fetch or compress it again");
    }
}

// The system's reason and the path are in the message; the code tells a missing file from the rest.
TEST(TraceFile, names_what_cannot_be_opened) {
    const TemporaryFolder folder;
    const std::string missing = folder.path("missing.csv");
    const auto opened = TraceFile::open(missing, TraceOptions{});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::not_found);
    EXPECT_EQ(opened.error().message, missing + ": cannot open: No such file or directory");

    std::filesystem::create_directory(folder.path("sub"));
    const auto directory = TraceFile::open(folder.path("sub"), TraceOptions{});
    ASSERT_FALSE(directory);
    EXPECT_EQ(directory.error().message, folder.path("sub") + " is a folder: expected a trace file");
}

// Empty in every wrapping, and a compressed empty file, are errors of the trace, not of the file.
TEST(TraceFile, refuses_an_empty_trace) {
    const TemporaryFolder folder;
    for (const std::string kind : {"a.csv", "a.gz", "a.zst"}) {
        const std::string path = folder.holding("trace", compressed(kind, ""));
        EXPECT_EQ(error_of(path), path + ": the trace is empty: expected at least one request") << kind;
    }
}

// Line numbers count decompressed lines, and the path is the origin.
TEST(TraceFile, names_file_and_line_of_a_bad_row) {
    const TemporaryFolder folder;
    const std::string text = "arrived_at,num_prefill_tokens,num_decode_tokens\n0,1,1\n1,x,1\n";
    const std::string path = folder.holding("t.csv.gz", compressed("a.gz", text));
    EXPECT_EQ(error_of(path), path + ":3: num_prefill_tokens is \"x\": expected a whole number, 1 to 2147483647");
}

}  // namespace
}  // namespace replayd::files
