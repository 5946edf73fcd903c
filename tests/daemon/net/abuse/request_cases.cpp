// Abuse of the request line and of the header.
#include "tests/daemon/net/abuse/http_abuse.hpp"

namespace replayd::net::testing {
namespace {

const std::string k_host = "Host: x\r\nConnection: close\r\n\r\n";

std::string line(const std::string& request_line) {
    return request_line + "\r\n" + k_host;
}

std::string fields(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "X-" + std::to_string(i) + ": 1\r\n";
    return text;
}

}  // namespace

std::string get(const std::string& target, const std::string& lines) {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + lines + "\r\n";
}

std::vector<AbuseCase> request_line_cases() {
    std::vector<AbuseCase> cases = {
        {"nothing but the end", "", ""},
        {"one byte", "G", ""},
        {"method alone", "GET\r\n\r\n", "400"},
        {"method and space", "GET \r\n\r\n", "400"},
        {"no version", line("GET /"), "400"},
        {"two spaces before the target", line("GET  / HTTP/1.1"), "400"},
        {"two spaces before the version", line("GET /  HTTP/1.1"), "505"},
        {"tab instead of space", line("GET\t/ HTTP/1.1"), "400"},
        {"space before the method", line(" GET / HTTP/1.1"), "400"},
        {"space after the version", line("GET / HTTP/1.1 "), "505"},
        {"four words", line("GET / x HTTP/1.1"), "505"},
        {"unknown method", line("BREW / HTTP/1.1"), "200"},  // the handler's affair; this one answers all
        {"method in lower case", line("get / HTTP/1.1"), "200"},
        {"method with a colon", line("G:T / HTTP/1.1"), "400"},
        {"method with a NUL", line(std::string("G\0T / HTTP/1.1", 13)), "400"},
        {"method of 8 KiB", line(std::string(8192, 'M') + " / HTTP/1.1"), "200"},
        {"method of 20 KiB", line(std::string(20000, 'M') + " / HTTP/1.1"), "431"},
        {"method of control characters", line("\x01\x02\x03 / HTTP/1.1"), "400"},
        {"method beyond ASCII", line("G\xc3\x8bT / HTTP/1.1"), "400"},
        {"CONNECT to an authority", line("CONNECT example.org:443 HTTP/1.1"), "400"},
        {"version 0.9", line("GET / HTTP/0.9"), "505"},
        {"version 1.2", line("GET / HTTP/1.2"), "505"},
        {"version 2.0", line("GET / HTTP/2.0"), "505"},
        {"version 9.9", line("GET / HTTP/9.9"), "505"},
        {"version without a minor number", line("GET / HTTP/1"), "505"},
        {"version with two digits", line("GET / HTTP/1.10"), "505"},
        {"version in lower case", line("GET / http/1.1"), "505"},
        {"version of another protocol", line("GET / RTSP/1.0"), "505"},
        {"version with a minus", line("GET / HTTP/-1.1"), "505"},
        {"version in letters", line("GET / HTTP/a.b"), "505"},
        {"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
        {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(64, 'r'), "400"},
        {"SSH banner", "SSH-2.0-OpenSSH_9.2\r\n", "400"},
        {"Redis command", "*1\r\n$4\r\nPING\r\n", "400"},
        {"random bytes", "\x8f\xa1\x07\xfe\x99\x42\xd0\xee\r\n\r\n", "400"},
        {"NUL bytes", std::string(256, '\0'), "400"},
        {"a line of 20 KiB without an end", std::string(20000, 'A'), "431"},
        {"bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\nConnection: close\r\n\r\n", "505"},
        {"bare CR after the request line", "GET / HTTP/1.1\rHost: x\r\nConnection: close\r\n\r\n", "505"},
        {"target not a path", get("status"), "400"},
        {"target of a file system", get("../../etc/passwd"), "400"},
        {"target of another scheme", get("ftp://x/"), "400"},
        {"target in absolute form", get("http://x/a"), "200"},
        {"target with a fragment", get("/a#b"), "400"},
        {"target with a broken percent", get("/%"), "400"},
        {"target with half a percent", get("/%4"), "400"},
        {"target with letters after percent", get("/%zz"), "400"},
        {"target with an encoded NUL", get("/%00"), "400"},
        {"target with an encoded line break", get("/%0d%0aSet-Cookie:x"), "400"},
        {"target that is not UTF-8", get("/%ff%fe"), "400"},
        {"target with an overlong slash", get("/%c0%af"), "400"},
        {"target with a raw control character", get(std::string("/\x01", 2)), "400"},
        {"target with raw UTF-8", get("/\xc3\xa9"), "200"},
        {"target of 8 KiB", get("/" + std::string(8191, 'a')), "200"},
        {"target of 8 KiB and a byte", get("/" + std::string(8192, 'a')), "414"},
        {"target of 20 KiB", get("/" + std::string(20000, 'a')), "431"},
        {"query of a thousand names", get("/?" + std::string(1000, '&')), "200"},
        {"query with a broken percent", get("/?a=%"), "400"},
        {"query with an encoded NUL", get("/?a=%00"), "400"},
    };
    return cases;
}

std::vector<AbuseCase> header_cases() {
    const std::string start = "GET / HTTP/1.1\r\n";
    return {
        {"no header at all", start + "\r\n", "400"},
        {"no Host", start + "Connection: close\r\n\r\n", "400"},
        {"no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "200"},
        {"two Hosts", get("/", "Host: y\r\n"), "400"},
        {"two equal Hosts", get("/", "Host: x\r\n"), "400"},
        {"field without a colon", get("/", "nonsense\r\n"), "400"},
        {"field without a name", get("/", ": value\r\n"), "400"},
        {"space before the colon", get("/", "X-A : 1\r\n"), "400"},
        {"space in a name", get("/", "X A: 1\r\n"), "400"},
        {"name beyond ASCII", get("/", "X-\xc3\xa9: 1\r\n"), "400"},
        {"name with a NUL", get("/", std::string("X\0A: 1\r\n", 8)), "400"},
        {"value with a NUL", get("/", std::string("X: a\0b\r\n", 8)), "400"},
        {"value with a bell", get("/", "X: \x07\r\n"), "400"},
        {"value with bare LF", get("/", "X: a\nY: b\r\n"), "400"},
        {"value with bare CR", get("/", "X: a\rY: b\r\n"), "400"},
        {"header ended by bare LF", start + "Host: x\r\nConnection: close\r\n\n", ""},
        {"folded line", get("/", "X: a\r\n b\r\n"), "200"},  // RFC 9112 section 5.2 allows reading it as one blank
        {"folded first line", start + " Host: x\r\n\r\n", "400"},
        {"empty value", get("/", "X:\r\n"), "200"},
        {"100 fields", get("/", fields(98)), "200"},
        {"101 fields", get("/", fields(99)), "431"},
        {"1,000 fields", get("/", fields(1000)), "431"},
        {"one value of 20 KiB", get("/", "X: " + std::string(20000, 'v') + "\r\n"), "431"},
        {"one name of 20 KiB", get("/", std::string(20000, 'n') + ": v\r\n"), "431"},
        {"a megabyte of header", get("/", "X: " + std::string(1 << 20, 'v') + "\r\n"), "431"},
        {"Expect of something else", get("/", "Expect: 200-ok\r\nContent-Length: 1\r\n") + "a", "417"},
        {"Expect without a body", get("/", "Expect: 100-continue\r\n"), "200"},
        {"Connection of nonsense", "GET / HTTP/1.1\r\nHost: x\r\nConnection: ,,;=\r\n\r\n", "400"},
        {"Range of everything", get("/", "Range: bytes=0-,0-,0-,0-\r\n"), "200"},
        {"Accept-Encoding bomb", get("/", "Accept-Encoding: " + std::string(4000, ',') + "gzip\r\n"), "200"},
        {"header cut in the middle", start + "Host: x\r\nX-Half: va", ""},
    };
}

}  // namespace replayd::net::testing
