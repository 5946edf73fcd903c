#pragma once
// A file that is written from front to back: plain, or compressed where the name ends in .gz or .zst.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "replay/base/error.hpp"

namespace replayd::files {

class OutputFile {
public:
    /// Creates or empties `path`; "-" is standard output, never compressed. Errors not_found and io name
    /// the path and the system's reason; invalid_argument for a folder, and for one of `inputs`: files that the program
    /// reads, which would be lost.
    [[nodiscard]] static Result<OutputFile> open(const std::string& path, std::span<const std::string> inputs = {});
    /// The error that `open` gives for one of `inputs`, without touching anything: for programs that write at the end.
    [[nodiscard]] static Result<void> check(const std::string& path, std::span<const std::string> inputs);
    /// A file that was not closed keeps what reached the system.
    ~OutputFile();
    OutputFile(OutputFile&&) noexcept;
    OutputFile& operator=(OutputFile&&) noexcept;

    /// Error io, e.g. for a full disk; then the file is incomplete and further calls are useless.
    [[nodiscard]] Result<void> write(std::string_view bytes);
    /// Writes what is held back and the end of the compressed stream. Call once, last.
    [[nodiscard]] Result<void> close();

private:
    class Impl;
    explicit OutputFile(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace replayd::files
