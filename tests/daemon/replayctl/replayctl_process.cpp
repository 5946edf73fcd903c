#include "tests/daemon/replayctl/replayctl_process.hpp"
#include "tests/source_paths.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace replayd::ctl {
namespace {

/// Pointers as exec wants them; `words` must stay.
std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> list;
    for (std::string& word : words) list.push_back(word.data());
    list.push_back(nullptr);
    return list;
}

std::vector<std::string> environment_with(const std::string& setting) {
    std::vector<std::string> variables;
    const std::string name = setting.substr(0, setting.find('=') + 1);
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string_view each(*variable);
        const bool replaced = !name.empty() && each.starts_with(name);
        if (!each.starts_with("REPLAYD_") && !replaced) variables.emplace_back(each);
    }
    if (!setting.empty()) variables.push_back(setting);
    return variables;
}

/// Waits until `child` has ended, killing it when `enough` says so. Returns what waitpid tells.
int wait_for(pid_t child, const std::function<bool()>& enough) {
    int status = 0;
    if (!enough) {
        ::waitpid(child, &status, 0);
        return status;
    }
    while (::waitpid(child, &status, WNOHANG) == 0) {
        if (enough()) ::kill(child, SIGKILL);
        ::sched_yield();
    }
    return status;
}

Said run(const std::vector<std::string>& arguments, const std::string& environment, const std::string& input,
         const std::string& output, const std::function<bool()>& enough) {
    const files::TemporaryFolder folder;
    const std::string out = output.empty() ? folder.path("out") : output;
    const std::string err = folder.path("err");
    std::vector<std::string> words = {std::string(REPLAYD_BINARY_DIR) + "/replayctl"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> variables = environment_with(environment);
    const std::vector<char*> argv = pointers(words);
    const std::vector<char*> envp = pointers(variables);
    // Other threads may hold locks: the child calls nothing but the system.
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(::open(input.c_str(), O_RDONLY), STDIN_FILENO);
        ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
        ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
        ::close_range(STDERR_FILENO + 1, ~0U, 0);
        ::execve(argv[0], argv.data(), envp.data());
        ::_exit(127);
    }
    const int status = wait_for(child, enough);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output.empty() ? files::contents(out) : "",
            files::contents(err)};
}

}  // namespace

Said run_replayctl(const std::vector<std::string>& arguments, const std::string& environment, const std::string& input,
                   const std::string& output) {
    return run(arguments, environment, input, output, {});
}

Said run_replayctl_until(const std::vector<std::string>& arguments, const std::function<bool()>& enough) {
    return run(arguments, {}, "/dev/null", {}, enough);
}

}  // namespace replayd::ctl
