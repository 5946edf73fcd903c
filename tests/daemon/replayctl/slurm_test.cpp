// A real Slurm on this machine (munged, slurmctld, slurmd of the test's own, in its folder and on free ports) runs a
// search of 200 candidates as array jobs; its merged file is the one of a single process, row by row.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/daemon/replayctl/replayctl_process.hpp"
#include "tests/daemon/replayctl/search_rows.hpp"
#include "tests/free_port.hpp"

namespace replayd::ctl {
namespace {

bool is_installed(const char* program) {
    return std::system(("command -v " + std::string(program) + " > /dev/null").c_str()) == 0;
}

/// A cluster of one node with four places, until it goes.
class Slurm {
public:
    /// Started and answering, or not.
    bool start() {
        const std::string script = folder_.holding("start.sh", k_start);
        const std::string ports = std::to_string(free_port()) + " " + std::to_string(free_port());
        return std::system(
                   ("sh " + script + " " + folder_.path("slurm") + " " + ports + " > " + log() + " 2>&1").c_str()) == 0;
    }
    ~Slurm() {
        const std::string script = folder_.holding("stop.sh", k_stop);
        [[maybe_unused]] const int stopped = std::system(("sh " + script + " " + folder_.path("slurm")).c_str());
    }
    [[nodiscard]] std::string configuration() const { return folder_.path("slurm/slurm.conf"); }
    [[nodiscard]] std::string log() const { return folder_.path("start.log"); }

private:
    static constexpr const char* k_start = R"sh(set -e
mkdir -p "$1/state" "$1/spool"
chmod 755 "$1" "$1/.."
head -c 1024 /dev/urandom > "$1/munge.key"
chmod 400 "$1/munge.key"
munged --force --socket="$1/munge.sock" --key-file="$1/munge.key" --pid-file="$1/munged.pid" \
  --log-file="$1/munged.log" --seed-file="$1/munge.seed"
cat > "$1/slurm.conf" <<CONF
ClusterName=replayd
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$1/munge.sock
SlurmctldPort=$2
SlurmdPort=$3
SlurmctldPidFile=$1/slurmctld.pid
SlurmdPidFile=$1/slurmd.pid
StateSaveLocation=$1/state
SlurmdSpoolDir=$1/spool
SlurmctldLogFile=$1/slurmctld.log
SlurmdLogFile=$1/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes=$(hostname -s) Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$1/slurm.conf"
slurmctld -c
slurmd
tries=0
until scontrol ping | grep -q UP; do
    tries=$((tries + 1))
    test "$tries" -lt 1000
done
)sh";
    static constexpr const char* k_stop = R"sh(for daemon in slurmd slurmctld munged; do
    test -s "$1/$daemon.pid" || continue
    pid=$(cat "$1/$daemon.pid")
    kill "$pid"
    # Its last act is to remove its files.
    while kill -0 "$pid" 2> /dev/null; do sleep 0.02; done
done
)sh";

    files::TemporaryFolder folder_;
};

TEST(RealSlurm, its_merged_file_is_that_of_a_single_process) {
    for (const char* program : {"munged", "slurmctld", "slurmd", "sbatch"}) {
        if (!is_installed(program)) {
            GTEST_SKIP() << program << " is not installed: ./dev setup installs slurm-wlm and munge";
        }
    }
    Slurm slurm;
    if (!slurm.start()) GTEST_SKIP() << "this machine does not let a Slurm start: " << files::contents(slurm.log());
    const files::TemporaryFolder folder;
    const SearchOf200 search(folder);
    const std::string whole = folder.path("whole.db");
    const Said local = run_replayctl(search.arguments(whole));
    ASSERT_EQ(local.status, 0) << local.err;
    const std::string merged = folder.path("merged.db");
    std::vector<std::string> arguments = search.arguments(merged);
    arguments.insert(arguments.end(), {"--executor", "slurm", "--tasks", "6"});
    const Said on_slurm = run_replayctl(arguments, "SLURM_CONF=" + slurm.configuration());
    ASSERT_EQ(on_slurm.status, 0) << on_slurm.err << files::contents(merged + ".tasks/round-1/task-0.log");
    EXPECT_EQ(on_slurm.out, local.out);
    EXPECT_EQ(search_rows(merged), search_rows(whole));
    EXPECT_TRUE(std::filesystem::exists(merged + ".tasks/round-1/task-5.db"));
}

}  // namespace
}  // namespace replayd::ctl
