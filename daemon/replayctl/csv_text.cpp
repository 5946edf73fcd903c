#include "daemon/replayctl/csv_text.hpp"

namespace replayd::ctl {

std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
    std::string field = "\"";
    for (const char c : text) {
        field += c;
        if (c == '"') field += c;
    }
    return field + '"';
}

void CsvLine::separate() {
    if (begun_) out_ += ',';
    begun_ = true;
}

CsvLine& CsvLine::add(std::string_view text) {
    separate();
    out_ += csv_field(text);
    return *this;
}

CsvLine& CsvLine::add(std::int64_t number) {
    separate();
    out_ += std::to_string(number);
    return *this;
}

}  // namespace replayd::ctl
