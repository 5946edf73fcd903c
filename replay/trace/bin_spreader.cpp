#include "replay/trace/bin_spreader.hpp"

#include <algorithm>
#include <utility>

namespace replayd {

void BinSpreader::push(Arrival&& arrival, std::vector<Arrival>& out) {
    if (!bin_.empty() && arrival.at != bin_.front().at) {
        last_width_ = std::min(width_max_, arrival.at - bin_.front().at);
        release(last_width_, out);
    }
    bin_.push_back(std::move(arrival));
}

void BinSpreader::finish(std::vector<Arrival>& out) { release(last_width_, out); }

void BinSpreader::release(Duration width, std::vector<Arrival>& out) {
    const auto count = static_cast<std::int64_t>(bin_.size());
    for (std::int64_t i = 0; i < count; ++i) {
        Arrival& arrival = bin_[static_cast<std::size_t>(i)];
        // width / count first: width * i could leave int64 for bins of years.
        arrival.at = arrival.at + Duration(width.value / count * i + width.value % count * i / count);
        out.push_back(std::move(arrival));
    }
    bin_.clear();
}

}  // namespace replayd
