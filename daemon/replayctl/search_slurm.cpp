#include "daemon/replayctl/search_slurm.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "daemon/config/config.hpp"
#include "daemon/files/output_file.hpp"
#include "daemon/net/quoted.hpp"
#include "storage/search_store.hpp"

namespace replayd::ctl {
namespace {

using search::Trial;

Result<void> write_text(const std::string& path, const std::string& text) {
    auto file = files::OutputFile::open(path);
    if (!file) return tl::unexpected(file.error());
    return file->write(text).and_then([&] { return file->close(); });
}

/// A word that a shell reads back as it is.
std::string shell_word(const std::string& word) {
    std::string out = "'";
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

/// A folder that no earlier job used: what a task of an older round still writes must not be read as one of this.
Result<std::string> new_folder(const std::string& parent) {
    std::error_code error;
    std::filesystem::create_directories(parent, error);
    for (int number = 1; !error; ++number) {
        const std::string folder = parent + "/round-" + std::to_string(number);
        if (std::filesystem::create_directory(folder, error)) return folder;
    }
    return fail(Code::io, net::quoted(parent) + ": cannot make a folder there: " + error.message());
}

std::string script_of(const SlurmOptions& options, const std::string& folder) {
    std::string out = "#!/bin/sh\nexec";
    for (const std::string& word : options.command) out += ' ' + shell_word(word);
    const std::string task = shell_word(folder) + "/task-\"$SLURM_ARRAY_TASK_ID\"";
    return out + " --trials " + task + ".trials --db " + task + ".db\n";
}

/// Runs the command to its end; its exit status, or 128 + signal.
Result<int> run_command(std::vector<std::string> words) {
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t child = 0;
    if (const int error = ::posix_spawnp(&child, argv[0], nullptr, nullptr, argv.data(), environ); error != 0) {
        return fail(Code::unavailable,
                    "cannot run " + words[0] + ": " + std::strerror(error) +
                        ": expected Slurm's commands in PATH (Debian: slurm-client), or --executor local");
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<void> run_on_slurm(const SlurmOptions& options, std::span<const Trial> trials, const std::string& db) {
    const auto folder = new_folder(options.folder);
    if (!folder) return tl::unexpected(folder.error());
    const auto tasks = std::min(static_cast<std::size_t>(options.tasks), trials.size());
    // Neighbours are about as large: dealt out one by one, every task gets small and large ones.
    std::vector<std::string> shares(tasks);
    for (std::size_t i = 0; i < trials.size(); ++i) {
        shares[i % tasks] += std::to_string(trials[i].candidate) + ' ' + std::to_string(trials[i].arrivals) + ' ' +
                             std::to_string(trials[i].load_permille) + '\n';
    }
    for (std::size_t task = 0; task < tasks; ++task) {
        const std::string path = *folder + "/task-" + std::to_string(task) + ".trials";
        if (auto written = write_text(path, shares[task]); !written) return written;
    }
    const std::string script = *folder + "/task.sh";
    if (auto written = write_text(script, script_of(options, *folder)); !written) return written;
    std::vector<std::string> words = {"sbatch",
                                      "--wait",
                                      "--quiet",
                                      "--job-name=replayctl-search",
                                      "--array=0-" + std::to_string(tasks - 1),
                                      "--output=" + *folder + "/task-%a.log"};
    words.insert(words.end(), options.sbatch.begin(), options.sbatch.end());
    words.push_back(script);
    const auto status = run_command(std::move(words));
    if (!status) return tl::unexpected(status.error());
    for (std::size_t task = 0; task < tasks; ++task) {
        const std::string path = *folder + "/task-" + std::to_string(task) + ".db";
        if (!std::filesystem::exists(path)) continue;
        if (auto merged = storage::merge_searches(db, path); !merged) return tl::unexpected(merged.error());
    }
    if (*status == 0) return {};
    return fail(Code::unavailable,
                "sbatch ended with status " + std::to_string(*status) + ": see " + *folder +
                    "/task-*.log; what its tasks found is kept, and the same command goes on from there");
}

Result<std::vector<Trial>> read_trials(const std::string& path) {
    const auto text = config::read_text_file(path);
    if (!text) return tl::unexpected(text.error());
    std::vector<Trial> out;
    std::istringstream lines(*text);
    std::string line;
    for (std::int64_t number = 1; std::getline(lines, line); ++number) {
        std::istringstream words(line);
        Trial trial;
        std::string more;
        if (!(words >> trial.candidate >> trial.arrivals >> trial.load_permille) || (words >> more) ||
            trial.candidate < 0 || trial.arrivals < 1 || trial.load_permille < 1) {
            return fail(Code::invalid_argument,
                        path + ":" + std::to_string(number) + ": expected candidate, arrivals and load in thousandths");
        }
        out.push_back(trial);
    }
    return out;
}

}  // namespace replayd::ctl
