// TLS ends in front of the daemon: nginx with the configuration of systemd/README.md, a certificate made for the test,
// and curl as the client. Tokens go through as they are.

#include <gtest/gtest.h>

#include <signal.h>

#include <cstdlib>
#include <filesystem>

#include "tests/free_port.hpp"
#include "tests/source_paths.hpp"
#include "tests/system/running_daemon.hpp"

namespace replayd::testing {
namespace {

bool has(const std::string& tool) { return std::system(("command -v " + tool + " > /dev/null 2>&1").c_str()) == 0; }

/// The `server` block of README.md, on these ports and with this certificate.
std::string documented_server(const std::string& folder, const std::string& listen, const std::string& daemon) {
    const std::string readme = read_file(REPLAYD_SOURCE_DIR "/systemd/README.md");
    const std::size_t start = readme.find("server {");
    EXPECT_NE(start, std::string::npos);
    std::string block = readme.substr(start, readme.find("```", start) - start);
    for (const auto& [from, to] :
         {std::pair<std::string, std::string>{"listen 443 ssl", "listen 127.0.0.1:" + listen + " ssl"},
          {"/etc/ssl/replay.pem", folder + "/cert.pem"},
          {"/etc/ssl/replay.key", folder + "/key.pem"},
          {"127.0.0.1:8080", daemon}}) {
        const std::size_t at = block.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        if (at != std::string::npos) block.replace(at, from.size(), to);
    }
    return block;
}

TEST(Proxy, behind_nginx_https_and_wss_work_with_a_token) {
    for (const char* tool : {"nginx", "openssl", "curl"}) {
        if (!has(tool)) GTEST_SKIP() << tool << " is not installed (Debian: nginx-light, openssl, curl)";
    }
    const TemporaryDirectory directory;
    const std::string folder = directory / ".";
    const std::string token(40, 't');
    write_file(directory / "token", token);
    std::filesystem::permissions(directory / "token", std::filesystem::perms::owner_read);
    write_file(directory / "d.toml", "[[token]]\nname = 'all'\nroles = ['admin']\nfile = '" + (directory / "token") +
                                         "'\n[listen]\norigins = ['https://other.example.com']\n");
    RunningDaemon daemon(directory, {"--config", directory / "d.toml"});

    const Outcome made = run_program(
        directory, {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=replay.example.com", "-keyout", directory / "key.pem", "-out",
                    directory / "cert.pem"});
    ASSERT_EQ(made.status, 0) << made.errors;
    const std::string port = std::to_string(free_port());
    const std::string paths = [&folder] {
        std::string text;
        for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
            text += std::string(kind) + "_temp_path " + folder + "/" + kind + ";\n";
        }
        return text;
    }();
    write_file(directory / "nginx.conf",
               "daemon off; master_process off; pid " + folder + "/nginx.pid; error_log stderr;\nevents {}\nhttp {\n" +
                   paths + "access_log off;\nmap $http_upgrade $connection_upgrade { default upgrade; \"\" close; }\n" +
                   documented_server(folder, port, daemon.url().substr(std::string("http://").size())) + "}\n");
    Process nginx({"nginx", "-p", folder, "-c", directory / "nginx.conf"}, directory / "nginx");

    const std::string url = "https://replay.example.com:" + port;
    const std::vector<std::string> curl = {"curl",      "--silent",
                                           "--http1.1", "--include",
                                           "--cacert",  directory / "cert.pem",
                                           "--resolve", "replay.example.com:" + port + ":127.0.0.1"};
    const auto ask = [&](std::vector<std::string> more) {
        more.insert(more.begin(), curl.begin(), curl.end());
        return run_program(directory, more).output;
    };
    ASSERT_TRUE(wait_until("nginx serves", [&] { return ask({url + "/healthz"}).starts_with("HTTP/1.1 200"); }))
        << nginx.errors();
    const std::string bearer = "Authorization: Bearer " + token;
    EXPECT_TRUE(ask({url + "/version"}).starts_with("HTTP/1.1 401"));
    EXPECT_TRUE(ask({url + "/version", "-H", bearer}).starts_with("HTTP/1.1 200"));
    EXPECT_TRUE(ask({url + "/version", "--user", "any:" + token}).starts_with("HTTP/1.1 200"));
    const std::vector<std::string> post = {url + "/api/v1/query",  "-H", bearer, "--json",
                                           R"({"sql":"SELECT 1"})", "-H"};
    for (const auto& [origin, status] : {std::pair<std::string, std::string>{url, "200"},
                                         {"https://other.example.com", "200"},
                                         {"https://evil.example", "403"}}) {
        std::vector<std::string> arguments = post;
        arguments.push_back("Origin: " + origin);
        EXPECT_TRUE(ask(arguments).starts_with("HTTP/1.1 " + status)) << origin;
    }

    std::vector<std::string> upgrade = curl;
    for (const char* header :
         {"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: replayd.live.v1"}) {
        upgrade.insert(upgrade.end(), {"-H", header});
    }
    upgrade.insert(upgrade.end(), {"-H", "Origin: " + url, "-H", bearer, "--no-buffer", url + "/live/v1"});
    Process live(upgrade, directory / "live");
    ASSERT_TRUE(wait_until("the first live message", [&] {
        return live.output().find(R"("type":"streams")") != std::string::npos || !live.running();
    }));
    EXPECT_TRUE(live.output().starts_with("HTTP/1.1 101")) << live.output();
    EXPECT_NE(live.output().find(R"("type":"streams")"), std::string::npos);
    live.signal(SIGKILL);
    static_cast<void>(live.wait());
    nginx.signal(SIGTERM);
    static_cast<void>(nginx.wait());
    daemon.terminate();
}

}  // namespace
}  // namespace replayd::testing
