#include "daemon/replayctl/trace_source.hpp"

#include <algorithm>
#include <iterator>

#include "daemon/replayctl/human_text.hpp"

namespace replayd::ctl {

Result<TraceSource> TraceSource::open(const TraceInput& input) {
    if (auto fine = check_shaping(input.shaping); !fine) return tl::unexpected(fine.error());
    auto file = input.follow ? Result<files::TraceFile>(files::TraceFile::follow(*input.follow, input.options))
                             : files::TraceFile::open(input.path, input.options);
    if (!file) return tl::unexpected(file.error());
    return TraceSource(std::move(*file), input);
}

Result<std::vector<Arrival>> TraceSource::take(std::size_t count) {
    if (limit_) count = std::min(count, static_cast<std::size_t>(*limit_ - taken_));
    std::vector<Arrival> out;
    while (out.size() < count) {
        if (next_ == held_.size()) {
            held_.clear();
            next_ = 0;
            const auto more = file_.next(held_);
            if (!more) return tl::unexpected(more.error());
            if (!*more) break;
            if (shaping_.changes_anything()) {
                if (auto shaped = shaper_.shape(held_); !shaped) return tl::unexpected(shaped.error());
            }
            continue;  // nothing of this piece may be left
        }
        const std::size_t moved = std::min(count - out.size(), held_.size() - next_);
        const auto first = held_.begin() + static_cast<std::ptrdiff_t>(next_);
        std::move(first, first + static_cast<std::ptrdiff_t>(moved), std::back_inserter(out));
        next_ += moved;
    }
    taken_ += static_cast<std::int64_t>(out.size());
    for (const Arrival& arrival : out) ids_.look_at(arrival.id);
    return out;
}

Progress TraceSource::progress() const {
    Progress progress;
    progress.items = taken_;
    progress.unit = "arrivals";
    if (limit_) {
        progress.ratio = static_cast<double>(taken_) / static_cast<double>(*limit_);
    } else if (const auto total = file_.bytes_total(); total && *total > 0) {
        // What was read and is still held counts as not done.
        const double read = static_cast<double>(file_.bytes_read()) / static_cast<double>(*total);
        const double held = static_cast<double>(held_.size() - next_);
        progress.ratio = read * static_cast<double>(taken_) / (static_cast<double>(taken_) + held);
    } else {
        progress.known = false;
    }
    return progress;
}

std::vector<std::string> TraceSource::remarks() const {
    std::vector<std::string> remarks;
    const TraceStats stats = file_.stats();
    if (stats.failed_rows_skipped > 0) {
        remarks.push_back(count_text(stats.failed_rows_skipped) + " of " + count_text(stats.rows) +
                          " rows are failed requests without output tokens and were left out");
    }
    if (!stats.ignored_fields.empty()) {
        std::string names;
        for (const std::string& name : stats.ignored_fields) names += (names.empty() ? "" : ", ") + name;
        remarks.push_back("fields without a meaning for a replay were passed over: " + names);
    }
    if (shaper_.left_out() > 0) {
        remarks.push_back(count_text(shaper_.left_out()) + " requests belong to conversations that are not sampled");
    }
    if (shaper_.pauses_cut() > 0) {
        remarks.push_back(count_text(shaper_.pauses_cut()) + " pauses were cut by " + time_text(shaper_.cut().value) +
                          " in all");
    }
    if (shaper_.unobserved() > 0) {
        remarks.push_back("what production observed of " + count_text(shaper_.unobserved()) +
                          " requests was left out: it is of other lengths than --prompt-scale and --output-scale make");
    }
    if (auto repeated = ids_.remark()) remarks.push_back(std::move(*repeated));
    return remarks;
}

}  // namespace replayd::ctl
