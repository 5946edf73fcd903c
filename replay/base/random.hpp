#pragma once
// A small seeded generator whose draws are the same on every platform and library version, unlike
// the distributions of <random>. Source: xoshiro256** by Blackman and Vigna (public domain), seeded
// by splitmix64.

#include <array>
#include <cstdint>

namespace replayd {

class Random {
public:
    explicit Random(std::uint64_t seed);

    /// Next 64 uniformly distributed bits.
    std::uint64_t next();
    /// Uniform integer in [0, bound), without modulo bias. `bound` > 0.
    std::uint64_t below(std::uint64_t bound);
    /// Uniform in [0, 1) with 53 bits.
    double uniform();
    /// Exponential with the given mean (> 0).
    double exponential(double mean);
    /// Standard normal (Marsaglia's polar method).
    double normal();
    /// Gamma of the given shape and scale (> 0). Marsaglia and Tsang, ACM TOMS 26(3), 2000.
    double gamma(double shape, double scale);

private:
    std::array<std::uint64_t, 4> state_;
};

}  // namespace replayd
