// Standard error of the real daemon: nothing but lines of our log, whatever the libraries have to say.

#include <gtest/gtest.h>

#include <regex>
#include <sstream>
#include <string>

#include "tests/system/running_daemon.hpp"

namespace replayd::testing {
namespace {

/// An ExportTraceServiceRequest, whose resource has an attribute with a name that is not UTF-8.
const std::string k_not_utf8("\x0a\x07\x0a\x05\x0a\x03\x0a\x01\xff", 9);

/// Standard error of a daemon of this log level that was sent spans which libprotobuf writes of.
std::string errors_at(const std::string& level) {
    const TemporaryDirectory directory;
    RunningDaemon daemon(directory, {"--log-level", level});
    EXPECT_EQ(daemon.ask("POST", "/v1/traces", k_not_utf8, "application/x-protobuf").status, 400U);
    daemon.terminate();
    return daemon.process().errors();
}

TEST(Log, has_no_lines_but_ours) {
    const std::regex ours(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d )"
                          R"(level=(debug|info|warning|error) event=[a-z_]+( [a-z_]+=.*)?)");
    const std::string errors = errors_at("debug");
    std::istringstream lines(errors);
    for (std::string line; std::getline(lines, line);) EXPECT_TRUE(std::regex_match(line, ours)) << line;
    EXPECT_NE(errors.find(" level=debug event=protobuf_message message=\"String field "), std::string::npos) << errors;
}

TEST(Log, keeps_quiet_of_what_the_sender_is_told) {
    EXPECT_EQ(errors_at("info").find("protobuf"), std::string::npos);
}

}  // namespace
}  // namespace replayd::testing
