// Methods against clusters whose truth is known: what they run, what they find, that an interruption changes nothing.

#include "replay/search/methods.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "replay/base/random.hpp"

namespace replayd::search {
namespace {

using Truth = std::function<Measured(const Trial&)>;

constexpr std::int64_t k_arrivals = 10'000;
const Objective k_objective{.ttft_p99 = Duration(1000)};

Axis replicas(std::int64_t count) {
    Axis out{"replicas", {}, true};
    for (std::int64_t i = 1; i <= count; ++i) out.alternatives.push_back({"replicas=" + std::to_string(i)});
    return out;
}

Axis kinds(std::int64_t count) {
    Axis out{"kind", {}, false};
    for (std::int64_t i = 0; i < count; ++i) out.alternatives.push_back({"kind=" + std::to_string(i)});
    return out;
}

/// A cluster holds as soon as its replicas carry the load: kind k needs 3 + 2k of them for load 1.
Measured measured(const Space& space, const Trial& trial) {
    const auto places = space.places(trial.candidate);
    const double needed = static_cast<double>(3 + 2 * places[0]) * static_cast<double>(trial.load_permille) / 1000;
    const auto have = static_cast<double>(places[1] + 1);
    Measured out;
    out.possible = true;
    out.gpus = places[1] + 1;
    out.price_per_hour = have * (places[0] == 1 ? 0.5 : 1);
    out.requests = out.finished = trial.arrivals;
    out.ttft_p99 = Duration(static_cast<std::int64_t>(1000 * needed / have));
    return out;
}

/// Of candidates of two axes, kinds and replicas; 0 elsewhere.
std::vector<double> prices_of(const Space& space) {
    std::vector<double> out;
    for (std::int64_t i = 0; i < space.size(); ++i) {
        out.push_back(space.axes().size() == 2 ? measured(space, {i, k_arrivals}).price_per_hour : 0);
    }
    return out;
}

struct Searched {
    Outcomes outcomes;
    std::int64_t rounds = 0;
};

/// Runs a method to its end; after every trial the method is made anew, as after an interruption, if `interrupted`.
Searched search(const MethodSpec& spec, const Space& space, const Truth& truth, bool interrupted = false) {
    Searched out;
    const std::vector<double> prices = prices_of(space);
    auto method = make_method(spec, space, k_objective, k_arrivals, prices);
    for (auto trials = method->next(out.outcomes); !trials.empty(); trials = method->next(out.outcomes), ++out.rounds) {
        for (const Trial& trial : trials) {
            EXPECT_EQ(out.outcomes.count(trial), 0U) << "run twice";
            out.outcomes[trial] = truth(trial);
            if (interrupted) {
                method = make_method(spec, space, k_objective, k_arrivals, prices);
                break;
            }
        }
    }
    return out;
}

Trial best(const MethodSpec& spec, const Space& space, const Outcomes& outcomes) {
    const auto method = make_method(spec, space, k_objective, k_arrivals, prices_of(space));
    return ranked(method->results(outcomes), outcomes, k_objective).front();
}

// Five replicas at half the price beat three at the full one.
TEST(Methods, grid_and_bisection_find_the_cheapest_cluster_that_holds) {
    const Space space({kinds(4), replicas(32)});
    const Truth truth = [&](const Trial& trial) { return measured(space, trial); };
    const MethodSpec grid{.kind = MethodKind::grid};
    const MethodSpec bisection{.kind = MethodKind::bisection};
    const Searched all = search(grid, space, truth);
    const Searched half = search(bisection, space, truth);
    EXPECT_EQ(all.outcomes.size(), 128U);
    EXPECT_LE(half.outcomes.size(), 4U * 6);
    EXPECT_EQ(best(grid, space, all.outcomes), (Trial{32 + 4, k_arrivals}));
    EXPECT_EQ(best(bisection, space, half.outcomes), best(grid, space, all.outcomes));
}

// From the cheapest price upwards: what it leaves out costs more than its answer.
TEST(Methods, cheapest_finds_what_the_grid_finds_and_tries_nothing_dearer) {
    const Space space({kinds(4), replicas(32)});
    const Truth truth = [&](const Trial& trial) { return measured(space, trial); };
    const MethodSpec cheapest{.kind = MethodKind::cheapest};
    const Searched found = search(cheapest, space, truth);
    EXPECT_EQ(best(cheapest, space, found.outcomes), (Trial{32 + 4, k_arrivals}));
    for (const auto& [trial, result] : found.outcomes) EXPECT_LE(result.price_per_hour, 2.5) << trial.candidate;
    EXPECT_EQ(found.outcomes.size(), 3U * 2 + 5);
}

TEST(Methods, cheapest_tries_everything_where_nothing_holds) {
    const Space space({kinds(3), replicas(2)});
    const Searched found =
        search({.kind = MethodKind::cheapest}, space, [&](const Trial& trial) { return measured(space, trial); });
    EXPECT_EQ(found.outcomes.size(), 6U);
}

// Clusters that scale cost less than their least price tells only when they have run: a dear candidate that could have
// been cheap is tried as long as its least price is below the best found.
TEST(Methods, cheapest_goes_on_until_the_others_cost_more_in_any_case) {
    const Space space({kinds(1), replicas(4)});
    const std::vector<double> least = {1, 2, 3, 9};
    const std::vector<double> real = {5, 4, 3.5, 9};
    const Objective any{.ttft_p99 = Duration(1'000'000)};
    const auto method = make_method({.kind = MethodKind::cheapest}, space, any, k_arrivals, least);
    Outcomes outcomes;
    for (auto trials = method->next(outcomes); !trials.empty(); trials = method->next(outcomes)) {
        for (const Trial& trial : trials) {
            outcomes[trial].possible = true;
            outcomes[trial].price_per_hour = real[static_cast<std::size_t>(trial.candidate)];
        }
    }
    EXPECT_EQ(outcomes.size(), 3U);
    EXPECT_EQ(ranked(method->results(outcomes), outcomes, any).front().candidate, 2);
}

// Random borders, among them clusters that never hold: bisection's answer per line is the grid's.
TEST(Methods, bisection_agrees_with_the_grid_on_every_line) {
    Random random(20'261'122);
    for (int round = 0; round < 200; ++round) {
        const std::int64_t lines = 1 + static_cast<std::int64_t>(random.below(5));
        const std::int64_t length = 1 + static_cast<std::int64_t>(random.below(40));
        const Space space({kinds(lines), replicas(length)});
        std::vector<std::int64_t> borders;
        for (std::int64_t i = 0; i < lines; ++i) {
            borders.push_back(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(length) + 1)));
        }
        const Truth truth = [&](const Trial& trial) {
            const auto places = space.places(trial.candidate);
            Measured out;
            out.possible = true;
            out.ttft_p99 = Duration(places[1] >= borders[static_cast<std::size_t>(places[0])] ? 1000 : 1001);
            return out;
        };
        const Searched found = search({.kind = MethodKind::bisection}, space, truth);
        for (std::int64_t line = 0; line < lines; ++line) {
            const std::int64_t border = borders[static_cast<std::size_t>(line)];
            if (border < length) {
                const Trial first{space.candidate(std::vector<std::int64_t>{line, border}), k_arrivals};
                EXPECT_EQ(found.outcomes.count(first), 1U) << "round " << round << " line " << line;
            }
            if (border > 0) {
                const Trial last{space.candidate(std::vector<std::int64_t>{line, border - 1}), k_arrivals};
                EXPECT_EQ(found.outcomes.count(last), 1U) << "round " << round << " line " << line;
            }
        }
    }
}

// Five replicas are needed and six allowed: the first probe, with sixteen, must send the search down, not up.
TEST(Methods, bisection_stays_within_the_limit_of_gpus) {
    const Space space({kinds(2), replicas(32)});
    const Truth truth = [&](const Trial& trial) {
        Measured out = measured(space, trial);
        if (out.gpus > 6) {
            out.possible = false;
            out.too_many_gpus = true;
        }
        return out;
    };
    const MethodSpec spec{.kind = MethodKind::bisection};
    const Searched found = search(spec, space, truth);
    EXPECT_EQ(best(spec, space, found.outcomes), (Trial{32 + 4, k_arrivals}));
}

// A cluster of n replicas that needs three for load 1 carries n / 3 of it.
TEST(Methods, capacity_is_the_last_step_of_load_that_holds) {
    const Space space({kinds(1), replicas(6)});
    const MethodSpec spec{
        .kind = MethodKind::capacity, .load_min_permille = 100, .load_max_permille = 3000, .load_step_permille = 10};
    const Searched found = search(spec, space, [&](const Trial& trial) { return measured(space, trial); });
    const auto results = make_method(spec, space, k_objective, k_arrivals)->results(found.outcomes);
    ASSERT_EQ(results.size(), 6U);
    const std::vector<std::int64_t> expected = {330, 660, 1000, 1330, 1660, 2000};
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(results[i].load_permille, expected[i]) << i;
    EXPECT_LE(found.outcomes.size(), 6U * 9);
}

TEST(Methods, capacity_names_the_lowest_load_where_even_that_misses) {
    const Space space({kinds(1), replicas(1)});
    const MethodSpec spec{.kind = MethodKind::capacity, .load_min_permille = 900};
    const Searched found = search(spec, space, [&](const Trial& trial) { return measured(space, trial); });
    const auto results = make_method(spec, space, k_objective, k_arrivals)->results(found.outcomes);
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].load_permille, 900);
    EXPECT_FALSE(holds(found.outcomes.at(results[0]), k_objective));
}

// 27 candidates on a ninth... of the trace, a third of them on a third, three, one on all of it.
TEST(Methods, halving_thins_candidates_out_while_prefixes_grow) {
    const Space space({kinds(4), replicas(32)});
    const MethodSpec spec{.kind = MethodKind::halving, .points = 27, .keep_one_of = 3, .seed = 4};
    const Searched found = search(spec, space, [&](const Trial& trial) { return measured(space, trial); });
    std::map<std::int64_t, int> by_prefix;
    for (const auto& [trial, result] : found.outcomes) ++by_prefix[trial.arrivals];
    EXPECT_EQ(by_prefix, (std::map<std::int64_t, int>{{370, 27}, {1111, 9}, {3333, 3}, {10'000, 1}}));
}

// What does not fit takes no place in the next rung, and is told among the results.
TEST(Methods, halving_drops_what_is_not_possible) {
    const Space space({kinds(2), replicas(8)});
    const MethodSpec spec{.kind = MethodKind::halving, .points = 16, .keep_one_of = 4};
    const Truth truth = [&](const Trial& trial) {
        return space.places(trial.candidate)[1] < 7 ? Measured() : measured(space, trial);
    };
    const Searched found = search(spec, space, truth);
    const auto results = make_method(spec, space, k_objective, k_arrivals)->results(found.outcomes);
    EXPECT_EQ(results.size(), 14U + 1U);
}

// Interrupted after every single trial: the same trials, none twice.
TEST(Methods, an_interrupted_search_ends_as_an_undisturbed_one) {
    const Space space({kinds(4), replicas(32)});
    const Truth truth = [&](const Trial& trial) { return measured(space, trial); };
    for (const MethodKind kind :
         {MethodKind::grid, MethodKind::bisection, MethodKind::halving, MethodKind::cheapest, MethodKind::capacity}) {
        const MethodSpec spec{.kind = kind};
        EXPECT_EQ(search(spec, space, truth, true).outcomes, search(spec, space, truth).outcomes)
            << static_cast<int>(kind);
    }
}

}  // namespace
}  // namespace replayd::search
