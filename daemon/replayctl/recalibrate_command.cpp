#include "daemon/replayctl/recalibrate_command.hpp"

#include <array>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/replayctl/calibration_fit.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/scenario_source.hpp"
#include "daemon/replayctl/text_table.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

constexpr std::array<const char*, 3> k_titles = {"TTFT", "TPOT", "E2E"};

Result<std::vector<Arrival>> read_arrivals(const TraceInput& input) {
    constexpr std::size_t k_slice = 10'000;
    auto trace = TraceSource::open(input);
    if (!trace) return tl::unexpected(trace.error());
    std::vector<Arrival> arrivals;
    for (;;) {
        auto slice = trace->take(k_slice);
        if (!slice) return tl::unexpected(slice.error());
        if (slice->empty()) return arrivals;
        arrivals.insert(arrivals.end(), std::make_move_iterator(slice->begin()), std::make_move_iterator(slice->end()));
    }
}

std::string percent_or_none(std::optional<double> ratio) { return ratio ? percent_text(*ratio) : "-"; }

std::string toml_of(const CalibrationSpec& calibration) {
    return "[cost.calibration]\nkernels = " + decimal_text(calibration.kernels, 3) +
           "\nhost_us = " + std::to_string(calibration.host.value / k_ns_per_us) + "\n";
}

std::string errors_table(const CalibrationFit& fit) {
    const auto right = [](const char* title) { return TextTable::Column{title, Align::right}; };
    TextTable table({{"part"},
                     {"metric"},
                     right("requests"), right("MAPE before"), right("after"), right("bias before"), right("after")});
    const auto add_part = [&](const char* name, const PartScore& before, const PartScore& after) {
        for (std::size_t i = 0; i < k_titles.size(); ++i) {
            const ResidualSums& was = before.metrics[i];
            const ResidualSums& is = after.metrics[i];
            if (was.count == 0) continue;
            table.add_row({name, k_titles[i], count_text(was.count), percent_or_none(was.mape()),
                           percent_or_none(is.mape()), percent_or_none(was.bias()), percent_or_none(is.bias())});
        }
    };
    add_part("fitted", fit.before.fitted, fit.after.fitted);
    add_part("held out", fit.before.held_out, fit.after.held_out);
    return table.render();
}

std::string verdict(const CalibrationFit& fit) {
    const std::string errors =
        decimal_text(fit.before.held_out.error(), 4) + " to " + decimal_text(fit.after.held_out.error(), 4);
    if (!fit.improves()) {
        return "The held-out error, the mean of |ln(predicted / observed)|, goes from " + errors +
               ": no improvement. Keep the scenario as it is.\n";
    }
    return "The held-out error, the mean of |ln(predicted / observed)|, falls from " + errors +
           ". To apply it, put this into the scenario in place of any [cost.calibration] of its own:\n\n" +
           toml_of(fit.calibration);
}

json::object part_json(const PartScore& part) {
    json::object object{{"error", part.error()}};
    for (std::size_t i = 0; i < k_titles.size(); ++i) {
        const ResidualSums& sums = part.metrics[i];
        const auto value = [](std::optional<double> real) { return real ? json::value(*real) : json::value(nullptr); };
        object[k_residual_metric_names[i]] =
            json::object{{"count", sums.count}, {"mape", value(sums.mape())}, {"bias", value(sums.bias())}};
    }
    return object;
}

std::string json_text(const RecalibrateOptions& options, const CalibrationFit& fit) {
    const auto split_json = [](const SplitScore& score) {
        return json::object{{"fitted", part_json(score.fitted)}, {"held_out", part_json(score.held_out)}};
    };
    const json::object out{{"scenario", options.scenario},
                           {"kernels", fit.calibration.kernels},
                           {"host_us", fit.calibration.host.value / k_ns_per_us},
                           {"before", split_json(fit.before)},
                           {"after", split_json(fit.after)},
                           {"improves", fit.improves()},
                           {"replays", fit.replays},
                           {"toml", fit.improves() ? toml_of(fit.calibration) : ""}};
    return json::serialize(out) + '\n';
}

}  // namespace

Result<ExitStatus> recalibrate(const RecalibrateOptions& options) {
    if (!(options.held_out > 0 && options.held_out < 1)) {
        return fail(Code::invalid_argument,
                    "--held-out is " + decimal_text(options.held_out, 3) + ": expected more than 0 and less than 1");
    }
    const auto source = ScenarioSource::create(options.catalogs);
    if (!source) return tl::unexpected(source.error());
    const auto scenario = source->load(options.scenario);
    if (!scenario) return tl::unexpected(scenario.error());
    const auto arrivals = read_arrivals(options.trace);
    if (!arrivals) return tl::unexpected(arrivals.error());
    const auto fit = fit_calibration(scenario->scenario(), *arrivals, options.held_out);
    if (!fit) return tl::unexpected(fit.error());
    const std::string text =
        options.mode == OutputMode::json ? json_text(options, *fit) : errors_table(*fit) + "\n" + verdict(*fit);
    return print(text).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
