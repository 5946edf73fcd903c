#pragma once
// Child processes of the tests: started with their output in files, waited for with a deadline, never left behind.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace replayd::testing {

/// Longest wait for anything that a sound program does; a loaded machine is slow, a hanging test must end.
inline constexpr std::chrono::seconds k_patience{180};

/// A directory under the system's temporary one that goes with the object.
class TemporaryDirectory {
public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

/// The whole text of a file; empty where there is none.
[[nodiscard]] std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

/// A running program. It is killed with the object, and with this process.
class Process {
public:
    /// Standard output and error go to `output_path` and `output_path`.err. With `piped_input`, write() feeds its
    /// standard input, which is empty otherwise.
    Process(const std::vector<std::string>& arguments, std::string output_path, bool piped_input = false);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void signal(int number) const;
    void write(const std::string& text) const;
    void close_input();
    [[nodiscard]] bool running();
    /// Exit status, or 128 + the signal that ended it; a failed test and -1 after `patience`.
    int wait(std::chrono::milliseconds patience = k_patience);
    [[nodiscard]] std::string output() const { return read_file(output_path_); }
    [[nodiscard]] std::string errors() const { return read_file(output_path_ + ".err"); }

private:
    /// Takes the status if the process has ended within `patience`.
    bool reap(std::chrono::milliseconds patience);

    const std::string name_;
    const std::string output_path_;
    int pid_ = -1;
    int pid_fd_ = -1;
    int input_ = -1;
    std::optional<int> status_;
};

/// Asks `condition` again and again until it is true; a failed test that names `what` when it never is.
template <class Condition>
[[nodiscard]] bool wait_until(const std::string& what, Condition condition);

namespace impl {
void short_pause();
void give_up(const std::string& what);
}  // namespace impl

template <class Condition>
bool wait_until(const std::string& what, Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + k_patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline) {
            impl::give_up(what);
            return false;
        }
        impl::short_pause();
    }
    return true;
}

}  // namespace replayd::testing
