#include "tests/trust/part.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace replayd::trust {
namespace {

constexpr std::int64_t k_told_max = 20;

[[noreturn]] void wrong_usage(const std::string& name, std::string_view argument) {
    std::fprintf(stderr, "%s: '%.*s': expected [--ci|--quick|--long] [--count N] [--seed N]\n", name.c_str(),
                 static_cast<int>(argument.size()), argument.data());
    std::exit(2);
}

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

Part::Part(std::string name, int argc, const char* const* argv) : name_(std::move(name)) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
        if (argument == "--ci") {
            mode_ = Mode::ci;
        } else if (argument == "--quick") {
            mode_ = Mode::quick;
        } else if (argument == "--long") {
            mode_ = Mode::night;
        } else if (argument == "--count" && (count_ = whole_number<std::int64_t>(value)) && *count_ > 0) {
            ++i;
        } else if (argument == "--seed" && (seed_ = whole_number<std::uint64_t>(value))) {
            ++i;
        } else {
            wrong_usage(name_, argument);
        }
    }
}

std::int64_t Part::count(const Counts& counts) const {
    if (count_) return *count_;
    switch (mode_) {
        case Mode::ci:
            return counts.ci;
        case Mode::quick:
            return counts.quick;
        case Mode::night:
            break;
    }
    return counts.night;
}

void Part::violation(const std::string& what) {
    if (++violations_ <= k_told_max) std::fprintf(stderr, "%s: violation: %s\n", name_.c_str(), what.c_str());
}

int Part::finish(std::int64_t count, const std::string& note) const {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start_;
    std::printf("trust %s %lld %lld %.1f %s\n", name_.c_str(), static_cast<long long>(count),
                static_cast<long long>(violations_), took.count(), note.c_str());
    std::fflush(stdout);
    return violations_ > 0 || count == 0 ? 1 : 0;
}

}  // namespace replayd::trust
