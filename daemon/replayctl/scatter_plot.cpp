#include "daemon/replayctl/scatter_plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "daemon/replayctl/human_text.hpp"

namespace replayd::ctl {
namespace {

constexpr double k_side = 600;  // of the square that holds the points
constexpr double k_left = 80;
constexpr double k_top = 60;
constexpr double k_legend_width = 310;
constexpr double k_bottom = 60;
constexpr double k_band = 1.1;
/// Okabe and Ito's colours, which people with colour blindness can tell apart, then two greys.
constexpr std::array<std::string_view, 9> k_colours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
                                                       "#56b4e9", "#b8a800", "#000000", "#888888"};

template <class... Values>
void append(std::string& out, const char* format, Values... values) {
    char buffer[400];
    const int length = std::snprintf(buffer, sizeof buffer, format, values...);
    out.append(buffer, static_cast<std::size_t>(std::clamp<int>(length, 0, sizeof buffer - 1)));
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '&') out += "&amp;";
        else out += c;
    }
    return out;
}

void append_text(std::string& out, double x, double y, const char* attributes, std::string_view text) {
    append(out, "<text x=\"%.1f\" y=\"%.1f\"%s>", x, y, attributes);
    out += escaped(text) + "</text>\n";
}

/// Whole decades that hold every time of either axis, as exponents of ten.
struct Decades {
    int first = 0;
    int last = 1;
};

Decades decades_of(const std::vector<ScatterSeries>& series) {
    double lowest = 1e300;
    double highest = 0;
    for (const ScatterSeries& one : series) {
        for (const ScatterPoint& point : one.points) {
            lowest = std::min({lowest, point.measured_us, point.predicted_us});
            highest = std::max({highest, point.measured_us, point.predicted_us});
        }
    }
    if (highest <= 0) return {};
    const int first = static_cast<int>(std::floor(std::log10(lowest)));
    return {first, std::max(first + 1, static_cast<int>(std::ceil(std::log10(highest))))};
}

class Axes {
public:
    explicit Axes(Decades decades) : decades_(decades) {}
    [[nodiscard]] double x(double us) const { return k_left + along(us); }
    [[nodiscard]] double y(double us) const { return k_top + k_side - along(us); }

    void append_grid(std::string& out) const {
        for (int power = decades_.first; power <= decades_.last; ++power) {
            const double us = std::pow(10.0, power);
            append(out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1fM%.1f %.1fH%.1f\"/>\n", x(us), k_top, k_top + k_side,
                   k_left, y(us), k_left + k_side);
            char label[32];
            std::snprintf(label, sizeof label, "%.7g", us);
            append_text(out, x(us), k_top + k_side + 18, " text-anchor=\"middle\"", label);
            append_text(out, k_left - 8, y(us) + 4, " text-anchor=\"end\"", label);
        }
        append_text(out, k_left + k_side / 2, k_top + k_side + 42, " text-anchor=\"middle\"", "measured, µs");
        append(out, "<text transform=\"translate(20 %.1f) rotate(-90)\" text-anchor=\"middle\">predicted, µs</text>\n",
               k_top + k_side / 2);
    }

    /// The band of 10 % and the line of equal times.
    void append_lines(std::string& out) const {
        const double low = std::pow(10.0, decades_.first);
        const double high = std::pow(10.0, decades_.last);
        append(out, "<polygon class=\"band\" points=\"%.1f,%.1f %.1f,%.1f %.1f,%.1f %.1f,%.1f\"/>\n", x(low),
               y(low * k_band), x(high), y(high * k_band), x(high), y(high / k_band), x(low), y(low / k_band));
        append(out, "<line class=\"equal\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", x(low), y(low),
               x(high), y(high));
    }

private:
    [[nodiscard]] double along(double us) const {
        return k_side * (std::log10(us) - decades_.first) / (decades_.last - decades_.first);
    }
    Decades decades_;
};

void append_points(std::string& out, const Axes& axes, const ScatterSeries& series, std::string_view colour) {
    const std::size_t stride = 1 + (series.points.size() - 1) / k_scatter_points_max;
    out += "<g fill=\"" + std::string(colour) + "\">\n";
    for (std::size_t i = 0; i < series.points.size(); i += stride) {
        append(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.6\"/>\n", axes.x(series.points[i].measured_us),
               axes.y(series.points[i].predicted_us));
    }
    out += "</g>\n";
}

std::string errors_text(const ErrorQuantiles& errors) {
    return "median " + percent_text(errors.median) + ", p90 " + percent_text(errors.p90);
}

}  // namespace

ErrorQuantiles error_quantiles(const std::vector<ScatterSeries>& series) {
    std::vector<double> errors;
    for (const ScatterSeries& one : series) {
        for (const ScatterPoint& point : one.points) {
            errors.push_back(std::abs(point.predicted_us / point.measured_us - 1));
        }
    }
    if (errors.empty()) return {};
    std::sort(errors.begin(), errors.end());
    return {errors[errors.size() / 2], errors[errors.size() * 9 / 10]};
}

std::string scatter_svg(const std::string& title, const std::vector<ScatterSeries>& series) {
    const double width = k_left + k_side + k_legend_width;
    const double height = k_top + k_side + k_bottom;
    std::string out;
    append(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\">\n",
           width, height, width, height);
    out +=
        "<style>text{font:13px sans-serif;fill:#222}.title{font-size:16px;font-weight:bold}.grid{stroke:#ddd;fill:none}"
        ".band{fill:#0072b2;fill-opacity:.15}.equal{stroke:#222;stroke-width:1}circle{fill-opacity:.45}</style>\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
    append_text(out, k_left, 30, " class=\"title\"", title + ": " + errors_text(error_quantiles(series)));
    const Axes axes(decades_of(series));
    axes.append_grid(out);
    axes.append_lines(out);
    double legend_y = k_top + 14;
    for (std::size_t i = 0; i < series.size(); ++i) {
        if (series[i].points.empty()) continue;
        const std::string_view colour = k_colours[i % k_colours.size()];
        append_points(out, axes, series[i], colour);
        append(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" style=\"fill-opacity:1\" fill=\"%s\"/>\n",
               k_left + k_side + 24, legend_y - 4, std::string(colour).c_str());
        append_text(out, k_left + k_side + 36, legend_y, "", series[i].name);
        const auto rows = count_text(static_cast<std::int64_t>(series[i].points.size()));
        append_text(out, k_left + k_side + 36, legend_y + 16, "",
                    rows + " rows, " + errors_text(error_quantiles({series[i]})));
        legend_y += 42;
    }
    append_text(out, k_left + k_side + 14, k_top + k_side - 4, "", "line: equal times; band: ±10 %");
    return out + "</svg>\n";
}

}  // namespace replayd::ctl
