// The stage recurrence of attention/FFN disaggregation against golden vectors, its closed form, and a simulation of the
// four resources event by event that shares no code with it.

#include "replay/cost/afd/pipeline.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <fstream>
#include <functional>
#include <queue>
#include <random>
#include <sstream>
#include <string>
#include <tuple>

#include "tests/replay/cost/equal_stages.hpp"
#include "tests/source_paths.hpp"

namespace replayd::afd {
namespace {

constexpr std::int64_t k_chain = 4;

Duration us(std::int64_t value) {
    return Duration(value * k_ns_per_us);
}

std::vector<std::int64_t> integers(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::int64_t> out;
    for (std::int64_t value = 0; in >> value;) out.push_back(value);
    return out;
}

/// One layer's times from a list per resource.
std::vector<Duration> layer_times(const std::vector<std::vector<std::int64_t>>& by_resource) {
    std::vector<Duration> out;
    for (std::size_t stage = 0; stage < by_resource.front().size(); ++stage) {
        for (const auto& resource : by_resource) out.push_back(us(resource[stage]));
    }
    return out;
}

Duration recurrence(std::int64_t layers, std::int64_t stages, const std::vector<Duration>& times) {
    const std::vector<LayerTimes> runs = {{layers, times}};
    return Pipeline(stages, std::ssize(runs.front().times) / stages).run(runs);
}

/// 61 layers, unless told, in which every stage has the times of `chain`.
Duration step(const std::vector<Duration>& chain, std::int64_t stages, std::int64_t layers = 61) {
    std::vector<Duration> times;
    for (std::int64_t stage = 0; stage < stages; ++stage) times.insert(times.end(), chain.begin(), chain.end());
    return recurrence(layers, stages, times);
}

/// From one layer to the next, in the steady state.
Duration cycle(const std::vector<Duration>& chain, std::int64_t stages) {
    return step(chain, stages) - step(chain, stages, 60);
}

/// Servers with queues, driven by events in order of time: a stage that leaves one joins the queue of the next, and
/// after the last that of the first for its next layer.
class Servers {
public:
    Servers(std::int64_t layers, std::int64_t stages, std::vector<Duration> times)
        : layers_(layers),
          resources_(std::ssize(times) / stages),
          times_(std::move(times)),
          queues_(static_cast<std::size_t>(resources_)),
          busy_(static_cast<std::size_t>(resources_), false) {
        for (std::int64_t stage = 0; stage < stages; ++stage) queues_.front().push_back({0, stage});
    }

    Duration run() {
        start(0, Duration(0));
        Duration now{0};
        while (!events_.empty()) {
            const Event event = events_.top();
            events_.pop();
            now = event.at;
            const auto resource = static_cast<std::size_t>(event.resource);
            busy_[resource] = false;
            pass_on(event);
            start(event.resource, now);
        }
        return now;
    }

private:
    struct Job {
        std::int64_t layer;
        std::int64_t stage;
    };
    struct Event {
        Duration at;
        std::int64_t sequence;
        std::int64_t resource;
        Job job;
        bool operator>(const Event& other) const { return std::tie(at, sequence) > std::tie(other.at, other.sequence); }
    };

    void pass_on(const Event& event) {
        Job job = event.job;
        std::int64_t next = event.resource + 1;
        if (next == resources_) {
            next = 0;
            if (++job.layer == layers_) return;
        }
        queues_[static_cast<std::size_t>(next)].push_back(job);
        start(next, event.at);
    }

    void start(std::int64_t resource, Duration now) {
        const auto r = static_cast<std::size_t>(resource);
        if (busy_[r] || queues_[r].empty()) return;
        const Job job = queues_[r].front();
        queues_[r].pop_front();
        busy_[r] = true;
        const Duration time = times_[static_cast<std::size_t>(job.stage * resources_ + resource)];
        events_.push({now + time, sequence_++, resource, job});
    }

    std::int64_t layers_;
    std::int64_t resources_;
    std::vector<Duration> times_;
    std::vector<std::deque<Job>> queues_;
    std::vector<bool> busy_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::int64_t sequence_ = 0;
};

TEST(AfdPipeline, equals_every_golden_vector) {
    std::ifstream file(std::string(REPLAYD_SOURCE_DIR) + "/../shared/data/golden_models/golden_afd.csv");
    if (!file) GTEST_SKIP() << "no golden_afd.csv beside the project";
    std::string line;
    std::getline(file, line);
    int rows = 0;
    while (std::getline(file, line)) {
        std::istringstream in(line);
        std::vector<std::vector<std::int64_t>> cells;
        for (std::string cell; std::getline(in, cell, ',');) cells.push_back(integers(cell));
        // L, attention, FFN, forward, return, step: the chain visits forward before FFN.
        const std::vector<Duration> times = layer_times({cells[1], cells[3], cells[2], cells[4]});
        EXPECT_EQ(recurrence(cells[0][0], std::ssize(cells[1]), times), us(cells[5][0])) << line;
        ++rows;
    }
    EXPECT_EQ(rows, 105);
}

TEST(AfdPipeline, closed_form_equals_the_recurrence_on_10000_random_equal_stages) {
    constexpr unsigned k_seed = 20251122;
    SCOPED_TRACE(k_seed);
    std::mt19937 random(k_seed);
    const auto pick = [&](std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random);
    };
    for (int i = 0; i < 10'000; ++i) {
        const std::int64_t stages = pick(1, 6);
        const std::int64_t layers = pick(1, 61);
        const std::int64_t resources = i % 2 == 0 ? k_chain : 6;
        std::vector<Duration> chain;
        for (std::int64_t r = 0; r < resources; ++r) chain.push_back(Duration(pick(0, 400'000)));
        ASSERT_EQ(equal_stages(chain, stages, layers), step(chain, stages, layers)) << "case " << i;
    }
}

TEST(AfdPipeline, simulation_by_events_equals_the_recurrence_on_10000_random_unequal_stages) {
    constexpr unsigned k_seed = 7;
    SCOPED_TRACE(k_seed);
    std::mt19937 random(k_seed);
    const auto pick = [&](std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random);
    };
    for (int i = 0; i < 10'000; ++i) {
        const std::int64_t stages = pick(1, 6);
        const std::int64_t layers = pick(1, 40);
        const std::int64_t resources = i % 2 == 0 ? k_chain : 6;
        std::vector<Duration> times;
        for (std::int64_t t = 0; t < stages * resources; ++t) {
            times.push_back(Duration(pick(0, 9) == 0 ? 0 : pick(1, 400'000)));
        }
        ASSERT_EQ(Servers(layers, stages, times).run(), recurrence(layers, stages, times)) << "case " << i;
    }
}

// Layers of two kinds (dense FFN at both ends, experts between), as DeepSeek-V3 and Step-3 have them.
TEST(AfdPipeline, skipping_the_steady_part_of_each_run_of_layers_changes_nothing) {
    constexpr unsigned k_seed = 11;
    SCOPED_TRACE(k_seed);
    std::mt19937 random(k_seed);
    const auto pick = [&](std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random);
    };
    for (int i = 0; i < 1'000; ++i) {
        const std::int64_t stages = pick(1, 5);
        std::array<std::vector<Duration>, 3> times;
        for (std::vector<Duration>& kind : times) {
            for (std::int64_t t = 0; t < stages * k_chain; ++t) kind.push_back(Duration(pick(0, 300'000)));
        }
        const std::vector<LayerTimes> runs = {{pick(1, 4), times[0]}, {pick(1, 60), times[1]}, {pick(1, 3), times[2]}};
        std::vector<Visit> visits;
        Pipeline pipeline(stages, k_chain);
        const Duration by_layer = pipeline.run(runs, 0, 1'000, visits);
        ASSERT_EQ(pipeline.run(runs), by_layer) << "case " << i;
        ASSERT_EQ(visits.back().end, by_layer);
    }
}

struct Published {
    std::int64_t stages;
    std::int64_t attention, ffn, forward, back;
    double cycle_us;
    double step_ms;
    double attention_use, ffn_use;
};

// The table of worked steps of the specification, 61 layers.
TEST(AfdPipeline, worked_steps_come_out_to_a_hundredth_of_a_millisecond) {
    const Published rows[] = {
        {3, 272, 272, 90, 182, 816, 50.32, 1.00, 1.00}, {3, 272, 272, 37, 18, 816, 50.10, 1.00, 1.00},
        {3, 200, 272, 91, 181, 816, 50.25, .74, 1.00},  {2, 272, 272, 50, 50, 644, 39.56, .84, .84},
        {1, 272, 272, 91, 181, 816, 49.78, .33, .33},   {4, 200, 200, 100, 100, 800, 49.20, 1.00, 1.00},
        {3, 272, 272, 182, 182, 908, 55.93, .90, .90},  {3, 300, 250, 100, 100, 900, 55.35, 1.00, .83},
        {3, 100, 100, 400, 100, 1200, 73.50, .25, .25},
    };
    for (const Published& row : rows) {
        SCOPED_TRACE(row.step_ms);
        const std::vector<Duration> chain = {us(row.attention), us(row.forward), us(row.ffn), us(row.back)};
        EXPECT_EQ(cycle(chain, row.stages), us(static_cast<std::int64_t>(row.cycle_us)));
        EXPECT_NEAR(to_seconds(step(chain, row.stages)) * 1e3, row.step_ms, 0.01);
        const double round = to_seconds(cycle(chain, row.stages));
        EXPECT_NEAR(static_cast<double>(row.stages) * to_seconds(us(row.attention)) / round, row.attention_use, 0.005);
        EXPECT_NEAR(static_cast<double>(row.stages) * to_seconds(us(row.ffn)) / round, row.ffn_use, 0.005);
    }
}

TEST(AfdPipeline, a_slower_ffn_sets_everything) {
    const std::vector<Duration> chain = {us(272), us(90), Duration(326'400), us(182)};
    EXPECT_NEAR(to_seconds(step(chain, 3)) * 1e3, 60.28, 0.01);
}

TEST(AfdPipeline, an_empty_stage_saves_almost_nothing_where_the_chain_binds) {
    const std::vector<Duration> chain = {us(272), us(90), us(272), us(182)};
    EXPECT_NEAR(to_seconds(step(chain, 2)) * 1e3, 50.05, 0.01);
}

TEST(AfdPipeline, with_two_stages_no_network_is_hidden) {
    const std::vector<Duration> chain = {us(272), us(50), us(272), us(40)};
    EXPECT_EQ(cycle(chain, 2), us(2 * 272 + 50 + 40));
}

TEST(AfdPipeline, with_three_balanced_stages_a_network_as_long_as_attention_is_hidden) {
    EXPECT_EQ(cycle({us(272), us(100), us(272), us(172)}, 3), us(3 * 272));
    EXPECT_GT(cycle({us(272), us(101), us(272), us(172)}, 3), us(3 * 272));
}

TEST(AfdPipeline, the_timeline_holds_every_visit_of_its_layers_once_and_in_order) {
    std::vector<Visit> visits;
    const std::vector<Duration> times = layer_times({{30, 20}, {10, 10}, {40, 30}, {15, 5}});
    const std::vector<LayerTimes> runs = {{5, times}};
    const Duration end = Pipeline(2, k_chain).run(runs, 2, 1, visits);
    ASSERT_EQ(visits.size(), 8U);
    for (std::size_t i = 0; i < visits.size(); ++i) {
        EXPECT_EQ(visits[i].layer, 2);
        EXPECT_EQ(visits[i].stage, static_cast<std::int64_t>(i) / k_chain);
        EXPECT_EQ(visits[i].resource, static_cast<std::int64_t>(i) % k_chain);
        EXPECT_LE(visits[i].end, end);
    }
    EXPECT_GE(visits[4].begin, visits[0].end);  // attention serves stage 1 after stage 0
}

}  // namespace
}  // namespace replayd::afd
