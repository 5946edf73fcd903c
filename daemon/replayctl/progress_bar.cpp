#include "daemon/replayctl/progress_bar.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "daemon/replayctl/human_text.hpp"

namespace replayd::ctl {
namespace {

constexpr int k_bar_characters = 30;
constexpr std::chrono::milliseconds k_redraw{100};
constexpr double k_ratio_for_estimate = 0.005;  // before that the estimate only jumps about

std::string bar(double ratio) {
    const int full = static_cast<int>(ratio * k_bar_characters);
    std::string text;
    for (int i = 0; i < k_bar_characters; ++i) text += i < full ? "█" : "░";
    return text;
}

}  // namespace

std::string progress_line(const Progress& progress, std::chrono::nanoseconds elapsed) {
    const double seconds = static_cast<double>(elapsed.count()) * 1e-9;
    const double ratio = std::clamp(progress.ratio, 0.0, 1.0);
    std::string line;
    if (progress.known) line = bar(ratio) + ' ' + decimal_text(ratio * 100, 1) + " %  ";
    line += count_text(progress.items) + ' ' + progress.unit;
    if (seconds > 0) {
        line += "  " + count_text(static_cast<std::int64_t>(static_cast<double>(progress.items) / seconds)) + "/s";
    }
    if (progress.known && ratio > k_ratio_for_estimate && ratio < 1) {
        line += "  " + time_text(static_cast<std::int64_t>(seconds * (1 - ratio) / ratio * 1e9)) + " left";
    }
    if (!progress.detail.empty()) line += "  " + progress.detail;
    return line;
}

ProgressBar::ProgressBar() : enabled_(::isatty(STDERR_FILENO) == 1), start_(Clock::now()) {}

ProgressBar::~ProgressBar() { wipe(); }

void ProgressBar::update(const Progress& progress) {
    if (!enabled_) return;
    const auto now = Clock::now();
    if (drawn_ && now - *drawn_ < k_redraw) return;
    drawn_ = now;
    std::fprintf(stderr, "\r\x1b[K%s", progress_line(progress, now - start_).c_str());
}

void ProgressBar::wipe() {
    if (!enabled_ || !drawn_) return;
    drawn_.reset();
    std::fputs("\r\x1b[K", stderr);
}

}  // namespace replayd::ctl
