#include "daemon/access/secret.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>

namespace replayd::access {
namespace {

constexpr mode_t k_group_and_others = 077;
constexpr mode_t k_others = 07;
/// A file that holds more cannot be a secret of ours.
constexpr std::size_t k_file_bytes_max = 4096;

/// A file descriptor that closes itself.
class OpenFile {
public:
    explicit OpenFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    ~OpenFile() {
        if (fd_ >= 0) ::close(fd_);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
};

Result<void> check_owner_and_mode(const struct stat& facts, const std::string& name, mode_t closed_to) {
    if (!S_ISREG(facts.st_mode)) {
        return fail(Code::invalid_argument, name + " is no regular file: expected a file with one line of text");
    }
    if (facts.st_uid != ::geteuid() && facts.st_uid != 0) {
        return fail(Code::invalid_argument,
                    fmt::format("{} belongs to user {}: expected user {}, who runs this, or root", name, facts.st_uid,
                                ::geteuid()));
    }
    if ((facts.st_mode & closed_to) != 0) {
        return fail(Code::invalid_argument,
                    fmt::format("{} may be read by other users (mode {:04o}): expected 0600 or 0400; mend it with "
                                "chmod 600",
                                name, facts.st_mode & 07777U));
    }
    return {};
}

Result<std::string> read_all(int fd, const std::string& name) {
    std::string text(k_file_bytes_max + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(Code::io, "cannot read " + name + ": " + std::strerror(errno));
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

std::string trimmed(const std::string& text) {
    constexpr const char* k_blanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(k_blanks);
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(k_blanks) - first + 1);
}

bool b64token(std::string_view text) {
    constexpr std::string_view k_allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
    return text.find_first_not_of(k_allowed) == std::string_view::npos;
}

/// What a closed file holds, without the blanks around it.
Result<std::string> read_closed(const std::string& path, const std::string& name, mode_t closed_to) {
    const OpenFile file(path);
    struct stat facts {};
    if (file.fd() < 0 || ::fstat(file.fd(), &facts) != 0) {
        return fail(errno == ENOENT ? Code::not_found : Code::io, "cannot read " + name + ": " + std::strerror(errno));
    }
    if (auto checked = check_owner_and_mode(facts, name, closed_to); !checked) return tl::unexpected(checked.error());
    auto text = read_all(file.fd(), name);
    if (!text) return text;
    return trimmed(*text);
}

Result<std::string> read_checked(const std::string& path, std::string_view what, mode_t closed_to) {
    const std::string name = std::string(what) + " " + path;
    auto read = read_closed(path, name, closed_to);
    if (!read) return read;
    const std::string& secret = *read;
    if (secret.size() < k_secret_characters_min || secret.size() > k_secret_characters_max) {
        return fail(Code::invalid_argument,
                    fmt::format("{} holds {} characters: expected one line of {} to {}, e.g. of openssl rand -hex 32",
                                name, secret.size(), k_secret_characters_min, k_secret_characters_max));
    }
    if (!b64token(secret)) {
        return fail(Code::invalid_argument, name + " holds other characters than A-Z a-z 0-9 - . _ ~ + / =: expected "
                                                   "one line of these, e.g. of openssl rand -hex 32");
    }
    return read;
}

}  // namespace

Result<std::string> read_secret_file(const std::string& path, std::string_view what) {
    return read_checked(path, what, k_group_and_others);
}

Result<std::string> read_foreign_secret_file(const std::string& path, std::string_view what) {
    const std::string name = std::string(what) + " " + path;
    auto secret = read_closed(path, name, k_group_and_others);
    if (!secret) return secret;
    if (secret->empty() || secret->size() > k_secret_characters_max || secret->find('\n') != std::string::npos) {
        return fail(Code::invalid_argument, fmt::format("{} holds {} characters: expected one line of 1 to {}", name,
                                                        secret->size(), k_secret_characters_max));
    }
    return secret;
}

Result<void> check_secret_file(const std::string& path, std::string_view what) {
    return read_closed(path, std::string(what) + " " + path, k_group_and_others).map([](const std::string&) {});
}

Result<std::string> read_secret(const config::SecretSource& source, std::string_view what) {
    if (!source.file.empty()) return read_secret_file(source.file, what);
    const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
    if (directory == nullptr) {
        return fail(Code::invalid_argument,
                    std::string(what) + " is the credential \"" + source.credential +
                        "\" and CREDENTIALS_DIRECTORY is not set: expected a start by systemd with LoadCredential=" +
                        source.credential + ":PATH, or a file");
    }
    return read_checked(std::string(directory) + "/" + source.credential, what, k_others);
}

}  // namespace replayd::access
