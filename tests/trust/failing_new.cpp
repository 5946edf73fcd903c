// Laid over a program with LD_PRELOAD: operator new fails at the N-th call, $REPLAYD_FAIL_NEW_AT, and at the
// $REPLAYD_FAIL_NEW_TIMES - 1 calls after it.

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<long> calls{0};
long first = 0;
long last = 0;

__attribute__((constructor)) void read_environment() {
    const char* at = std::getenv("REPLAYD_FAIL_NEW_AT");
    const char* times = std::getenv("REPLAYD_FAIL_NEW_TIMES");
    if (at == nullptr || times == nullptr) return;
    last = std::atol(at) + std::atol(times) - 1;
    first = std::atol(at);
}

}  // namespace

// The forms for arrays and without exceptions call this one; deletion stays free().
void* operator new(std::size_t size) {
    const long call = first == 0 ? 0 : ++calls;
    if (first != 0 && call >= first && call <= last) throw std::bad_alloc();
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
