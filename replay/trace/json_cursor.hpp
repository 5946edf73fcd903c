#pragma once
// Walks one line that holds one JSON object (RFC 8259), without building a tree. Numbers come back as
// their text, so that times lose nothing. Every byte of the line is checked, passed-over values too.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"

namespace replayd {

enum class JsonKind : std::uint8_t { text, number, array, object, null, boolean, nothing };

/// Use: `open()`, then while `next(key)` is true take the value by exactly one of the readers below.
/// Errors are invalid_argument and name the column (from 1) and what was expected there.
class JsonCursor {
public:
    /// `line` must outlive the cursor.
    explicit JsonCursor(std::string_view line) : line_(line) {}

    /// Enters the object.
    [[nodiscard]] Result<void> open();
    /// Moves to the next member and stores its name; false after the last one, when only the line's end
    /// follows.
    [[nodiscard]] Result<bool> next(std::string& key);

    /// What the value at the cursor is, by its first character.
    [[nodiscard]] JsonKind kind() const;
    /// The text of a number. Precondition: kind() == number.
    [[nodiscard]] Result<std::string_view> number();
    /// The decoded contents of a string, in UTF-8. Precondition: kind() == text.
    [[nodiscard]] Result<void> text(std::string& out);
    /// An array of whole numbers up to 2^64-1, replacing `out`; with `allow_quoted` also as strings of
    /// digits. `field` names the array in errors. Precondition: kind() == array.
    [[nodiscard]] Result<void> whole_numbers(std::string_view field, bool allow_quoted,
                                             std::vector<std::uint64_t>& out);
    /// Passes over a value of any kind, nested at most 64 deep, and returns its text.
    [[nodiscard]] Result<std::string_view> skip();

private:
    [[nodiscard]] char peek() const { return at_ < line_.size() ? line_[at_] : '\0'; }
    void pass_spaces();
    [[nodiscard]] std::optional<std::uint64_t> plain_number();
    [[nodiscard]] Result<std::uint64_t> whole_number(std::string_view field, bool allow_quoted, std::size_t index);
    [[nodiscard]] bool pass(char c);
    [[nodiscard]] tl::unexpected<Error> broken(std::string_view expected) const;
    [[nodiscard]] Result<void> escape(std::string& out);
    [[nodiscard]] Result<std::uint32_t> hex4();
    [[nodiscard]] Result<void> literal(std::string_view word);
    [[nodiscard]] Result<void> pass_value(int depth);
    [[nodiscard]] Result<void> pass_members(int depth, char close);

    std::string_view line_;
    std::size_t at_ = 0;
    bool first_ = true;
    std::string scratch_;
};

}  // namespace replayd
