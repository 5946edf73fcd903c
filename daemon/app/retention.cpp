#include "daemon/app/retention.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "daemon/config/log.hpp"
#include "daemon/stream/clock.hpp"

namespace replayd::app {
namespace {

using config::log;
using config::LogLevel;

constexpr std::int64_t k_day_ms = 24LL * 3600 * 1000;
constexpr std::chrono::minutes k_look_every{1};
/// Between two steps of some 5 ms: the writer has most of the time.
constexpr std::chrono::milliseconds k_pause{20};

bool fits(const std::string& pattern, std::string_view name) {
    if (!pattern.ends_with('*')) return name == pattern;
    return name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
}

/// Days that a stream of this name stays; nothing: for ever.
std::optional<std::int64_t> days_of(const config::Retention& rules, const std::string& name) {
    const auto rule = std::find_if(rules.streams.begin(), rules.streams.end(),
                                   [&name](const config::StreamRetention& one) { return fits(one.name, name); });
    if (rule != rules.streams.end()) return rule->keep_days;
    return rules.keep_days > 0 ? std::optional(rules.keep_days) : std::nullopt;
}

bool keeps_all(const config::Retention& rules) {
    return rules.keep_days == 0 && rules.keep_bytes == 0 && rules.streams.empty();
}

}  // namespace

Retention::Retention(std::string history_path, config::Retention rules, Farewell farewell)
    : history_path_(std::move(history_path)), farewell_(std::move(farewell)), rules_(std::move(rules)) {}

Retention::~Retention() {
    stop();
}

void Retention::start() {
    thread_ = std::thread([this] { work(); });
}

void Retention::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Retention::set(config::Retention rules) {
    {
        const std::lock_guard lock(mutex_);
        rules_ = std::move(rules);
        changed_ = true;
    }
    wake_.notify_all();
}

config::Retention Retention::rules() const {
    const std::lock_guard lock(mutex_);
    return rules_;
}

/// Waits for the time, new rules or the end; false at the end.
bool Retention::wait(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, time, [this] { return stopping_ || changed_; });
    changed_ = false;
    return !stopping_;
}

void Retention::work() {
    std::string told;
    for (bool more = true; wait(more ? k_pause : k_look_every);) {
        const auto turned = turn(stream::wall_ms());
        more = turned.value_or(false);
        std::string trouble = turned ? std::string() : turned.error().message;
        if (!trouble.empty() && trouble != told) log(LogLevel::warn, "retention_failed", {{"error", trouble}});
        told = std::move(trouble);
    }
}

Result<bool> Retention::turn(std::int64_t now_ms) {
    const config::Retention rules = this->rules();
    if (!going_ && keeps_all(rules)) return false;
    if (!pruner_) {
        auto opened = storage::Pruner::open(history_path_);
        if (!opened) return tl::unexpected(opened.error());
        pruner_ = std::move(*opened);
    }
    if (!going_) return choose(rules, now_ms);
    const auto rows = pruner_->step(going_->id);
    if (!rows) return tl::unexpected(rows.error());
    going_rows_ += *rows;
    rows_ += *rows;
    if (*rows > 0) return true;
    return leave().map([] { return true; });
}

/// Takes on the oldest stream that has to go; false when there is none.
Result<bool> Retention::choose(const config::Retention& rules, std::int64_t now_ms) {
    const auto over = pruner_->streams_over();
    if (!over) return tl::unexpected(over.error());
    const auto bytes = pruner_->used_bytes();
    if (!bytes) return tl::unexpected(bytes.error());
    const bool too_big = rules.keep_bytes > 0 && *bytes > rules.keep_bytes;
    for (const storage::StreamOver& stream : *over) {
        const auto days = days_of(rules, stream.name);
        const bool too_old = days && stream.created_ms + *days * k_day_ms <= now_ms;
        if (!too_old && !too_big && !stream.begun) continue;
        if (!farewell_.retire(stream.name)) continue;
        going_ = stream;
        return true;
    }
    return false;
}

Result<void> Retention::leave() {
    ++streams_;
    log(LogLevel::info, "stream_removed", {{"stream", going_->name}, {"rows", std::exchange(going_rows_, 0)}});
    farewell_.gone(*going_);
    going_.reset();
    return pruner_->sweep();
}

}  // namespace replayd::app
