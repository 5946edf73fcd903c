#include "replay/trace/trace_reader.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "replay/base/assert.hpp"
#include "replay/trace/bin_spreader.hpp"
#include "replay/trace/line_splitter.hpp"
#include "replay/trace/row_parser.hpp"
#include "replay/trace/text.hpp"

namespace replayd {

class TraceReader::Impl {
public:
    explicit Impl(TraceOptions options) : options_(std::move(options)) {
        REPLAYD_ASSERT(options_.prefix_block.value >= 1);
        if (options_.format) use(*options_.format);
        if (options_.spread_width) spreader_ = BinSpreader(*options_.spread_width);
    }

    Result<void> feed(std::string_view bytes, std::vector<Arrival>& out) {
        return once([&] { return placed(lines_.feed(bytes, taker(out))); });
    }

    Result<void> finish(std::vector<Arrival>& out) {
        return once([&]() -> Result<void> {
            if (auto taken = placed(lines_.finish(taker(out))); !taken) return taken;
            if (rows_ == failed_rows_skipped_) return no_request();
            std::stable_sort(held_.begin(), held_.end(),
                             [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
            for (Arrival& arrival : held_) emit(std::move(arrival), out);
            held_.clear();
            for (auto& [at, arrival] : unordered_) emit(std::move(arrival), out);
            unordered_.clear();
            spreader_.finish(out);
            return {};
        });
    }

    TraceStats stats() const {
        return {rows_, failed_rows_skipped_, parser_ ? parser_->ignored_fields() : std::vector<std::string>{}};
    }

    std::optional<TraceFormat> format() const {
        return format_ == nullptr ? std::nullopt : std::optional(format_->format);
    }

private:
    // Runs one step unless an earlier one failed.
    template <class Step>
    Result<void> once(Step step) {
        if (!error_) {
            auto done = step();
            if (done) return done;
            error_ = std::move(done.error());
        }
        return tl::unexpected(*error_);
    }

    // Puts file and line in front of an error inside a line.
    Result<void> placed(Result<void> taken) const {
        if (taken) return taken;
        const std::string place = options_.origin + ":" + std::to_string(lines_.line()) + ": ";
        return fail(taken.error().code, place + taken.error().message);
    }

    Result<void> no_request() const {
        std::string found = "holds no row";
        if (rows_ > 0) found = "holds only failed rows, all " + std::to_string(rows_) + " of them skipped";
        if (lines_.line() == 1) found = "is empty";
        return fail(Code::invalid_argument,
                    options_.origin + ": the trace " + found + ": expected at least one request");
    }

    LineSplitter::OnLine taker(std::vector<Arrival>& out) {
        return [this, &out](std::string_view line, std::int64_t number) { return take(line, number, out); };
    }

    void use(TraceFormat format) {
        format_ = &traits(format);
        const RowOptions rows{options_.time_unit.value_or(format_->unit), options_.prefix_block,
                              options_.skip_failed_rows};
        parser_ = make_row_parser(*format_, rows);
        sorts_ = options_.sort.value_or(format_->sorts);
    }

    // Blank lines hold no request in any format; files often end with one.
    Result<void> take(std::string_view line, std::int64_t number, std::vector<Arrival>& out) {
        if (trimmed(line).empty()) return {};
        if (!parser_) {
            const auto format = detect_format(line);
            if (!format) return tl::unexpected(format.error());
            use(*format);
        }
        if (parser_->wants_header()) return parser_->header(line);
        const auto row = parser_->row(line, rows_);
        if (!row) return tl::unexpected(row.error());
        if (*row == nullptr) return {};
        ++rows_;
        if ((*row)->failed) {
            ++failed_rows_skipped_;
            return {};
        }
        if (sorts_ && options_.reorder) return take_unordered(**row, out);
        if (sorts_) {
            held_.push_back(std::move((*row)->arrival));
            return {};
        }
        if (auto ordered = check_order(**row, number); !ordered) return ordered;
        emit(std::move((*row)->arrival), out);
        return {};
    }

    Result<void> check_order(TraceRow& row, std::int64_t number) {
        if (last_line_ != 0 && row.arrival.at < last_at_) {
            return fail(Code::invalid_argument,
                        std::string(row.time_name) + " is " + quoted(row.time_text) + ", before " + quoted(last_text_) +
                            " of line " + std::to_string(last_line_) +
                            ": expected times that never go back; sort the file by that column");
        }
        last_at_ = row.arrival.at;
        last_line_ = number;
        std::swap(last_text_, row.time_text);
        return {};
    }

    // Holds the row until no earlier one can come.
    Result<void> take_unordered(TraceRow& row, std::vector<Arrival>& out) {
        const VirtualTime at = row.arrival.at;
        if (at < passed_) {
            return fail(Code::invalid_argument,
                        std::string(row.time_name) + " is " + quoted(row.time_text) + ", " +
                            std::to_string((latest_ - at).value / k_ns_per_ms) +
                            " ms before that of an earlier row: expected rows that are out of order by at most " +
                            std::to_string(options_.reorder->value / k_ns_per_ms) +
                            " ms; raise the option reorder, or sort the file");
        }
        unordered_.emplace(at, std::move(row.arrival));
        latest_ = std::max(latest_, at);
        passed_ = std::max(passed_, latest_ - *options_.reorder);
        const auto end = unordered_.lower_bound(passed_);
        for (auto held = unordered_.begin(); held != end; ++held) emit(std::move(held->second), out);
        unordered_.erase(unordered_.begin(), end);
        return {};
    }

    void emit(Arrival&& arrival, std::vector<Arrival>& out) {
        if (!epoch_) epoch_ = format_->from_first || options_.start_at_zero ? arrival.at : VirtualTime(0);
        arrival.at = VirtualTime((arrival.at - *epoch_).value);
        REPLAYD_ASSERT(!violation(arrival));
        if (options_.spread_bins || options_.spread_width) {
            spreader_.push(std::move(arrival), out);
        } else {
            out.push_back(std::move(arrival));
        }
    }

    TraceOptions options_;
    LineSplitter lines_;
    const FormatTraits* format_ = nullptr;
    std::unique_ptr<RowParser> parser_;
    bool sorts_ = false;
    std::vector<Arrival> held_;  // rows of a format that sorts
    std::multimap<VirtualTime, Arrival> unordered_;  // rows that earlier ones may follow
    VirtualTime latest_;                             // of the rows so far
    VirtualTime passed_;                             // every earlier row has been emitted
    BinSpreader spreader_;
    std::optional<VirtualTime> epoch_;
    VirtualTime last_at_;
    std::int64_t last_line_ = 0;
    std::string last_text_;
    std::int64_t rows_ = 0;
    std::int64_t failed_rows_skipped_ = 0;
    std::optional<Error> error_;
};

TraceReader::TraceReader(TraceOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
TraceReader::~TraceReader() = default;
TraceReader::TraceReader(TraceReader&&) noexcept = default;
TraceReader& TraceReader::operator=(TraceReader&&) noexcept = default;

Result<void> TraceReader::feed(std::string_view bytes, std::vector<Arrival>& out) {
    return impl_->feed(bytes, out);
}
Result<void> TraceReader::finish(std::vector<Arrival>& out) { return impl_->finish(out); }
TraceStats TraceReader::stats() const { return impl_->stats(); }
std::optional<TraceFormat> TraceReader::format() const { return impl_->format(); }

}  // namespace replayd
