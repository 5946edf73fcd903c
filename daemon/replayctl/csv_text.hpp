#pragma once
// Lines of comma-separated values, RFC 4180 (with '\n' at line ends).

#include <cstdint>
#include <string>
#include <string_view>

namespace replayd::ctl {

/// `text` as a field: in quotes where a comma, quote or line break asks for them.
[[nodiscard]] std::string csv_field(std::string_view text);

/// Appends one line field by field.
class CsvLine {
public:
    explicit CsvLine(std::string& out) : out_(out) {}
    ~CsvLine() { out_ += '\n'; }
    CsvLine(const CsvLine&) = delete;
    CsvLine& operator=(const CsvLine&) = delete;

    CsvLine& add(std::string_view text);
    CsvLine& add(std::int64_t number);

private:
    void separate();

    std::string& out_;
    bool begun_ = false;
};

}  // namespace replayd::ctl
