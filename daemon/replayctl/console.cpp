#include "daemon/replayctl/console.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/protocol/codes.hpp"

namespace replayd::ctl {

namespace {

/// Messages quote what they refuse: control characters in it must neither end the line nor steer the terminal.
std::string one_line(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string line;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (character == '\n')
            line += ' ';
        else if (byte >= 0x20 && byte != 0x7f)
            line += character;
        else
            line += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
    return line;
}

}  // namespace

Result<void> print(std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    if (written) return {};
    return fail(Code::io, std::string("cannot write standard output: ") + std::strerror(errno));
}

void note(std::string_view text) {
    std::fprintf(stderr, "note: %.*s\n", static_cast<int>(text.size()), text.data());
}

void print_error(const Error& error, bool json) {
    std::string line = one_line(error.message);
    if (json) {
        const std::string_view code = protocol::facts(error.code).name;
        line = boost::json::serialize(boost::json::object{{"code", code}, {"message", line}});
    } else {
        line = "replayctl: " + line;
    }
    std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace replayd::ctl
