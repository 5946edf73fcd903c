#include "replay/search/methods.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "replay/base/assert.hpp"

namespace replayd::search {
namespace {

/// What both sides of a search for the border between missing and holding know: `low` misses (or lies before the
/// first), `high` holds (or lies behind the last).
struct Border {
    std::int64_t low = -1;
    std::int64_t high = 0;

    [[nodiscard]] std::optional<std::int64_t> middle() const {
        if (high - low <= 1) return std::nullopt;
        return low + (high - low) / 2;
    }
};

/// Halves [−1, count] by what is known of `trial_at(place)`; `holds_at` says on which side of the border it lies.
template <class TrialAt, class HoldsAt>
Border narrowed(std::int64_t count, const Outcomes& outcomes, const TrialAt& trial_at, const HoldsAt& holds_at) {
    Border border{-1, count};
    while (const auto place = border.middle()) {
        const auto known = outcomes.find(trial_at(*place));
        if (known == outcomes.end()) break;
        (holds_at(known->second) ? border.high : border.low) = *place;
    }
    return border;
}

std::vector<Trial> known_ones(const Outcomes& outcomes) {
    std::vector<Trial> out;
    for (const auto& [trial, measured] : outcomes) out.push_back(trial);
    return out;
}

class Grid final : public Method {
public:
    Grid(const Space& space, std::int64_t arrivals) : size_(space.size()), arrivals_(arrivals) {}

    std::vector<Trial> next(const Outcomes& outcomes) const override {
        std::vector<Trial> out;
        for (std::int64_t i = 0; i < size_; ++i) {
            const Trial trial{i, arrivals_};
            if (outcomes.find(trial) == outcomes.end()) out.push_back(trial);
        }
        return out;
    }
    std::vector<Trial> results(const Outcomes& outcomes) const override { return known_ones(outcomes); }

private:
    std::int64_t size_;
    std::int64_t arrivals_;
};

class Bisection final : public Method {
public:
    Bisection(const Space& space, const Objective& objective, std::int64_t arrivals)
        : space_(space), objective_(objective), arrivals_(arrivals) {
        const auto rising = [](const Axis& axis) { return axis.rising; };
        const auto found = std::find_if(space.axes().begin(), space.axes().end(), rising);
        REPLAYD_ASSERT(found != space.axes().end());
        axis_ = static_cast<std::size_t>(found - space.axes().begin());
        count_ = static_cast<std::int64_t>(found->alternatives.size());
    }

    std::vector<Trial> next(const Outcomes& outcomes) const override {
        std::vector<Trial> out;
        for (std::int64_t i = 0; i < space_.size(); ++i) {
            if (space_.places(i)[axis_] != 0) continue;
            if (const auto place = border(i, outcomes).middle()) out.push_back(at(i, *place));
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    std::vector<Trial> results(const Outcomes& outcomes) const override { return known_ones(outcomes); }

private:
    /// The candidate at `place` of the rising axis, elsewhere as `line`.
    [[nodiscard]] Trial at(std::int64_t line, std::int64_t place) const {
        std::vector<std::int64_t> places = space_.places(line);
        places[axis_] = place;
        return {space_.candidate(places), arrivals_};
    }
    [[nodiscard]] Border border(std::int64_t line, const Outcomes& outcomes) const {
        return narrowed(
            count_, outcomes, [&](std::int64_t place) { return at(line, place); },
            // Beyond the limit of GPUs lies nothing that could be taken: the border is looked for below.
            [&](const Measured& measured) { return measured.too_many_gpus || holds(measured, objective_); });
    }

    const Space& space_;
    Objective objective_;
    std::int64_t arrivals_;
    std::size_t axis_ = 0;
    std::int64_t count_ = 0;
};

/// Candidates of one least price are a round; what costs more in any case than the best is no answer.
class Cheapest final : public Method {
public:
    Cheapest(const Objective& objective, std::int64_t arrivals, std::vector<double> prices)
        : objective_(objective), arrivals_(arrivals), prices_(std::move(prices)), order_(prices_.size()) {
        std::iota(order_.begin(), order_.end(), 0);
        std::stable_sort(order_.begin(), order_.end(),
                         [&](std::int64_t a, std::int64_t b) { return price(a) < price(b); });
    }

    std::vector<Trial> next(const Outcomes& outcomes) const override {
        double best = std::numeric_limits<double>::infinity();
        for (std::size_t first = 0; first < order_.size() && price(order_[first]) < best;) {
            std::vector<Trial> unknown;
            std::size_t last = first;
            for (; last < order_.size() && price(order_[last]) == price(order_[first]); ++last) {
                const Trial trial{order_[last], arrivals_};
                const auto known = outcomes.find(trial);
                if (known == outcomes.end()) unknown.push_back(trial);
                else if (holds(known->second, objective_)) best = std::min(best, known->second.price_per_hour);
            }
            if (!unknown.empty()) return unknown;
            first = last;
        }
        return {};
    }
    std::vector<Trial> results(const Outcomes& outcomes) const override { return known_ones(outcomes); }

private:
    [[nodiscard]] double price(std::int64_t candidate) const { return prices_[static_cast<std::size_t>(candidate)]; }

    Objective objective_;
    std::int64_t arrivals_;
    std::vector<double> prices_;
    std::vector<std::int64_t> order_;  ///< by price, then by number
};

class Halving final : public Method {
public:
    Halving(const MethodSpec& spec, const Space& space, const Objective& objective, std::int64_t arrivals)
        : keep_one_of_(spec.keep_one_of), objective_(objective), arrivals_(arrivals),
          first_(latin_hypercube(space, spec.points, spec.seed)) {}

    std::vector<Trial> next(const Outcomes& outcomes) const override {
        std::vector<std::int64_t> candidates = first_;
        for (std::int64_t rung = rungs();; --rung) {
            std::vector<Trial> trials = of_rung(candidates, rung);
            std::vector<Trial> unknown;
            for (const Trial& trial : trials) {
                if (outcomes.find(trial) == outcomes.end()) unknown.push_back(trial);
            }
            if (!unknown.empty() || rung == 0) return unknown;
            candidates = survivors(std::move(trials), outcomes);
        }
    }
    std::vector<Trial> results(const Outcomes& outcomes) const override {
        std::vector<Trial> out;
        for (const auto& [trial, measured] : outcomes) {
            if (trial.arrivals == arrivals_ || !measured.possible) out.push_back(trial);
        }
        return out;
    }

private:
    /// Rungs before the whole trace: as often as the candidates can be thinned out.
    [[nodiscard]] std::int64_t rungs() const {
        std::int64_t rungs = 0;
        for (std::size_t left = first_.size(); left > 1; left = kept(left)) ++rungs;
        return rungs;
    }
    [[nodiscard]] std::size_t kept(std::size_t count) const {
        const auto divisor = static_cast<std::size_t>(keep_one_of_);
        return (count + divisor - 1) / divisor;
    }
    [[nodiscard]] std::vector<Trial> of_rung(const std::vector<std::int64_t>& candidates, std::int64_t rung) const {
        std::int64_t prefix = arrivals_;
        for (std::int64_t i = 0; i < rung; ++i) prefix = std::max<std::int64_t>(1, prefix / keep_one_of_);
        std::vector<Trial> out;
        for (const std::int64_t candidate : candidates) out.push_back({candidate, prefix});
        return out;
    }
    [[nodiscard]] std::vector<std::int64_t> survivors(std::vector<Trial> trials, const Outcomes& outcomes) const {
        const std::size_t keep = kept(trials.size());
        std::vector<std::int64_t> out;
        for (const Trial& trial : ranked(std::move(trials), outcomes, objective_)) {
            if (out.size() < keep && outcomes.at(trial).possible) out.push_back(trial.candidate);
        }
        std::sort(out.begin(), out.end());
        return out;
    }

    std::int64_t keep_one_of_;
    Objective objective_;
    std::int64_t arrivals_;
    std::vector<std::int64_t> first_;
};

class Capacity final : public Method {
public:
    Capacity(const MethodSpec& spec, const Space& space, const Objective& objective, std::int64_t arrivals)
        : spec_(spec), size_(space.size()), objective_(objective), arrivals_(arrivals),
          steps_((spec.load_max_permille - spec.load_min_permille) / spec.load_step_permille + 1) {}

    std::vector<Trial> next(const Outcomes& outcomes) const override {
        std::vector<Trial> out;
        for (std::int64_t i = 0; i < size_; ++i) {
            if (const auto place = border(i, outcomes).middle()) out.push_back(at(i, *place));
        }
        return out;
    }
    /// The highest load that holds, or the lowest where none does.
    std::vector<Trial> results(const Outcomes& outcomes) const override {
        std::vector<Trial> out;
        for (std::int64_t i = 0; i < size_; ++i) {
            const Trial trial = at(i, std::max<std::int64_t>(0, border(i, outcomes).high - 1));
            if (outcomes.find(trial) != outcomes.end()) out.push_back(trial);
        }
        return out;
    }

private:
    [[nodiscard]] Trial at(std::int64_t candidate, std::int64_t place) const {
        return {candidate, arrivals_, spec_.load_min_permille + place * spec_.load_step_permille};
    }
    /// Here the lower loads hold: `high` is the first that misses.
    [[nodiscard]] Border border(std::int64_t candidate, const Outcomes& outcomes) const {
        return narrowed(
            steps_, outcomes, [&](std::int64_t place) { return at(candidate, place); },
            [&](const Measured& measured) { return !holds(measured, objective_); });
    }

    MethodSpec spec_;
    std::int64_t size_;
    Objective objective_;
    std::int64_t arrivals_;
    std::int64_t steps_;
};

}  // namespace

std::unique_ptr<Method> make_method(const MethodSpec& spec, const Space& space, const Objective& objective,
                                    std::int64_t arrivals, std::vector<double> prices) {
    REPLAYD_ASSERT(arrivals > 0);
    switch (spec.kind) {
        case MethodKind::grid: return std::make_unique<Grid>(space, arrivals);
        case MethodKind::bisection: return std::make_unique<Bisection>(space, objective, arrivals);
        case MethodKind::halving: return std::make_unique<Halving>(spec, space, objective, arrivals);
        case MethodKind::cheapest:
            REPLAYD_ASSERT(static_cast<std::int64_t>(prices.size()) == space.size());
            return std::make_unique<Cheapest>(objective, arrivals, std::move(prices));
        case MethodKind::capacity: break;
    }
    return std::make_unique<Capacity>(spec, space, objective, arrivals);
}

std::vector<Trial> ranked(std::vector<Trial> trials, const Outcomes& outcomes, const Objective& objective) {
    const auto key = [&](const Trial& trial) {
        const Measured& measured = outcomes.at(trial);
        const double missed = excess(measured, objective);
        // What holds goes by its price first, what misses by how far.
        return std::tuple(missed > 1 ? missed : 0, measured.price_per_hour, measured.gpus, missed, trial);
    };
    std::sort(trials.begin(), trials.end(), [&](const Trial& a, const Trial& b) { return key(a) < key(b); });
    return trials;
}

}  // namespace replayd::search
