// The real program under systemd's protocol, played by the test: watchdog, socket activation, reload, drain, journal.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "daemon_process.hpp"
#include "held_history.hpp"

namespace replayd::test {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

class ServiceTest : public testing::Test {
protected:
    ~ServiceTest() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        std::ofstream(folder_ + "/" + name) << text;
        ::chmod((folder_ + "/" + name).c_str(), mode);
        return folder_ + "/" + name;
    }

    const std::string folder_ = make_folder();
    const std::string log_ = folder_ + "/log";
};

// Pings come while every part lives, stop while the writer cannot, and come again when it can.
TEST_F(ServiceTest, the_watchdog_is_fed_by_living_parts_only) {
    Launch launch;
    launch.environment = {{"WATCHDOG_USEC", "2000000"}};
    launch.log = log_;
    DaemonProcess daemon(folder_, launch);
    daemon.wait_notification("WATCHDOG=1");
    daemon.wait_notification("WATCHDOG=1");
    HeldHistory held(folder_ + "/history.db");
    // On a busy machine another part may be late too, and is named until it has answered.
    while (daemon.wait_notification("STATUS=no sign of life from: ") != "STATUS=no sign of life from: writer") {
        ASSERT_FALSE(HasFailure());
    }
    held.let_go();
    daemon.wait_notification("WATCHDOG=1");
    EXPECT_EQ(daemon.end(SIGTERM), 0);
    EXPECT_NE(text_of(log_).find("event=no_sign_of_life parts=writer\n"), std::string::npos) << text_of(log_);
    EXPECT_NE(text_of(log_).find("event=alive_again"), std::string::npos);
}

// Nobody asked for pings: none are sent, and a stop still works.
TEST_F(ServiceTest, without_a_watchdog_nothing_is_pinged) {
    DaemonProcess daemon(folder_);
    EXPECT_EQ(daemon.end(SIGTERM), 0);
    // On a busy machine a status may have been told in between.
    std::string told = daemon.next_notification();
    while (told.starts_with("STATUS=")) told = daemon.next_notification();
    EXPECT_EQ(told, "STOPPING=1\nSTATUS=draining");
}

// The socket outlives the daemon: clients that came meanwhile are served by the next one.
TEST_F(ServiceTest, a_passed_socket_is_served_and_survives_the_daemon) {
    std::uint16_t port = 0;
    const int fd = listening_socket(port);
    Launch launch;
    launch.flags = {"--listen", "127.0.0.1:1"};  // not used
    launch.listening_fd = fd;
    {
        DaemonProcess daemon(folder_, launch);
        EXPECT_EQ(daemon.endpoint().port, port);
        EXPECT_NE(daemon.ready().find("listening on 127.0.0.1:" + std::to_string(port)), std::string::npos);
        EXPECT_EQ(daemon.get_text("/readyz"), "ok\n");
        EXPECT_EQ(daemon.end(SIGTERM), 0);
    }
    DaemonProcess next(folder_, launch);
    EXPECT_EQ(next.get_text("/readyz"), "ok\n");
    EXPECT_EQ(next.end(SIGTERM), 0);
    close(fd);
}

// What the process opens does not leak into programs that it may start: every descriptor is close-on-exec.
TEST_F(ServiceTest, every_descriptor_closes_on_exec) {
    std::uint16_t port = 0;
    const int fd = listening_socket(port);
    Launch launch;
    launch.listening_fd = fd;
    DaemonProcess daemon(folder_, launch);
    close(fd);
    auto live = net::WebSocketClient::connect(daemon.endpoint(), "/live/v1", "replayd.live.v1");
    ASSERT_TRUE(live);
    std::size_t checked = 0;
    const std::string process = "/proc/" + std::to_string(daemon.pid());
    for (const auto& entry : std::filesystem::directory_iterator(process + "/fd")) {
        const std::string number = entry.path().filename();
        if (std::stoi(number) <= STDERR_FILENO) continue;
        std::error_code closed;  // the daemon goes on meanwhile
        const std::string target = std::filesystem::read_symlink(entry.path(), closed);
        if (target.find(folder_) == std::string::npos && target.find("socket:") == std::string::npos) continue;
        const std::string info = text_of(process + "/fdinfo/" + number);
        if (info.empty()) continue;
        const auto flags = std::stoul(info.substr(info.find("flags:") + 6), nullptr, 8);
        EXPECT_NE(flags & O_CLOEXEC, 0U) << number << " " << target;
        ++checked;
    }
    EXPECT_GE(checked, 4U) << "listener, client, history and its log at least";
}

TEST_F(ServiceTest, a_hangup_takes_over_what_may_change_and_names_the_rest) {
    const std::string token(40, 't');
    write("token", token);
    const std::string scenarios = folder_ + "/scenarios";
    std::filesystem::create_directory(scenarios);
    write("d.toml", "[listen]\nport = 0\n[log]\nlevel = 'info'\n[scenarios]\ndirs = ['" + scenarios + "']\n");
    Launch launch;
    launch.flags = {"--config", folder_ + "/d.toml"};
    launch.log = log_;
    DaemonProcess daemon(folder_, launch);
    EXPECT_EQ(daemon.get("/api/v1/scenarios/test-mixed").status, 404U);

    std::ofstream(scenarios + "/mixed.toml") << k_mixed_toml;
    write("d.toml", "[listen]\nport = 9\n[engine]\nthreads = 7\n[limits]\nconnections_max = 5\nstreams_max = 1\n"
                    "[scenarios]\ndirs = ['" + scenarios + "']\n[[token]]\nname = 'all'\nroles = ['admin']\nfile = '" +
                        folder_ + "/token'\n");
    daemon.signal(SIGHUP);
    EXPECT_EQ(daemon.wait_notification("RELOADING"), "RELOADING=1\nSTATUS=reading the configuration");
    daemon.wait_notification("READY=1");
    EXPECT_EQ(daemon.get("/api/v1/scenarios/test-mixed").status, 401U);
    net::Endpoint known = daemon.endpoint();
    known.token = token;
    EXPECT_EQ(net::http_request(known, "GET", "/api/v1/scenarios/test-mixed")->status, 200U);
    EXPECT_EQ(net::http_request(known, "POST", "/api/v1/streams", R"({"name":"a","scenarios":["test-mixed"]})")->status,
              201U);
    const auto second =
        net::http_request(known, "POST", "/api/v1/streams", R"({"name":"b","scenarios":["test-mixed"]})");
    EXPECT_EQ(second->status, 503U);
    EXPECT_NE(
        second->body.find("1 streams have not finished, and limits.streams_max is 1: end some, or raise the limit"),
        std::string::npos)
        << second->body;
    for (const char* key : {"listen.port", "engine.threads", "limits.connections_max"}) {
        EXPECT_NE(text_of(log_).find("event=reload_needs_restart key=" + std::string(key)), std::string::npos) << key;
    }
    EXPECT_EQ(text_of(log_).find("key=scenarios"), std::string::npos);

    // Something wrong changes nothing, and the daemon goes on.
    write("token", token, 0644);
    daemon.signal(SIGHUP);
    daemon.wait_notification("READY=1");
    EXPECT_NE(text_of(log_).find("event=reload_failed error=\"the token of \\\"all\\\" "), std::string::npos)
        << text_of(log_);
    EXPECT_EQ(net::http_request(known, "GET", "/version")->status, 200U);
    write("d.toml", "[listne]\n");
    daemon.signal(SIGHUP);
    daemon.wait_notification("READY=1");
    EXPECT_NE(text_of(log_).find("listne: unknown key"), std::string::npos);
    for (const char* wrong :
         {"[otlp]\nscenarios = ['nowhere']\n", "[[stream]]\nname = 's'\nscenarios = ['nowhere']\n",
          "[searches]\ndirs = ['/nonexistent']\n"}) {
        write("d.toml", wrong);
        daemon.signal(SIGHUP);
        daemon.wait_notification("READY=1");
    }
    for (const char* told : {"otlp.scenarios names ", "stream.scenarios of ", "searches.dirs (--searches) is "}) {
        EXPECT_NE(text_of(log_).find("reload_failed error=\"" + std::string(told)), std::string::npos) << told;
    }
    EXPECT_EQ(net::http_request(known, "GET", "/version")->status, 200U);
    EXPECT_EQ(daemon.end(SIGTERM), 0);
}

// A drain that cannot end (the history is held) is cut off after the configured time, and by a second signal.
TEST_F(ServiceTest, a_drain_is_cut_short_after_its_time_or_by_a_second_signal) {
    for (const bool twice : {false, true}) {
        const std::string config =
            write("d.toml", std::string("[service]\ndrain_max_s = ") + (twice ? "3600" : "1") + "\n");
        Launch launch;
        launch.flags = {"--listen", "127.0.0.1:0", "--config", config};
        launch.log = log_ + (twice ? "2" : "1");
        DaemonProcess daemon(folder_, launch);
        const HeldHistory held(folder_ + "/history.db");
        kill(daemon.pid(), SIGSTOP);  // so that the drain has not ended before the second signal
        daemon.signal(SIGTERM);
        if (twice) daemon.signal(SIGINT);
        const int status = daemon.end(SIGCONT);
        ASSERT_TRUE(WIFEXITED(status));
        EXPECT_EQ(WEXITSTATUS(status), 1);
        const std::string reason = twice ? "reason=\"a second signal\"" : "reason=\"service.drain_max_s have passed\"";
        EXPECT_NE(text_of(launch.log).find("event=drain_cut_short " + reason), std::string::npos)
            << text_of(launch.log);
    }
}

// Under the journal every line has its priority and key=value pairs, also that of a start that fails.
TEST_F(ServiceTest, journal_lines_carry_priorities) {
    std::ofstream(log_).close();
    struct stat facts {};
    ASSERT_EQ(::stat(log_.c_str(), &facts), 0);
    Launch launch;
    launch.log = log_;
    launch.environment = {{"JOURNAL_STREAM", std::to_string(facts.st_dev) + ":" + std::to_string(facts.st_ino)}};
    {
        DaemonProcess daemon(folder_, launch);
        (void)net::http_request(daemon.endpoint(), "POST", "/api/v1/streams", "{}");
        EXPECT_EQ(daemon.end(SIGTERM), 0);
    }
    std::stringstream lines(text_of(log_));
    const std::regex line_form("<[3467]>event=[a-z_]+( [a-z_]+=(\"([^\"\\\\]|\\\\.)*\"|[^ \"]+))*");
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) EXPECT_TRUE(std::regex_match(line, line_form)) << line;
    EXPECT_GE(count, 3U) << "ready, draining, stopped";
}

}  // namespace
}  // namespace replayd::test
