#pragma once
// A part of `./dev trust`: a program that tries something many times, counts violations of a promise, and ends with one
// line of the table. README.md says how parts are listed and run.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace replayd::trust {

/// How much is tried: in CI, before a release, at night.
enum class Mode { ci, quick, night };

/// How often something is tried in each mode.
struct Counts {
    std::int64_t ci = 0;
    std::int64_t quick = 0;
    std::int64_t night = 0;
};

class Part {
public:
    /// Reads `[--ci|--quick|--long] [--count N] [--seed N]`; anything else ends the program with status 2. `name`: the
    /// row.
    Part(std::string name, int argc, const char* const* argv);

    [[nodiscard]] Mode mode() const { return mode_; }
    /// That of the mode, or of --count.
    [[nodiscard]] std::int64_t count(const Counts& counts) const;
    /// Of --seed: then only this one is tried, as a failure before it said.
    [[nodiscard]] std::optional<std::uint64_t> seed() const { return seed_; }

    /// A promise was broken: told on standard error, the first twenty of them.
    void violation(const std::string& what);
    [[nodiscard]] std::int64_t violations() const { return violations_; }

    /// Prints `trust NAME COUNT VIOLATIONS SECONDS NOTE`. The exit status: 1 with violations, or when nothing was
    /// tried.
    [[nodiscard]] int finish(std::int64_t count, const std::string& note) const;

private:
    const std::string name_;
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    Mode mode_ = Mode::quick;
    std::optional<std::int64_t> count_;
    std::optional<std::uint64_t> seed_;
    std::int64_t violations_ = 0;
};

}  // namespace replayd::trust
