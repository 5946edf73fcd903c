// The house rules of ARCHITECTURE.md, checked on every `#include` of the tree; and each rule on made-up lines, so that
// a rule that lets everything through is noticed.

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/source_paths.hpp"
#include "tests/system/include_rules.hpp"
#include "tests/system/source_tree.hpp"

namespace replayd::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_beast_files_max = 4;
const fs::path k_root = REPLAYD_SOURCE_DIR;

// The tree itself. A hundred files at least must have been read, or the test looks at the wrong place.
TEST(IncludeDirection, every_include_of_the_tree_follows_the_rules) {
    std::set<std::string> beast_files;
    const std::vector<std::string> files = files_of_tree({".cpp", ".hpp", ".h", ".in"});
    ASSERT_GT(files.size(), 100u);
    for (const std::string& file : files) {
        for (const Include& include : includes_of(text_of(file))) {
            const auto violation = include_violation(file, include.header);
            EXPECT_FALSE(violation) << file << ":" << include.line << ": " << include.header << ": " << *violation;
            if (is_beast(include.header)) beast_files.insert(file);
        }
    }
    EXPECT_LE(beast_files.size(), k_beast_files_max);
    EXPECT_GE(beast_files.size(), 1u);
}

// The top level is fixed; what is new goes into one of its folders.
TEST(IncludeDirection, the_top_level_has_only_its_folders) {
    for (const auto& entry : fs::directory_iterator(k_root)) {
        if (!entry.is_directory()) continue;
        const auto violation = top_folder_violation(entry.path().filename().string());
        EXPECT_FALSE(violation) << *violation;
    }
}

struct Case {
    const char* file;
    const char* header;
    const char* violation;  ///< nullptr: none
};

// One line per rule, wrong and right.
TEST(IncludeRules, each_rule_refuses_and_allows) {
    const std::string impure = "replay/ is pure: no threads, clocks, files, sockets or random devices";
    const std::vector<Case> cases = {
        {"replay/sim/run.cpp", "replay/base/units.hpp", nullptr},
        {"replay/sim/run.cpp", "storage/history.hpp", "replay/ may not include storage/"},
        {"replay/sim/run.cpp", "daemon/net/http.hpp", "replay/ may not include daemon/"},
        {"replay/sim/run.cpp", "proto/replayd.pb.h", "replay/ may not include proto/"},
        {"replay/sim/run.cpp", "tests/storage/sample.hpp", "replay/ may not include tests/"},
        {"proto/extra.cpp", "replay/base/units.hpp", "proto/ may not include replay/"},
        {"proto/extra.cpp", "storage/history.hpp", "proto/ may not include storage/"},
        {"storage/writer.cpp", "replay/sim/records.hpp", nullptr},
        {"storage/writer.cpp", "daemon/config/log.hpp", "storage/ may not include daemon/"},
        {"storage/writer.cpp", "proto/replayd.pb.h", "storage/ may not include proto/"},
        {"storage/writer.cpp", "mutex", nullptr},
        {"daemon/stream/stream.cpp", "storage/history.hpp", nullptr},
        {"daemon/protocol/wire.cpp", "proto/replayd.pb.h", nullptr},
        {"daemon/stream/stream.cpp", "tests/storage/sample.hpp", "daemon/ may not include tests/"},
        {"daemon/app/main.cpp", "systemd/sd-daemon.h", nullptr},
        {"dashboard/x.cpp", "vector", "no rule knows the folder of dashboard/x.cpp"},
        {"tests/system/x.cpp", "daemon/net/client.hpp", nullptr},
        {"utils/x.cpp", "vector", "no rule knows the folder of utils/x.cpp"},
        {"storage/writer.cpp", "../daemon/config/log.hpp",
         "a path with \"..\": expected one from the root of the tree"},
        {"daemon/net/client.cpp", "boost/beast/http.hpp", nullptr},
        {"daemon/net/client.hpp", "boost/beast/http.hpp", "Beast may be named in .cpp files only"},
        {"daemon/api/api.cpp", "boost/beast/http.hpp", "\"boost/beast\" belongs to daemon/net/ only"},
        {"tests/daemon/net/x.cpp", "boost/beast/http.hpp", "\"boost/beast\" belongs to daemon/net/ only"},
        {"storage/writer.cpp", "boost/asio/post.hpp", "\"boost/asio\" belongs to daemon/ only"},
        {"daemon/app/app.cpp", "boost/asio/post.hpp", nullptr},
        {"daemon/api/api.cpp", "sqlite3.h", "\"sqlite3.h\" belongs to storage/ only"},
        {"daemon/api/api.cpp", "prometheus/registry.h", "\"prometheus/\" belongs to daemon/metrics/ only"},
        {"daemon/api/api.cpp", "google/protobuf/message.h", "\"google/protobuf\" belongs to daemon/protocol/ only"},
        {"daemon/api/api.cpp", "spdlog/spdlog.h", "\"spdlog/\" belongs to daemon/config/ only"},
        {"replay/sim/run.cpp", "thread", impure.c_str()},
        {"replay/sim/run.cpp", "mutex", impure.c_str()},
        {"replay/sim/run.cpp", "chrono", impure.c_str()},
        {"replay/sim/run.cpp", "fstream", impure.c_str()},
        {"replay/sim/run.cpp", "iostream", impure.c_str()},
        {"replay/sim/run.cpp", "random", impure.c_str()},
        {"replay/sim/run.cpp", "sys/socket.h", impure.c_str()},
        {"replay/sim/run.cpp", "netinet/in.h", impure.c_str()},
        {"replay/sim/run.cpp", "string", nullptr},
        {"daemon/stream/stream.cpp", "chrono", nullptr},
    };
    for (const Case& c : cases) {
        const auto found = include_violation(c.file, c.header);
        EXPECT_EQ(found.value_or("none"), c.violation == nullptr ? "none" : c.violation) << c.file << " " << c.header;
    }
}

// Includes are found however they are written, and nothing else is taken for one.
TEST(IncludeRules, includes_are_found_in_any_spelling) {
    const auto found = includes_of("#pragma once\n  #  include <a.hpp>  // why\n#include\"b/c.hpp\"\n// #include <no>\n"
                                   "#if X\n#include <thread>\n#endif\n#include <cut");
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].header, "a.hpp");
    EXPECT_EQ(found[0].line, 2u);
    EXPECT_EQ(found[1].header, "b/c.hpp");
    EXPECT_EQ(found[2].header, "thread");
    EXPECT_EQ(found[2].line, 6u);
}

// Hidden folders and build outputs are no part of the tree.
TEST(IncludeRules, a_new_folder_at_the_top_is_refused) {
    EXPECT_FALSE(top_folder_violation("daemon"));
    EXPECT_FALSE(top_folder_violation("build"));
    EXPECT_FALSE(top_folder_violation(".git"));
    EXPECT_EQ(top_folder_violation("utils").value_or(""),
              "a folder \"utils\" at the top: expected daemon, replay, storage, dashboard, proto, tests or systemd");
}

}  // namespace
}  // namespace replayd::testing
