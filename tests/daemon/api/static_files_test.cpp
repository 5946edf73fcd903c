// The page's files: right types and headers, and nothing outside the folder.

#include "daemon/api/static_files.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace replayd::api {
namespace {

namespace fs = std::filesystem;

class StaticFilesTest : public testing::Test {
protected:
    StaticFilesTest() : root_(testing::TempDir() + "static_files_" + std::to_string(getpid())) {
        fs::create_directories(root_ + "/page/js");
        write("page/index.html", "<html>");
        write("page/js/main.js", "go()");
        write("page/.secret", "hidden");
        write("outside.txt", "outside");
        fs::create_symlink("../outside.txt", root_ + "/page/link.txt");
    }
    ~StaticFilesTest() override { fs::remove_all(root_); }

    void write(const std::string& name, const std::string& text) { std::ofstream(root_ + "/" + name) << text; }
    net::HttpResponse get(const std::string& path) { return static_file(root_ + "/page", path); }

    std::string root_;
};

std::string header(const net::HttpResponse& response, const std::string& name) {
    const auto found = std::find_if(response.headers.begin(), response.headers.end(),
                                    [&name](const auto& entry) { return entry.first == name; });
    return found == response.headers.end() ? std::string() : found->second;
}

TEST_F(StaticFilesTest, serves_the_index_for_the_root) {
    const net::HttpResponse response = get("/");
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.body, "<html>");
    EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
}

TEST_F(StaticFilesTest, serves_files_below_with_type_and_policy) {
    const net::HttpResponse response = get("/js/main.js");
    EXPECT_EQ(response.body, "go()");
    EXPECT_EQ(response.content_type, "text/javascript; charset=utf-8");
    EXPECT_EQ(header(response, "x-content-type-options"), "nosniff");
    EXPECT_EQ(header(response, "cache-control"), "no-cache");
    EXPECT_EQ(header(response, "content-security-policy").rfind("default-src 'self'; ", 0), 0U);
}

// Every way out of the folder, and every hidden file, answers as if nothing were there.
TEST_F(StaticFilesTest, nothing_outside_or_hidden_is_there) {
    for (const char* path : {"/../outside.txt", "/js/../../outside.txt", "/.secret", "/link.txt", "/js/..", "/js/",
                             "/js", "/none.html", "//etc/passwd", "/js\\..\\..\\outside.txt"}) {
        const net::HttpResponse response = get(path);
        EXPECT_EQ(response.status, 404U) << path;
        EXPECT_EQ(response.body.find("outside\n"), std::string::npos) << path;
    }
    EXPECT_EQ(get(std::string("/index.html\0.txt", 16)).status, 404U);
}

TEST_F(StaticFilesTest, a_missing_file_is_named) {
    EXPECT_NE(get("/none.html").body.find(R"(no file \"/none.html\" in the page)"), std::string::npos);
}

}  // namespace
}  // namespace replayd::api
