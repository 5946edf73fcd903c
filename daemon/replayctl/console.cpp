#include "daemon/replayctl/console.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/protocol/codes.hpp"

namespace replayd::ctl {

Result<void> print(std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    if (written) return {};
    return fail(Code::io, std::string("cannot write standard output: ") + std::strerror(errno));
}

void note(std::string_view text) {
    std::fprintf(stderr, "note: %.*s\n", static_cast<int>(text.size()), text.data());
}

void print_error(const Error& error, bool json) {
    std::string line = error.message;
    std::replace(line.begin(), line.end(), '\n', ' ');
    if (json) {
        const std::string_view code = protocol::facts(error.code).name;
        line = boost::json::serialize(boost::json::object{{"code", code}, {"message", line}});
    } else {
        line = "replayctl: " + line;
    }
    std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace replayd::ctl
