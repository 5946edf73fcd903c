#include "replay/trace/line_splitter.hpp"

namespace replayd {
namespace {

constexpr std::string_view k_byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

Result<void> LineSplitter::pass(std::string_view line, const OnLine& on_line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (done_ == 0 && line.starts_with(k_byte_order_mark)) line.remove_prefix(k_byte_order_mark.size());
    if (line.size() > k_line_bytes_max) {
        return fail(Code::too_large, "the line is longer than " + std::to_string(k_line_bytes_max) +
                                         " bytes: expected one request a line");
    }
    if (auto taken = on_line(line, done_ + 1); !taken) return taken;
    ++done_;
    return {};
}

Result<void> LineSplitter::feed(std::string_view bytes, const OnLine& on_line) {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view piece = bytes.substr(0, end);
        const bool complete = end != std::string_view::npos;
        bytes.remove_prefix(complete ? end + 1 : bytes.size());
        if (complete && partial_.empty()) {
            if (auto passed = pass(piece, on_line); !passed) return passed;
            continue;
        }
        partial_ += piece;
        if (!complete && partial_.size() <= k_line_bytes_max + 1) return {};
        if (auto passed = pass(partial_, on_line); !passed) return passed;
        partial_.clear();
    }
    return {};
}

Result<void> LineSplitter::finish(const OnLine& on_line) {
    if (partial_.empty()) return {};
    auto passed = pass(partial_, on_line);
    partial_.clear();
    return passed;
}

}  // namespace replayd
