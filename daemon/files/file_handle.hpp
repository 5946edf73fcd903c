#pragma once
// An open file descriptor with an owner, and the words for what the system said about it.

#include <string>
#include <string_view>
#include <utility>

#include "replay/base/error.hpp"

namespace replayd::files {

/// Closes its descriptor when it goes, unless the descriptor is standard input or output.
class FileHandle {
public:
    explicit FileHandle(int descriptor) : descriptor_(descriptor) {}
    ~FileHandle();
    FileHandle(FileHandle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    FileHandle& operator=(FileHandle&& other) noexcept;

    [[nodiscard]] int get() const { return descriptor_; }
    /// Gives the descriptor up without closing it.
    [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }

private:
    int descriptor_;
};

/// "-" for standard input or output in `path`.
[[nodiscard]] inline bool is_standard_stream(std::string_view path) { return path == "-"; }

/// Whether the two paths lead to one file, also over links and where neither is there yet.
[[nodiscard]] bool same_file(const std::string& a, const std::string& b);

/// `PATH: cannot DO: REASON` from errno: not_found for a missing file or folder, invalid_argument for a folder in place
/// of a file and for an empty path, io for the rest.
[[nodiscard]] tl::unexpected<Error> system_error(const std::string& path, std::string_view action);

}  // namespace replayd::files
