#include "daemon/replayctl/search_front.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "daemon/replayctl/csv_text.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "replay/search/fronts.hpp"

namespace replayd::ctl {
namespace {

using search::FrontKind;
using search::Fronts;
using search::Measured;
using search::Trial;
using search::Yield;

constexpr double k_width = 430;  // of a panel's plot
constexpr double k_height = 330;
constexpr double k_left = 80;
constexpr double k_top = 64;
constexpr double k_panel = k_left + k_width + 20;
constexpr double k_row = k_top + k_height + 50;

/// The members of a front from the one that gives least up.
std::vector<Trial> by_yield(const SearchResult& result, const FrontKind& kind, const Fronts& fronts) {
    std::vector<Trial> out(fronts.of(kind).begin(), fronts.of(kind).end());
    const auto yield = [&](const Trial& trial) { return search::yield_of(result.outcomes.at(trial), kind.yield); };
    std::stable_sort(out.begin(), out.end(), [&](const Trial& a, const Trial& b) { return yield(a) < yield(b); });
    return out;
}

template <class... Values>
void append(std::string& out, const char* format, Values... values) {
    char buffer[300];
    const int length = std::snprintf(buffer, sizeof buffer, format, values...);
    out.append(buffer, static_cast<std::size_t>(std::clamp<int>(length, 0, sizeof buffer - 1)));
}

void append_text(std::string& out, double x, double y, const char* attributes, const std::string& text) {
    append(out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    out += text + "</text>\n";
}

/// One plot: where what a cluster yields and its latency lie, and everything drawn there.
class Panel {
public:
    Panel(const SearchResult& result, const FrontKind& kind, double left, double top)
        : result_(result), kind_(kind), left_(left), top_(top) {
        const search::Objective& objective = result.spec.objective;
        limit_ = kind.latency == search::Latency::ttft ? objective.ttft_p99 : objective.tpot_p99;
        double low = limit_.value > 0 ? static_cast<double>(limit_.value) : 1e300;
        double high = limit_.value > 0 ? static_cast<double>(limit_.value) : 1;
        for (const Trial& trial : result.ranked) {
            const Measured& measured = result.outcomes.at(trial);
            if (!search::is_complete(measured)) continue;
            const double time = time_at(measured);
            low = std::min(low, time);
            high = std::max(high, time);
            yield_max_ = std::max(yield_max_, search::yield_of(measured, kind.yield));
        }
        low_ = std::floor(std::log10(std::min(low, high)));
        high_ = std::max(low_ + 1, std::ceil(std::log10(high)));
    }

    void draw(std::string& out, const Fronts& fronts) const {
        draw_axes(out);
        for (const Trial& trial : result_.ranked) {
            const Measured& measured = result_.outcomes.at(trial);
            if (!search::is_complete(measured)) continue;
            append(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>\n",
                   search::holds(measured, result_.spec.objective) ? "holds" : "misses", x(measured),
                   y(time_at(measured)));
        }
        out += "<polyline class=\"front\" points=\"";
        for (const Trial& trial : by_yield(result_, kind_, fronts)) {
            const Measured& measured = result_.outcomes.at(trial);
            append(out, "%.1f,%.1f ", x(measured), y(time_at(measured)));
        }
        out += "\"/>\n";
        const Measured& best = result_.outcomes.at(result_.ranked.front());
        if (search::is_complete(best) && search::holds(best, result_.spec.objective)) {
            append(out, "<circle class=\"best\" cx=\"%.1f\" cy=\"%.1f\" r=\"7\"/>\n", x(best), y(time_at(best)));
        }
    }

private:
    [[nodiscard]] double time_at(const Measured& measured) const {
        return static_cast<double>(std::max<std::int64_t>(search::latency_of(measured, kind_.latency).value, 1));
    }
    [[nodiscard]] double x(const Measured& measured) const {
        return left_ + k_width * search::yield_of(measured, kind_.yield) / std::max(yield_max_, 1e-9);
    }
    [[nodiscard]] double y(double time) const { return top_ + k_height * (high_ - std::log10(time)) / (high_ - low_); }

    void draw_axes(std::string& out) const {
        for (double power = low_; power <= high_; ++power) {
            const double at = y(std::pow(10, power));
            append(out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", left_, at, left_ + k_width);
            append_text(out, left_ - 6, at + 4, "text-anchor=\"end\"",
                        time_text(static_cast<std::int64_t>(std::pow(10, power))));
        }
        for (int part = 0; part <= 4; ++part) {
            const double at = left_ + k_width * part / 4;
            append(out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", at, top_, top_ + k_height);
            const double value = yield_max_ * part / 4;
            append_text(out, at, top_ + k_height + 18, "text-anchor=\"middle\"",
                        decimal_text(value, yield_max_ < 40 ? 1 : 0));
        }
        append_text(out, left_, top_ - 10, "class=\"title\"",
                    kind_.latency == search::Latency::ttft ? "p99 TTFT" : "p99 TPOT");
        append_text(out, left_ + k_width / 2, top_ + k_height + 38, "text-anchor=\"middle\"",
                    kind_.yield == Yield::price ? "price per hour" : "output tokens per second and GPU");
        if (limit_.value > 0) {
            const double at = y(static_cast<double>(limit_.value));
            append(out, "<path class=\"limit\" d=\"M%.1f %.1fH%.1f\"/>\n", left_, at, left_ + k_width);
            append_text(out, left_ + k_width, at - 5, "text-anchor=\"end\"", "objective " + time_text(limit_.value));
        }
    }

    const SearchResult& result_;
    const FrontKind& kind_;
    double left_;
    double top_;
    Duration limit_{0};
    double yield_max_ = 0;
    double low_ = 0;  ///< exponents of ten
    double high_ = 1;
};

}  // namespace

std::string settings_text(const search::Space& space, const Trial& trial) {
    std::string out;
    for (const std::string& setting : space.settings(trial.candidate)) out += (out.empty() ? "" : " ") + setting;
    return out;
}

std::string front_csv(const SearchResult& result) {
    const Fronts fronts(result.ranked, result.outcomes);
    std::string out =
        "front,candidate,settings,load_permille,gpus,price_per_hour,price_per_million_tokens,ttft_p99_ns,tpot_p99_ns,"
        "goodput_per_s,output_tokens_per_s_per_gpu,holds\n";
    for (const FrontKind& kind : search::k_fronts) {
        for (const Trial& trial : by_yield(result, kind, fronts)) {
            const Measured& measured = result.outcomes.at(trial);
            CsvLine line(out);
            line.add(kind.name).add(trial.candidate).add(settings_text(result.space, trial)).add(trial.load_permille);
            line.add(measured.gpus).add(decimal_text(measured.price_per_hour, 4));
            line.add(decimal_text(search::price_per_million_tokens(measured), 6));
            line.add(measured.ttft_p99.value)
                .add(measured.tpot_p99.value)
                .add(decimal_text(search::goodput(measured), 4));
            line.add(decimal_text(search::throughput_per_gpu(measured), 4));
            line.add(std::int64_t{search::holds(measured, result.spec.objective) ? 1 : 0});
        }
    }
    return out;
}

std::string front_svg(const SearchResult& result) {
    const Fronts fronts(result.ranked, result.outcomes);
    const double width = 2 * k_panel + 20;
    const double height = 2 * k_row + 34;
    std::string out;
    append(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\">\n",
           width, height, width, height);
    out +=
        "<style>text{font:13px sans-serif;fill:#222}.title{font-size:15px;font-weight:bold}.grid{stroke:#ddd}"
        ".limit{stroke:#d55e00;stroke-dasharray:6 4}.front{fill:none;stroke:#0072b2;stroke-width:2}.holds{fill:#0072b2}"
        ".misses{fill:#b0b0b0}.best{fill:none;stroke:#d55e00;stroke-width:2.5}</style>\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
    for (const FrontKind& kind : search::k_fronts) {
        const double left = k_left + (kind.latency == search::Latency::ttft ? 0 : k_panel);
        const double top = k_top + (kind.yield == Yield::price ? 0 : k_row);
        Panel(result, kind, left, top).draw(out, fronts);
    }
    append_text(out, k_left, height - 14, "",
                "dots: clusters replayed to the end, blue where they hold the objectives; line: Pareto front; ring: "
                "the cheapest "
                "that holds them");
    return out + "</svg>\n";
}

}  // namespace replayd::ctl
