#include "daemon/metrics/process.hpp"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace replayd::metrics {
namespace {

double seconds_of(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Fields of /proc/self/stat from the third on; the second, the name, may hold blanks and ends with ')'.
std::vector<std::string> stat_fields() {
    std::ifstream file("/proc/self/stat");
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) return {};
    std::istringstream rest(text.substr(name_end + 1));
    return {std::istream_iterator<std::string>(rest), std::istream_iterator<std::string>()};
}

double open_fds() {
    std::error_code error;
    std::filesystem::directory_iterator entries("/proc/self/fd", error);
    return error ? 0 : static_cast<double>(std::distance(begin(entries), end(entries)));
}

}  // namespace

Result<ProcessFacts> read_process_facts() {
    // proc(5): state is field 3; utime 14, stime 15, starttime 22, vsize 23, rss 24.
    const std::vector<std::string> fields = stat_fields();
    if (fields.size() < 22) return fail(Code::io, "/proc/self/stat cannot be read: expected a mounted /proc");
    const auto field = [&fields](std::size_t number) { return std::stod(fields[number - 3]); };
    const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    ProcessFacts facts;
    facts.cpu_seconds = (field(14) + field(15)) / ticks;
    facts.virtual_bytes = field(23);
    facts.resident_bytes = field(24) * static_cast<double>(sysconf(_SC_PAGESIZE));
    facts.open_fds = open_fds();
    // starttime counts from boot; /proc/stat, which has the boot time, may be hidden.
    facts.start_time_seconds = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME) + field(22) / ticks;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.max_fds = static_cast<double>(limit.rlim_cur);
    return facts;
}

}  // namespace replayd::metrics
