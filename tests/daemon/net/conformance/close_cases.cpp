// Section 7: the closing handshake, its payload and its codes.
#include "tests/daemon/net/conformance/conformance_case.hpp"

namespace replayd::net::testing {
namespace {

using Cases = std::vector<ConformanceCase>;

const std::string k_hello = "Hello World!";
const std::string k_not_utf8 = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80\x65\x64\x69\x74\x65\x64";

/// The client's close frame stands in the script.
ConformanceCase closing_case(std::string number, std::vector<Frame> frames, std::vector<unsigned> codes = {1000},
                             bool clean = true) {
    ConformanceCase one;
    one.number = std::move(number);
    std::string bytes;
    for (const Frame& frame : frames) bytes += bytes_of(frame);
    one.script = {sending_bytes(bytes)};
    one.ending = Ending::by_script;
    one.codes = std::move(codes);
    one.clean = clean;
    return one;
}

std::string repeated(const std::string& text, std::size_t size) {
    std::string out;
    while (out.size() < size) out += text;
    out.resize(size);
    return out;
}

void add_basic(Cases& cases) {
    const Frame close{k_close, close_payload(1000)};
    cases.push_back(echo_case("7.1.1", k_text, k_hello));
    cases.push_back(closing_case("7.1.2", {close, {k_close, ""}}));
    cases.push_back(closing_case("7.1.3", {close, {k_ping, ""}}));
    cases.push_back(closing_case("7.1.4", {close, {k_text, k_hello}}));
    cases.push_back(closing_case("7.1.5", {{k_text, "fragment1", false}, close, {k_continuation, "fragment2"}}));
    cases.push_back(
        closing_case("7.1.6", {{k_text, repeated("BAsd7&jh23", 256 << 10)}, {k_text, k_hello}, close, {k_ping, ""}}));
    cases.back().informational = true;
}

void add_payloads(Cases& cases) {
    cases.push_back(closing_case("7.3.1", {{k_close, ""}}));
    cases.push_back(closing_case("7.3.2", {{k_close, "a"}}, {1002}, false));
    cases.push_back(closing_case("7.3.3", {{k_close, close_payload(1000)}}));
    cases.push_back(closing_case("7.3.4", {{k_close, close_payload(1000, k_hello)}}));
    cases.push_back(closing_case("7.3.5", {{k_close, close_payload(1000, std::string(123, '*'))}}));
    cases.push_back(closing_case("7.3.6", {{k_close, close_payload(1000, std::string(124, '*'))}}, {1002}, false));
    cases.push_back(closing_case("7.5.1", {{k_close, close_payload(1000, k_not_utf8)}}, {1002, 1007}, false));
}

void add_codes(Cases& cases) {
    int index = 1;
    for (const unsigned code :
         {1000U, 1001U, 1002U, 1003U, 1007U, 1008U, 1009U, 1010U, 1011U, 3000U, 3999U, 4000U, 4999U}) {
        cases.push_back(closing_case("7.7." + std::to_string(index++), {{k_close, close_payload(code)}}, {1000, code}));
    }
    index = 1;
    for (const unsigned code : {0U, 999U, 1004U, 1005U, 1006U, 1016U, 1100U, 2000U, 2999U}) {
        cases.push_back(
            closing_case("7.9." + std::to_string(index++), {{k_close, close_payload(code)}}, {1002}, false));
    }
    index = 1;
    for (const unsigned code : {5000U, 65535U}) {
        cases.push_back(closing_case("7.13." + std::to_string(index++), {{k_close, close_payload(code)}}));
        cases.back().informational = true;
    }
}

}  // namespace

std::vector<ConformanceCase> close_cases() {
    Cases cases;
    add_basic(cases);
    add_payloads(cases);
    add_codes(cases);
    return cases;
}

}  // namespace replayd::net::testing
