// The daemon is killed with SIGKILL at random instants while two clients feed a stream each, and started again, over
// and over: what a client was told is durable must be there, nothing twice, and finished runs end in the hash of the
// engine alone. Most kills wait for acks of their own cycle, so that they come while batches are on their way; the rest
// come whenever, also during a start. A writer that loses some of what was acknowledged must be found.

#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "tests/trust/kill_harness.hpp"

namespace replayd::trust {
namespace {

/// A daemon that loses the last batch of what it acknowledged: between two of its lives the batch goes from the file.
/// The client of that stream must notice.
bool canary_is_found(const std::string& folder) {
    std::filesystem::create_directories(folder + "/scenarios");
    std::ofstream(folder + "/scenarios/killed.toml") << killed_scenario();
    DaemonProcess daemon(folder, {"--scenario-dir", folder + "/scenarios", "--engine-threads", "1"});
    Feeder feeder("canary", 1);
    Acks acks;
    if (!daemon.start({})) return false;
    std::string wrong;
    std::thread client([&] { wrong = feeder.feed(daemon.endpoint(), acks); });
    (void)acks.wait(1, 1);
    (void)daemon.end(SIGKILL);
    client.join();
    if (!wrong.empty() || feeder.acked() == 0 || feeder.done()) return false;
    {
        auto connection = storage::Connection::open(daemon.history(), storage::Access::read_write);
        if (!connection || !connection->execute("DELETE FROM arrival_batch WHERE seq >= " +
                                                std::to_string(feeder.acked()))) {
            return false;
        }
    }
    if (!daemon.start({})) return false;
    const std::string noticed = feeder.feed(daemon.endpoint(), acks);
    return noticed.find("messages were acknowledged, ") != std::string::npos;
}

int run(int argc, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    Part part("kill-9", argc, argv);
    std::string folder = (std::filesystem::temp_directory_path() / "replayd-kill-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) return 1;
    Harness harness(part, folder);
    if (!canary_is_found(folder + "/canary")) part.violation("a daemon that loses what it acknowledged is not noticed");
    const std::int64_t kills = harness.run(part.count({300, 1'000, 10'000}));
    if (harness.silent() > 0) {
        part.violation(std::to_string(harness.silent()) + " times no client heard anything for a minute");
    }
    // A kill that meets no work proves little.
    if (harness.after_acks() * 2 < kills) {
        part.violation("fewer than half of the kills came after an ack of their cycle");
    }
    std::filesystem::remove_all(folder);
    return part.finish(kills, "kills under load, " + std::to_string(harness.after_acks()) +
                                  " after acks of their cycle, " + std::to_string(harness.with_unacknowledged()) +
                                  " with batches on their way; " + std::to_string(harness.streams()) + " streams, " +
                                  std::to_string(harness.acked()) +
                                  " acknowledged batches, hashes as of the engine alone; a lossy writer was found");
}

}  // namespace
}  // namespace replayd::trust

int main(int argc, char** argv) {
    return replayd::trust::run(argc, argv);
}
