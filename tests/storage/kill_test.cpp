// A child process appends and adds rows and is killed at a random moment; the parent opens the file and checks that
// everything acknowledged is there, in whole batches, and that the file is sound. Cycle after cycle on one file.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "replay/base/random.hpp"
#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

constexpr int k_cycles = 30;
constexpr std::int64_t k_rows_per_add = 50;

/// Told by the child after a commit: the highest batch that is durable.
using Ack = std::uint64_t;

/// The child: goes on from batch `next` until it is killed. Each batch is one append and 50 rows of the run.
[[noreturn]] void write_until_killed(const std::string& path, Ack next, int acks) {
    auto history = open_history(path);
    for (Ack seq = next;; ++seq) {
        const auto first = static_cast<std::int64_t>(seq - 1) * k_rows_per_add;
        history->append_batch(1, sample_batch(seq, k_rows_per_add), [acks, seq](Result<void> done) {
            if (!done || write(acks, &seq, sizeof(seq)) != sizeof(seq)) _exit(1);
        });
        history->add_requests(1, sample_requests(first, first + k_rows_per_add));
    }
}

/// Starts the child, kills it once it has acked `acks_wanted` batches, and returns the highest ack seen.
Ack run_and_kill(const std::string& path, Ack next, std::uint64_t acks_wanted, unsigned delay_us) {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        write_until_killed(path, next, ends[1]);
    }
    close(ends[1]);
    Ack last = next - 1;
    Ack ack = 0;
    while (last < next - 1 + acks_wanted && read(ends[0], &ack, sizeof(ack)) == sizeof(ack)) last = ack;
    // Between 0 and 3 ms later, so that the kill meets appends, inserts, commits and checkpoints.
    usleep(delay_us);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with status " << status;
    while (read(ends[0], &ack, sizeof(ack)) == sizeof(ack)) last = ack;
    close(ends[0]);
    return last;
}

std::int64_t integer(Reader& reader, const std::string& sql) {
    return std::get<std::int64_t>(must(reader.query(sql)).rows.at(0).at(0));
}

TEST(Kill, nothing_acked_is_missing_and_nothing_is_half) {
    const TempDir dir;
    sample_run(*open_history(dir.file()));
    const std::uint64_t seed = 20'240'607;
    Random random(seed);
    Ack acked = 0;
    Ack stored = 0;
    for (int cycle = 0; cycle < k_cycles; ++cycle) {
        SCOPED_TRACE("seed " + std::to_string(seed) + ", cycle " + std::to_string(cycle));
        acked = run_and_kill(dir.file(), stored + 1, 1 + random.below(60), static_cast<unsigned>(random.below(3'000)));
        const auto history = open_history(dir.file());
        const auto batches = must(history->batches(1, 1, ~std::size_t{0}));
        stored = batches.size();
        ASSERT_GE(stored, acked);
        for (Ack seq = 1; seq <= stored; ++seq) {
            ASSERT_EQ(batches[seq - 1].seq, seq);
            ASSERT_EQ(batches[seq - 1].payload, sample_batch(seq).payload);
        }
        auto check = must(Connection::open(dir.file(), Access::read_only));
        auto verdict = must(check.prepare("PRAGMA integrity_check"));
        ASSERT_TRUE(must(verdict.step()));
        ASSERT_EQ(verdict.text(0), "ok");
        // Rows are not acknowledged, but those that are there are whole and distinct, and recovery adds the rest.
        const auto reader = must(Reader::open(dir.file()));
        ASSERT_EQ(
            integer(*reader, "SELECT count(*) FROM request_latency WHERE outcome = 'finished' AND ttft_ns IS NULL"), 0);
        ASSERT_EQ(integer(*reader, "SELECT sum(arrivals) - max(arrivals_total) FROM arrival_batch"), 0);
    }
    // The rebuilt run: every row of every stored batch again, most of them for the second time.
    const auto rows = static_cast<std::int64_t>(stored) * k_rows_per_add;
    {
        const auto history = open_history(dir.file());
        history->add_requests(1, sample_requests(0, rows));
        must(history->flush());
    }
    const auto reader = must(Reader::open(dir.file()));
    EXPECT_EQ(integer(*reader, "SELECT count(*) FROM request WHERE sequence < " + std::to_string(rows)), rows);
    RecordProperty("batches", static_cast<int>(stored));
}

}  // namespace
}  // namespace replayd::storage
