// Section 6: UTF-8 in text messages. Sections 6.5 to 6.23 take the sequences of Markus Kuhn's UTF-8 stress test
// (www.cl.cam.ac.uk/~mgk25/ucs/examples/UTF-8-test.txt) in the testsuite's order.
#include <utility>

#include "tests/daemon/net/conformance/conformance_case.hpp"

namespace replayd::net::testing {
namespace {

using Cases = std::vector<ConformanceCase>;

const std::string k_greek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
const std::string k_mixed = "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!";
const std::string k_edited = "edited";
const std::vector<unsigned> k_bad_payload = {1007};

ConformanceCase in_frames(std::string number, std::string bytes, std::string whole) {
    ConformanceCase one = echo_case(std::move(number), k_text, std::move(whole));
    one.script = {sending_bytes(std::move(bytes))};
    return one;
}

void add_fragments(Cases& cases) {
    const auto fragments = [](const std::string& a, const std::string& b, const std::string& c) {
        return bytes_of({k_text, a, false}) + bytes_of({k_continuation, b, false}) + bytes_of({k_continuation, c});
    };
    cases.push_back(echo_case("6.1.1", k_text, ""));
    cases.push_back(in_frames("6.1.2", fragments("", "", ""), ""));
    cases.push_back(in_frames("6.1.3", fragments("", "middle frame payload", ""), "middle frame payload"));
    cases.push_back(echo_case("6.2.1", k_text, k_mixed));
    constexpr std::size_t k_before_u_umlaut = 15;  // a code point ends there
    cases.push_back(in_frames("6.2.2",
                              bytes_of({k_text, k_mixed.substr(0, k_before_u_umlaut), false}) +
                                  bytes_of({k_continuation, k_mixed.substr(k_before_u_umlaut)}),
                              k_mixed));
    cases.push_back(in_frames("6.2.3", in_fragments(k_text, k_mixed, 1), k_mixed));
    cases.push_back(in_frames("6.2.4", in_fragments(k_text, k_greek, 1), k_greek));
    const std::string surrogate = k_greek + "\xed\xa0\x80" + k_edited;
    cases.push_back(failing_case("6.3.1", {sending({k_text, surrogate})}, {}, k_bad_payload));
    cases.push_back(failing_case("6.3.2", {sending_bytes(in_fragments(k_text, surrogate, 1))}, {}, k_bad_payload));
}

/// Three parts of which the second makes the text invalid: it must be refused before the third is sent.
void add_fail_fast(Cases& cases) {
    const std::string beyond = "\xf4\x90\x80\x80";  // U+110000
    const std::string whole = k_greek + beyond + k_edited;
    const std::pair<std::size_t, std::size_t> cuts[] = {{k_greek.size(), beyond.size()}, {12, 1}};
    int index = 1;
    for (const bool in_one_frame : {false, true}) {
        for (const auto& [first, second] : cuts) {
            std::string start = bytes_of({k_text, whole.substr(0, first), false});
            std::string middle = bytes_of({k_continuation, whole.substr(first, second), false});
            if (in_one_frame) {
                const std::string frame = bytes_of({k_text, whole});
                const std::size_t header = frame.size() - whole.size();
                start = frame.substr(0, header + first);
                middle = frame.substr(header + first, second);
            }
            cases.push_back(failing_case("6.4." + std::to_string(index++),
                                         {sending_bytes(start),
                                          {Step::Kind::stay_open, "", 0, 0},
                                          sending_bytes(middle),
                                          {Step::Kind::await_end, "", 0, 0}},
                                         {}, k_bad_payload));
        }
    }
}

struct Sequence {
    bool valid;
    std::string bytes;
};

/// Each of `sequences` is one case of the next section.
class Sections {
public:
    explicit Sections(Cases& cases) : cases_(cases) {}

    void add(const std::vector<Sequence>& sequences) {
        int index = 1;
        for (const Sequence& sequence : sequences) {
            std::string number = "6." + std::to_string(section_) + "." + std::to_string(index++);
            cases_.push_back(sequence.valid ? echo_case(std::move(number), k_text, sequence.bytes)
                                            : failing_case(std::move(number), {sending({k_text, sequence.bytes})}, {},
                                                           k_bad_payload));
        }
        ++section_;
    }

    void add_invalid(const std::vector<std::string>& all) {
        std::vector<Sequence> sequences;
        for (const std::string& bytes : all) sequences.push_back({false, bytes});
        add(sequences);
    }

private:
    Cases& cases_;
    int section_ = 5;
};

std::vector<Sequence> prefixes() {
    std::vector<Sequence> all;
    for (std::size_t size = 1; size <= k_greek.size(); ++size) {
        const bool whole = size == 2 || size == 5 || size == 7 || size == 9 || size == 11;
        all.push_back({whole, k_greek.substr(0, size)});
    }
    return all;
}

std::vector<std::string> unexpected_continuations() {
    std::vector<std::string> all = {"\x80",
                                    "\xbf",
                                    "\x80\xbf",
                                    "\x80\xbf\x80",
                                    "\x80\xbf\x80\xbf",
                                    "\x80\xbf\x80\xbf\x80",
                                    "\x80\xbf\x80\xbf\x80\xbf",
                                    ""};
    for (int byte = 0x80; byte < 0xbf; ++byte) all.back() += static_cast<char>(byte);
    return all;
}

std::vector<std::string> lonely_starts() {
    std::vector<std::string> all;
    const std::pair<int, int> ranges[] = {{0xc0, 0xdf}, {0xe0, 0xef}, {0xf0, 0xf7}, {0xf8, 0xfb}, {0xfc, 0xfd}};
    for (const auto& [first, end] : ranges) {
        std::string text;
        for (int byte = first; byte < end; ++byte) text.append(1, static_cast<char>(byte)).append(1, ' ');
        all.push_back(text);
    }
    return all;
}

/// Code points that are no characters and yet valid UTF-8 (RFC 3629): U+nFFFE and U+nFFFF of every plane.
std::vector<Sequence> non_characters() {
    std::vector<Sequence> all = {{true, "\xef\xbf\xbe"}, {true, "\xef\xbf\xbf"}};
    for (int plane = 1; plane <= 16; ++plane) {
        for (const char last : {'\xbe', '\xbf'}) {
            const std::string bytes = {static_cast<char>(0xf0 + plane / 4), static_cast<char>(0x8f + 16 * (plane % 4)),
                                       '\xbf', last};
            all.push_back({true, bytes});
        }
    }
    return all;
}

void add_sequences(Cases& cases) {
    Sections sections(cases);
    sections.add({{true, "hello\x24world"},
                  {true, "hello\xc2\xa2world"},
                  {true, "hello\xe2\x82\xacworld"},
                  {true, "hello\xf0\xa4\xad\xa2world"},
                  {true, k_greek}});
    sections.add(prefixes());
    sections.add(
        {{true, std::string(1, '\0')}, {true, "\xc2\x80"}, {true, "\xe0\xa0\x80"}, {true, "\xf0\x90\x80\x80"}});
    sections.add_invalid({"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"});
    sections.add({{true, "\x7f"}, {true, "\xdf\xbf"}, {true, "\xef\xbf\xbf"}, {true, "\xf4\x8f\xbf\xbf"}});
    sections.add_invalid({"\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf"});
    sections.add({{true, "\xed\x9f\xbf"},
                  {true, "\xee\x80\x80"},
                  {true, "\xef\xbf\xbd"},
                  {true, "\xf4\x8f\xbf\xbf"},
                  {false, "\xf4\x90\x80\x80"}});
    sections.add_invalid(unexpected_continuations());
    sections.add_invalid(lonely_starts());
    const std::vector<std::string> last_missing = {
        "\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80",
        "\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf"};
    sections.add_invalid(last_missing);
    std::string together;
    for (const std::string& bytes : last_missing) together += bytes;
    sections.add_invalid({together});
    sections.add_invalid({"\xfe", "\xff", "\xfe\xfe\xff\xff"});
    sections.add_invalid(
        {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf"});
    sections.add_invalid(
        {"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf"});
    sections.add_invalid(
        {"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80"});
    sections.add_invalid({"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80",
                          "\xed\xbe\x80", "\xed\xbf\xbf"});
    sections.add_invalid({"\xed\xa0\x80\xed\xb0\x80", "\xed\xa0\x80\xed\xbf\xbf", "\xed\xad\xbf\xed\xb0\x80",
                          "\xed\xad\xbf\xed\xbf\xbf", "\xed\xae\x80\xed\xb0\x80", "\xed\xae\x80\xed\xbf\xbf",
                          "\xed\xaf\xbf\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf"});
    sections.add(non_characters());
    sections.add({{true, "\xef\xbf\xb9"},
                  {true, "\xef\xbf\xba"},
                  {true, "\xef\xbf\xbb"},
                  {true, "\xef\xbf\xbc"},
                  {true, "\xef\xbf\xbd"},
                  {true, "\xef\xbf\xbe"},
                  {true, "\xef\xbf\xbf"}});
}

}  // namespace

std::vector<ConformanceCase> utf8_cases() {
    Cases cases;
    add_fragments(cases);
    add_fail_fast(cases);
    add_sequences(cases);
    return cases;
}

}  // namespace replayd::net::testing
