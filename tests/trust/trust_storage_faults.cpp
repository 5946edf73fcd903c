// The history on a disk that fails at the N-th operation, for every N, in every way: whatever was acknowledged is there
// afterwards, nothing is there twice, the file opens and is sound, and the next start completes it. As SQLite tests
// itself (https://sqlite.org/testing.html, section 3).

#include <algorithm>
#include <string>
#include <vector>

#include "tests/faults/faulty_disk.hpp"
#include "tests/trust/part.hpp"
#include "tests/trust/storage_life.hpp"

namespace replayd::trust {
namespace {

using faults::DiskImage;
using faults::Fault;
using faults::FaultKind;
using faults::FaultyDisk;
using storage::Durability;

/// How a life goes on after its fault.
enum class After {
    start,  ///< the process ends, the next one starts on what it wrote
    power,  ///< the machine loses power with it
    heal,   ///< the same process tries again
};

struct Case {
    Fault fault;
    After after = After::start;
    Durability durability = Durability::normal;
    std::uint64_t draw = 0;  ///< of the power loss
};

std::string text_of(const Case& c, const std::string& scene) {
    static constexpr const char* after[] = {"then a start", "then power loss", "then going on"};
    return scene + ", " + name_of(c.fault.kind) + (c.fault.for_ever ? " from" : " at") + " operation " +
           std::to_string(c.fault.at) + ", " + after[static_cast<int>(c.after)] +
           (c.durability == Durability::full ? ", durability full" : "") + ", draw " + std::to_string(c.draw);
}

/// Lives through the fault and returns what was broken; `struck` tells whether the fault was met at all.
std::string try_case(FaultyDisk& disk, const DiskImage& image, const Acked& before, const Case& c, bool& struck) {
    disk.kill();
    disk.load(image);
    Acked acked = before;
    disk.set_fault(c.fault);
    const bool healing = c.after == After::heal;
    const std::string error = live({c.durability, healing ? 4 : 0}, acked);
    struck = disk.struck();
    disk.set_fault(std::nullopt);
    if (healing && !error.empty()) return "it did not heal: " + error;
    if (!struck && !error.empty()) return "it failed without a fault: " + error;
    // Without power, what `normal` acknowledged last may be gone; the file must be sound and a prefix.
    Acked promised = acked;
    if (c.after == After::power) {
        Random draw(c.draw);
        disk.lose_power(draw);
        if (c.durability == Durability::normal) promised = before;
    } else {
        disk.kill();
    }
    if (auto wrong = examine(promised, false); !wrong.empty()) return wrong;
    // The next process goes on from what it finds.
    Acked next = promised;
    next.batches = 0;
    next.ended = next.finished = false;
    if (auto failed = live({}, next); !failed.empty()) return "the next start fails: " + failed;
    return examine(next, true);
}

/// Cases for the N-th operation.
std::vector<Case> cases_at(std::int64_t n, std::uint64_t seed) {
    std::vector<Case> cases;
    for (const FaultKind kind : {FaultKind::io_error, FaultKind::full, FaultKind::short_write}) {
        cases.push_back({{kind, n, false}, After::heal});
        cases.push_back({{kind, n, true}, After::start});
    }
    cases.push_back({{FaultKind::io_error, n, true}, After::power, Durability::full, seed});
    for (const Durability durability : {Durability::normal, Durability::full}) {
        cases.push_back({{FaultKind::death, n, false}, After::start, durability});
        cases.push_back({{FaultKind::death, n, false}, After::power, durability, seed});
    }
    return cases;
}

/// A disk on which the process died in the middle: the write-ahead log is full of what it did.
DiskImage half_way(FaultyDisk& disk, Acked& acked) {
    disk.load({});
    disk.set_fault(std::nullopt);
    Acked whole;
    (void)live({}, whole);
    const std::int64_t operations = disk.operations();
    disk.kill();
    disk.load({});
    disk.set_fault(Fault{FaultKind::death, operations * 3 / 4, false});
    (void)live({}, acked);
    disk.set_fault(std::nullopt);
    return disk.image();
}

struct Scene {
    std::string name;
    DiskImage image;
    Acked acked;
};

int run(int argc, char** argv) {
    Part part("storage-faults", argc, argv);
    const std::int64_t wanted = part.count({1'500, 6'000, 60'000});
    FaultyDisk disk;
    std::vector<Scene> scenes(2);
    scenes[0].name = "new file";
    scenes[1].name = "recovery";
    scenes[1].image = half_way(disk, scenes[1].acked);
    std::int64_t tried = 0;
    std::int64_t longest = 0;
    // Round after round over every operation of every scene; power is lost with another draw in each round.
    for (std::uint64_t round = part.seed().value_or(1); tried < wanted; ++round) {
        const std::int64_t stride = part.mode() == Mode::ci ? 3 : 1;
        for (Scene& scene : scenes) {
            bool struck = true;
            for (std::int64_t n = 1 + static_cast<std::int64_t>(round) % stride; struck && tried < wanted;
                 n += stride) {
                struck = false;
                longest = std::max(longest, n);
                for (const Case& c : cases_at(n, round)) {
                    bool met = false;
                    if (auto wrong = try_case(disk, scene.image, scene.acked, c, met); !wrong.empty()) {
                        part.violation(text_of(c, scene.name) + ": " + wrong);
                    }
                    struck = struck || met;
                    tried += met ? 1 : 0;
                }
            }
        }
    }
    return part.finish(tried, "faults injected at each of up to " + std::to_string(longest) + " operations");
}

}  // namespace
}  // namespace replayd::trust

int main(int argc, char** argv) {
    return replayd::trust::run(argc, argv);
}
