#include "tests/daemon/net/conformance/deflate_contents.hpp"

#include <array>
#include <cmath>
#include <string_view>

#include "replay/base/random.hpp"

namespace replayd::net::testing {
namespace {

// Sizes of the testsuite's files: JSON, Lena's bitmap, Goethe's Faust, HTML, a PDF.
constexpr std::array<std::size_t, 5> k_sizes = {194056, 263222, 222218, 263647, 1042328};
constexpr std::uint64_t k_seed = 7692;

constexpr std::u32string_view k_syllables[] = {U"ge",     U"ist",   U"der",  U"Wort", U"schön", U"und",
                                               U"Kraft",  U"stets", U"über", U"Sinn", U"tat",   U"weiß",
                                               U"mensch", U"licht", U"zeit", U"nacht"};

class Maker {
public:
    Maker(int kind, std::size_t size) : kind_(kind), size_(size), random_(k_seed + static_cast<std::uint64_t>(kind)) {}

    std::u32string make() {
        while (out_.size() < size_) add();
        out_.resize(size_);
        return std::move(out_);
    }

private:
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }

    void add() {
        switch (kind_) {
            case 0:
                out_.append(U"{\"id\": ").append(number()).append(U", \"name\": \"").append(words(2));
                out_.append(U"\", \"value\": ").append(number()).append(U"},\n");
                break;
            case 1: {
                const double x = static_cast<double>(out_.size() % 512);
                const double y = static_cast<double>(out_.size() / 512);
                const double shade = 128 + 80 * std::sin(x / 60) * std::cos(y / 45) + 12 * random_.uniform();
                out_ += static_cast<char32_t>(shade);
                break;
            }
            case 2:
                out_.append(words(7)).append(U",\r\n");
                break;
            case 3:
                out_.append(U"<tr class=\"row\"><td>").append(words(3)).append(U"</td><td>").append(number());
                out_.append(U"</td></tr>\n");
                break;
            default:
                out_.append(number()).append(U" 0 obj << /Length 4096 >> stream\n");
                for (int i = 0; i < 4096; ++i) out_ += static_cast<char32_t>(below(256));
                out_.append(U"endstream endobj\n");
        }
    }

    std::u32string number() {
        std::u32string digits;
        for (std::size_t left = 1 + below(6); left > 0; --left) digits += static_cast<char32_t>(U'0' + below(10));
        return digits;
    }

    std::u32string words(int count) {
        std::u32string text;
        for (int i = 0; i < count; ++i) {
            if (i > 0) text += U' ';
            for (std::size_t left = 1 + below(3); left > 0; --left) text += k_syllables[below(std::size(k_syllables))];
        }
        return text;
    }

    const int kind_;
    const std::size_t size_;
    Random random_;
    std::u32string out_;
};

void append_utf8(std::string& out, char32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else {
        out += static_cast<char>(0xc0U | c >> 6U);  // nothing here is beyond U+07FF
        out += static_cast<char>(0x80U | (c & 0x3fU));
    }
}

}  // namespace

DeflateContents::DeflateContents(int kind)
    : text_(kind == 0 || kind == 3), characters_(Maker(kind, k_sizes.at(static_cast<std::size_t>(kind))).make()) {}

std::string DeflateContents::next(std::size_t size) {
    std::string out;
    out.reserve(size + size / 8);
    for (; size > 0; --size) {
        const char32_t c = characters_[position_];
        position_ = (position_ + 1) % characters_.size();
        if (text_) {
            append_utf8(out, c);
        } else {
            out += static_cast<char>(c);
        }
    }
    return out;
}

}  // namespace replayd::net::testing
