#include "daemon/files/file_handle.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace replayd::files {

FileHandle::~FileHandle() {
    if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

tl::unexpected<Error> system_error(const std::string& path, std::string_view action) {
    const int number = errno;
    const Code code = number == ENOENT || number == ENOTDIR ? Code::not_found : Code::io;
    return fail(code, path + ": cannot " + std::string(action) + ": " +
                          std::system_category().message(number));
}

}  // namespace replayd::files
