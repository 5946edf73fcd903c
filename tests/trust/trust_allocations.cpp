// Memory runs out: operator new fails at the N-th call. In every reader of bytes from outside, N = 1, 2, … for each
// stored input of the fuzzers: it gives up by exception or error, keeps its promises, leaks nothing, and reads the
// input as ever afterwards. In the real daemon, at a random call of a life in which two clients feed it: it refuses,
// goes on, or ends and is started again; nothing acknowledged is lost, nothing is double, and hashes are those of the
// engine alone.

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <new>
#include <sstream>

#include "tests/fuzz/targets.hpp"
#include "tests/source_paths.hpp"
#include "tests/trust/kill_harness.hpp"

namespace {

std::atomic<std::int64_t> calls{0};
std::atomic<std::int64_t> fails_at{0};  ///< 0: never
std::atomic<std::int64_t> living{0};

}  // namespace

void* operator new(std::size_t size) {
    const std::int64_t call = ++calls;
    if (call == fails_at.load(std::memory_order_relaxed)) throw std::bad_alloc();
    void* memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc();
    ++living;
    return memory;
}

void operator delete(void* memory) noexcept {
    if (memory != nullptr) --living;
    std::free(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept {
    operator delete(memory);
}

namespace replayd::trust {
namespace {

/// What a child process has done, in memory that it shares with its parent.
struct Progress {
    std::atomic<std::int64_t> tries{0};      ///< begun
    std::atomic<std::int64_t> next{1};       ///< the call that fails in the try after the one begun
    std::atomic<std::int64_t> leaked{0};     ///< blocks that are left of all tries
    std::atomic<bool> through{false};
};

struct Subject {
    fuzz::Target target;
    std::string file;
    std::string input;
};

std::vector<Subject> subjects() {
    std::vector<Subject> all;
    for (const fuzz::Target& target : fuzz::k_targets) {
        const auto folder = std::filesystem::path(REPLAYD_SOURCE_DIR) / "tests/fuzz/corpus" / target.name;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            std::ostringstream bytes;
            bytes << std::ifstream(entry.path(), std::ios::binary).rdbuf();
            all.push_back({target, entry.path().filename().string(), bytes.str()});
        }
    }
    return all;
}

/// One reading of the input; the N-th call fails, or none with 0. How many calls it took.
std::int64_t read_once(const Subject& subject, std::int64_t fail_at) {
    const std::int64_t before = calls.load();
    fails_at = fail_at == 0 ? 0 : before + fail_at;
    try {
        subject.target.run(subject.input);
    } catch (const std::bad_alloc&) {
        // Given up, as it should be.
    }
    fails_at = 0;
    return calls.load() - before;
}

/// In a process of its own: fails one call after the other, at most `tries_max` of them, evenly spread.
void try_calls(const Subject& subject, std::int64_t tries_max, Progress& progress) {
    for (int i = 0; i < 2; ++i) (void)read_once(subject, 0);  // what is made once is there
    const std::int64_t total = read_once(subject, 0);
    const std::int64_t stride = std::max<std::int64_t>(1, total / tries_max);
    const std::int64_t before = living.load();
    while (progress.next <= total) {
        const std::int64_t at = progress.next.load();
        progress.next = at + stride;
        ++progress.tries;
        (void)read_once(subject, at);
        (void)read_once(subject, 0);
    }
    progress.leaked = living.load() - before;
    progress.through = true;
}

struct Readers {
    std::int64_t tries = 0;
    std::int64_t inputs = 0;
    std::int64_t ended = 0;  ///< tries in which the process ended
};

/// What the child said, and whether a promise was broken.
std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

void try_subject(Part& part, const Subject& subject, std::int64_t tries_max, const std::string& folder, Readers& done) {
    void* shared = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto* progress = ::new (shared) Progress;
    const std::string what = std::string(subject.target.name) + " of " + subject.file;
    ++done.inputs;
    while (!progress->through) {
        const std::int64_t begun = progress->tries;
        const pid_t child = fork();
        if (child == 0) {
            if (std::freopen((folder + "/said").c_str(), "w", stderr) == nullptr) _exit(2);
            try_calls(subject, tries_max, *progress);
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (progress->through) break;
        ++done.ended;
        const std::string said = text_of(folder + "/said");
        const bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
        if (!aborted || said.find("broken invariant") != std::string::npos) {
            part.violation(what + ", failing call before " + std::to_string(progress->next.load()) + ": status " +
                           std::to_string(status) + ", " + said);
        }
        if (progress->tries == begun) return part.violation(what + " cannot be read at all");
    }
    done.tries += progress->tries;
    if (progress->tries >= 20 && progress->leaked * 4 > progress->tries) {
        part.violation(what + " leaves " + std::to_string(progress->leaked.load()) + " blocks after " +
                       std::to_string(progress->tries.load()) + " tries");
    }
    munmap(shared, sizeof(Progress));
}

/// A life in which a few calls fail, in a row from a random one on: as likely among the first thousand, of the start,
/// as among the last, of the engine.
std::vector<std::string> life(Random& random) {
    const double exponent = 1 + 5 * static_cast<double>(random.below(1'000)) / 1'000;
    const auto at = static_cast<std::int64_t>(std::pow(10, exponent));
    return {"LD_PRELOAD=" REPLAYD_BINARY_DIR "/libtrust_failing_new.so", "REPLAYD_FAIL_NEW_AT=" + std::to_string(at),
            "REPLAYD_FAIL_NEW_TIMES=" + std::to_string(random.below(2) == 0 ? 1 : 1 + random.below(50))};
}

int run(int argc, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    Part part("allocations", argc, argv);
    std::string folder = (std::filesystem::temp_directory_path() / "replayd-allocations-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) return 1;
    Readers readers;
    for (const Subject& subject : subjects()) try_subject(part, subject, part.count({10, 60, 2'000}), folder, readers);
    Death death;
    death.environment = life;
    death.by_itself = true;
    Harness harness(part, folder + "/lives", death);
    const std::int64_t lives = harness.run(part.count({20, 100, 2'000}));
    std::filesystem::remove_all(folder);
    return part.finish(readers.tries + lives,
                       "failing allocations: " + std::to_string(readers.tries) + " in readers of " +
                           std::to_string(readers.inputs) + " inputs (" + std::to_string(readers.ended) +
                           " ended the process), " + std::to_string(lives) + " lives of the daemon (" +
                           std::to_string(harness.ended_by_itself()) + " ended by themselves, " +
                           std::to_string(harness.silent()) + " fell silent), " + std::to_string(harness.acked()) +
                           " acknowledged batches, nothing lost");
}

}  // namespace
}  // namespace replayd::trust

int main(int argc, char** argv) {
    return replayd::trust::run(argc, argv);
}
