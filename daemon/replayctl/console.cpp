#include "daemon/replayctl/console.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/config/usage.hpp"
#include "daemon/protocol/codes.hpp"

namespace replayd::ctl {

Result<void> print(std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    if (written) return {};
    return fail(Code::io, std::string("cannot write standard output: ") + std::strerror(errno));
}

void note(std::string_view text) {
    std::fprintf(stderr, "note: %s\n", config::one_line(text).c_str());
}

void print_error(const Error& error, bool json) {
    std::string line = config::one_line(error.message);
    if (json) {
        const std::string_view code = protocol::facts(error.code).name;
        line = boost::json::serialize(boost::json::object{{"code", code}, {"message", line}});
    } else {
        line = "replayctl: " + line;
    }
    std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace replayd::ctl
