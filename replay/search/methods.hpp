#pragma once
// Which trials a search runs. A method looks at everything that was found so far and names the trials of the next
// round; it keeps no state of its own, so a search that was interrupted goes on from its recorded outcomes, and the
// result does not depend on how many trials run at once.

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "replay/search/objective.hpp"
#include "replay/search/space.hpp"

namespace replayd::search {

/// One replay: a candidate, on the first `arrivals` of the trace, arriving `load_permille` / 1000 times as fast.
struct Trial {
    std::int64_t candidate = 0;
    std::int64_t arrivals = 0;
    std::int64_t load_permille = 1000;

    auto operator<=>(const Trial&) const = default;
};

using Outcomes = std::map<Trial, Measured>;

enum class MethodKind {
    grid,       ///< every candidate on the whole trace
    bisection,  ///< along the rising axis, for each choice of the other axes, the first candidate that holds
    halving,    ///< a Latin hypercube on a prefix of the trace; the better part goes on to a longer prefix, to the
                ///< whole trace
    cheapest,   ///< from the cheapest price upwards, until one holds and the others cost more: they are no answer
    capacity,   ///< for every candidate the highest load that holds
};

struct MethodSpec {
    MethodKind kind = MethodKind::grid;
    std::int64_t points = 64;        ///< halving: candidates of the first rung
    std::int64_t keep_one_of = 3;    ///< halving: the best of so many go on, and prefixes grow as much; 2 or more
    std::uint64_t seed = 0;          ///< halving
    /// A trial ends when its objective can no longer hold (MissCounter). Not for halving, which ranks those that miss.
    bool stop_early = false;
    std::int64_t load_min_permille = 100;     ///< capacity
    std::int64_t load_max_permille = 10'000;  ///< capacity
    std::int64_t load_step_permille = 10;     ///< capacity: the answer is the last of its multiples (from the minimum)
                                              ///< that holds
};

class Method {
public:
    virtual ~Method() = default;
    /// Trials to run now, ascending, none of which is in `outcomes`; none when the search has ended.
    [[nodiscard]] virtual std::vector<Trial> next(const Outcomes& outcomes) const = 0;
    /// Trials that count as results, ascending; the others only led there. After the end.
    [[nodiscard]] virtual std::vector<Trial> results(const Outcomes& outcomes) const = 0;
};

/// `space` must outlive the method; a bisection needs exactly one rising axis. `arrivals`: of the whole trace, 1 or
/// more. `prices`: the least per hour that each candidate can cost, needed by `cheapest` only.
[[nodiscard]] std::unique_ptr<Method> make_method(const MethodSpec& spec, const Space& space,
                                                  const Objective& objective, std::int64_t arrivals,
                                                  std::vector<double> prices = {});

/// The best of `trials`: of those that hold the objective the cheapest, otherwise the one that misses it least; among
/// equals the one with fewer GPUs, the smaller excess, the lower number. Ascending from the best.
[[nodiscard]] std::vector<Trial> ranked(std::vector<Trial> trials, const Outcomes& outcomes,
                                        const Objective& objective);

}  // namespace replayd::search
