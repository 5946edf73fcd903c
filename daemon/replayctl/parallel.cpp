#include "daemon/replayctl/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace replayd::ctl {

void for_each_in_parallel(std::size_t count, const std::function<void(std::size_t)>& work, std::size_t threads) {
    std::atomic<std::size_t> next{0};
    const auto take_all = [&] {
        for (std::size_t i = next++; i < count; i = next++) work(i);
    };
    if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(count, threads); ++i) helpers.emplace_back(take_all);
    take_all();
}

}  // namespace replayd::ctl
