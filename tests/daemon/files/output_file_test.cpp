#include "daemon/files/output_file.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <vector>

#include "daemon/files/trace_file.hpp"
#include "tests/daemon/files/temporary_file.hpp"

namespace replayd::files {
namespace {

constexpr std::string_view k_header = "arrived_at,num_prefill_tokens,num_decode_tokens\n";

// What was written, in pieces, reads back; the name's end chose the compression.
TEST(OutputFile, compresses_by_the_name_and_reads_back) {
    const TemporaryFolder folder;
    for (const std::string name : {"t.csv", "t.csv.gz", "t.csv.zst"}) {
        const std::string path = folder.path(name);
        auto file = OutputFile::open(path).value();
        ASSERT_TRUE(file.write(k_header));
        for (int i = 0; i < 50'000; ++i) ASSERT_TRUE(file.write(std::to_string(i) + ",100,10\n"));
        ASSERT_TRUE(file.close());
        const auto read = read_trace(path, TraceOptions{});
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->size(), 50'000U) << name;
        EXPECT_EQ(read->back().at, VirtualTime(49'999 * k_ns_per_s)) << name;
    }
    EXPECT_TRUE(contents(folder.path("t.csv")).starts_with(k_header));
    EXPECT_TRUE(contents(folder.path("t.csv.gz")).starts_with("\x1f\x8b"));
    EXPECT_TRUE(contents(folder.path("t.csv.zst")).starts_with("\x28\xb5\x2f\xfd"));
    EXPECT_LT(contents(folder.path("t.csv.gz")).size(), contents(folder.path("t.csv")).size() / 2);
    EXPECT_LT(contents(folder.path("t.csv.zst")).size(), contents(folder.path("t.csv")).size() / 2);
}

// A file written before is replaced, not mixed with the new one.
TEST(OutputFile, empties_an_existing_file) {
    const TemporaryFolder folder;
    const std::string path = folder.holding("t.csv", "something much longer than the new contents");
    auto file = OutputFile::open(path).value();
    ASSERT_TRUE(file.write("short"));
    ASSERT_TRUE(file.close());
    EXPECT_EQ(contents(path), "short");
}

// The message holds the path and the system's reason.
// What a program reads is never emptied, whichever way its path is written.
TEST(OutputFile, refuses_a_file_that_is_read) {
    const TemporaryFolder folder;
    const std::vector<std::string> inputs = {"", "-", folder.path("none"), folder.holding("in", "kept")};
    std::filesystem::create_symlink("in", folder.path("link"));
    for (const std::string name : {"in", "./in", "link"}) {
        const auto file = OutputFile::open(folder.path(name), inputs);
        ASSERT_FALSE(file) << name;
        EXPECT_EQ(file.error().code, Code::invalid_argument);
        EXPECT_EQ(file.error().message, folder.path(name) +
                                            " is also read, and would be emptied: expected another file for what is "
                                            "written");
        EXPECT_EQ(contents(folder.path("in")), "kept");
    }
    EXPECT_FALSE(OutputFile::check(folder.path("none"), inputs)) << "a history that is not there yet";
    EXPECT_TRUE(OutputFile::open(folder.path("out"), inputs));
}

TEST(OutputFile, names_a_folder_and_an_empty_path) {
    const TemporaryFolder folder;
    const auto in_place = OutputFile::open(folder.path(""));
    ASSERT_FALSE(in_place);
    EXPECT_EQ(in_place.error().message, folder.path("") + " is a folder: expected a file");
    EXPECT_EQ(in_place.error().code, Code::invalid_argument);
    const auto nowhere = OutputFile::open("");
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().message, "the path is empty: expected that of a file");
}

TEST(OutputFile, names_what_cannot_be_created) {
    const TemporaryFolder folder;
    const std::string path = folder.path("no/such/folder.csv");
    const auto file = OutputFile::open(path);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, Code::not_found);
    EXPECT_EQ(file.error().message, path + ": cannot create: No such file or directory");
}

// A full disk shows up at the latest when the file is closed, never as success.
TEST(OutputFile, reports_a_full_disk) {
    if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full on this system";
    auto file = OutputFile::open("/dev/full").value();
    ASSERT_TRUE(file.write("held back until the end"));
    const auto closed = file.close();
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().code, Code::io);
    EXPECT_EQ(closed.error().message, "/dev/full: cannot write: No space left on device");
}

}  // namespace
}  // namespace replayd::files
