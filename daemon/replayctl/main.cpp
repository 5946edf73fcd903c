// replayctl: see command_line.cpp for its commands.

#include <exception>
#include <string>

#include "daemon/replayctl/command_line.hpp"
#include "daemon/replayctl/console.hpp"

namespace ctl = replayd::ctl;

namespace {

int told(const replayd::Error& error, bool json) {
    ctl::print_error(error, json);
    return static_cast<int>(ctl::status_of(error.code));
}

}  // namespace

int main(int argc, char** argv) {
    const bool json = ctl::wants_json(argc, argv);
    const auto command = ctl::parse_command_line(argc, argv);
    if (!command) return told(command.error(), json);
    if (!command->run) {
        const auto printed = ctl::print(command->print);
        return printed ? 0 : told(printed.error(), json);
    }
    try {
        const auto status = command->run();
        return status ? static_cast<int>(*status) : told(status.error(), json);
    } catch (const std::exception& error) {
        // Only reading an answer throws, when it has not the members that the API promises.
        return told({replayd::Code::io, std::string("the daemon's answer cannot be read: ") + error.what()}, json);
    }
}
