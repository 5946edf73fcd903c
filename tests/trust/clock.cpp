// Preloaded into a daemon: every look at the wall clock is somewhere else, up to ten years ahead or behind. Clocks that
// never go back stay as they are.

#include <dlfcn.h>
#include <time.h>

#include <atomic>
#include <cstdint>

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
    using Real = int (*)(clockid_t, timespec*);
    static const auto real = reinterpret_cast<Real>(dlsym(RTLD_NEXT, "clock_gettime"));
    static std::atomic<std::uint64_t> looks{1};
    const int status = real(clock, time);
    if (status != 0 || clock != CLOCK_REALTIME) return status;
    constexpr std::int64_t ten_years_s = 315'360'000;
    // A multiplier of Knuth's spreads the looks evenly.
    const std::uint64_t spread = looks.fetch_add(1) * 6'364'136'223'846'793'005ULL;
    time->tv_sec += static_cast<std::int64_t>((spread >> 32) % (2 * ten_years_s)) - ten_years_s;
    return status;
}
