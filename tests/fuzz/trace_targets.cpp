#include <vector>

#include "replay/stats/histogram.hpp"
#include "replay/trace/trace_reader.hpp"
#include "replay/trace/trace_writer.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/fuzz/targets.hpp"

namespace replayd::fuzz {
namespace {

struct Outcome {
    std::vector<Arrival> arrivals;
    std::string error;
};

Outcome read(std::string_view text, const TraceOptions& options, std::size_t piece) {
    TraceReader reader(options);
    Outcome outcome;
    Result<void> status;
    while (status && !text.empty()) {
        status = reader.feed(text.substr(0, piece), outcome.arrivals);
        text.remove_prefix(std::min(piece, text.size()));
    }
    if (status) status = reader.finish(outcome.arrivals);
    if (!status) {
        check_message(status.error());
        outcome.error = status.error().message;
    }
    return outcome;
}

TraceOptions options_of(unsigned byte) {
    TraceOptions options;
    // The format that 7 would name, Dynamo's, is among those that are found from their first line.
    constexpr unsigned k_found_from_first_line = 7;
    const unsigned format = byte & 7U;
    if (format != k_found_from_first_line) options.format = static_cast<TraceFormat>(format);
    options.skip_failed_rows = (byte & 8U) != 0;
    options.start_at_zero = (byte & 16U) != 0;
    options.spread_bins = (byte & 32U) != 0;
    if ((byte & 64U) != 0) options.sort = true;
    return options;
}

/// What the reader accepts, our own format can hold, and gives back as it was.
void check_round_trip(const std::vector<Arrival>& arrivals) {
    TraceWriter writer(TraceFormat::replayd);
    std::string text;
    for (const Arrival& arrival : arrivals) {
        REPLAYD_ASSERT(!violation(arrival));
        const auto written = writer.write(arrival, text);
        REPLAYD_ASSERT(written);
    }
    TraceOptions options;
    options.format = TraceFormat::replayd;
    const Outcome again = read(text, options, text.size() + 1);
    REPLAYD_ASSERT(again.error.empty());
    REPLAYD_ASSERT(again.arrivals == arrivals);
}

}  // namespace

void trace_reader(std::string_view input) {
    const TraceOptions options = options_of(take_byte(input));
    const std::size_t piece = 1 + take_byte(input) % 64;
    const Outcome whole = read(input, options, input.size() + 1);
    const Outcome pieces = read(input, options, piece);
    REPLAYD_ASSERT(whole.error == pieces.error);
    REPLAYD_ASSERT(whole.arrivals == pieces.arrivals);
    REPLAYD_ASSERT(!whole.error.empty() || options.skip_failed_rows || !whole.arrivals.empty());
    if (whole.error.empty() && !whole.arrivals.empty()) check_round_trip(whole.arrivals);
}

void histogram(std::string_view input) {
    const auto decoded = Histogram::decode(input);
    if (!decoded) return check_message(decoded.error());
    REPLAYD_ASSERT(decoded->encode() == input);
    REPLAYD_ASSERT(decoded->min() <= decoded->max());
    std::int64_t last = decoded->min();
    for (const double q : {0.0, 0.01, 0.5, 0.99, 1.0}) {
        const std::int64_t value = decoded->quantile(q);
        REPLAYD_ASSERT(value >= last && value <= decoded->max());
        last = value;
    }
    if (decoded->count() > (std::int64_t{1} << 60) || decoded->sum() > (std::int64_t{1} << 60)) return;
    Histogram doubled = *decoded;
    doubled.merge(*decoded);
    REPLAYD_ASSERT(doubled.count() == 2 * decoded->count());
    const auto again = Histogram::decode(doubled.encode());
    REPLAYD_ASSERT(again && *again == doubled);
}

}  // namespace replayd::fuzz
