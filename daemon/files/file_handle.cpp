#include "daemon/files/file_handle.hpp"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace replayd::files {

FileHandle::~FileHandle() {
    if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

bool same_file(const std::string& a, const std::string& b) {
    if (is_standard_stream(a) || is_standard_stream(b) || a.empty() || b.empty()) return false;
    namespace fs = std::filesystem;
    std::error_code none;
    if (fs::equivalent(a, b, none)) return true;
    const fs::path one = fs::weakly_canonical(a, none);
    return !none && one == fs::weakly_canonical(b, none) && !none;
}

tl::unexpected<Error> system_error(const std::string& path, std::string_view action) {
    const int number = errno;
    if (path.empty()) return fail(Code::invalid_argument, "the path is empty: expected that of a file");
    if (number == EISDIR) return fail(Code::invalid_argument, path + " is a folder: expected a file");
    const Code code = number == ENOENT || number == ENOTDIR ? Code::not_found : Code::io;
    return fail(code, path + ": cannot " + std::string(action) + ": " +
                          std::system_category().message(number));
}

}  // namespace replayd::files
