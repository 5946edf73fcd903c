#pragma once
// Files with secrets for one test, gone after it.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace replayd::access::testing {

class SecretFolder {
public:
    SecretFolder() { std::filesystem::create_directories(path_); }
    ~SecretFolder() { std::filesystem::remove_all(path_); }
    SecretFolder(const SecretFolder&) = delete;
    SecretFolder& operator=(const SecretFolder&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    /// Writes a file with exactly this mode, whatever the umask; its path.
    std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        std::string file = path_ + "/" + name;
        std::ofstream(file) << text;
        ::chmod(file.c_str(), mode);
        return file;
    }

private:
    const std::string path_ = ::testing::TempDir() + "replayd_secrets_" + std::to_string(::getpid()) + "_" +
                              ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

}  // namespace replayd::access::testing
