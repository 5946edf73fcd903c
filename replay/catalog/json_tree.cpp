#include "replay/catalog/json_tree.hpp"

#include <algorithm>
#include <charconv>

namespace replayd {
namespace {

constexpr int k_depth_max = 64;

bool is_number_char(char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/// A recursive-descent parser; the first trouble is kept and stops it.
class JsonParser {
public:
    JsonParser(std::string_view text, std::string_view origin) : text_(text), origin_(origin) {}

    Result<TomlNode> run() {
        TomlNode root;
        if (peek() != '{') broken("an object in braces");
        if (problem_.empty()) root = value(0);
        if (problem_.empty() && peek() != '\0') broken("the end of the text");
        if (!problem_.empty()) return fail(Code::invalid_argument, problem_);
        return root;
    }

private:
    /// The next character that is no white space; '\0' at the end and once there is trouble.
    char peek() {
        if (!problem_.empty()) return '\0';
        while (at_ < text_.size() &&
               (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n')) {
            line_ += text_[at_] == '\n' ? 1 : 0;
            ++at_;
        }
        return at_ < text_.size() ? text_[at_] : '\0';
    }

    void broken(std::string_view expected) {
        if (!problem_.empty()) return;
        problem_ =
            std::string(origin_) + ':' + std::to_string(line_) + ": not valid JSON: expected " + std::string(expected);
    }

    void take(char c, std::string_view expected) {
        if (peek() != c) return broken(expected);
        ++at_;
    }

    TomlNode value(int depth) {
        TomlNode node;
        const char c = peek();
        node.line = line_;
        if (depth > k_depth_max) broken("at most 64 levels of nesting");
        if (c == '{') {
            members(node, depth);
        } else if (c == '[') {
            elements(node, depth);
        } else if (c == '"') {
            node.kind = TomlNode::Kind::string;
            node.text = text();
        } else if (c == 't' || c == 'f' || c == 'n') {
            word(node);
        } else {
            number(node);
        }
        return node;
    }

    void members(TomlNode& node, int depth) {
        node.kind = TomlNode::Kind::table;
        take('{', "{");
        for (bool first = true; peek() != '}' && problem_.empty(); first = false) {
            if (!first) take(',', "a comma or a brace");
            if (peek() != '"') return broken("a key in double quotes");
            const std::int64_t key_line = line_;
            std::string key = text();
            take(':', "a colon after the key");
            if (node.find(key) != nullptr) return broken("the key \"" + key + "\" once");
            TomlNode child = value(depth + 1);
            if (child.kind == TomlNode::Kind::date) continue;  // null
            child.key = std::move(key);
            child.key_line = key_line;
            node.children.push_back(std::move(child));
        }
        take('}', "a closing brace");
        std::sort(node.children.begin(), node.children.end(),
                  [](const TomlNode& a, const TomlNode& b) { return a.key < b.key; });
    }

    void elements(TomlNode& node, int depth) {
        node.kind = TomlNode::Kind::array;
        take('[', "[");
        for (bool first = true; peek() != ']' && problem_.empty(); first = false) {
            if (!first) take(',', "a comma or a bracket");
            node.children.push_back(value(depth + 1));
        }
        take(']', "a closing bracket");
    }

    void word(TomlNode& node) {
        for (const std::string_view w : {"true", "false", "null"}) {
            if (!text_.substr(at_).starts_with(w)) continue;
            at_ += w.size();
            node.kind = w == "null" ? TomlNode::Kind::date : TomlNode::Kind::boolean;
            node.boolean = w == "true";
            return;
        }
        broken("true, false or null");
    }

    void number(TomlNode& node) {
        std::size_t end = at_;
        while (end < text_.size() && is_number_char(text_[end])) ++end;
        const std::string_view digits = text_.substr(at_, end - at_);
        const char* last = digits.data() + digits.size();
        node.kind = TomlNode::Kind::integer;
        auto parsed = std::from_chars(digits.data(), last, node.integer);
        if (parsed.ec != std::errc() || parsed.ptr != last) {
            node.kind = TomlNode::Kind::real;
            parsed = std::from_chars(digits.data(), last, node.real);
        }
        if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != last) return broken("a value");
        at_ = end;
    }

    std::string text() {
        std::string out;
        ++at_;
        while (at_ < text_.size() && text_[at_] != '"' && problem_.empty()) {
            if (static_cast<unsigned char>(text_[at_]) < 0x20) break;
            if (text_[at_] == '\\') {
                escape(out);
            } else {
                out += text_[at_++];
            }
        }
        if (at_ >= text_.size() || text_[at_] != '"') {
            broken("a closing quote on the same line");
            return out;
        }
        ++at_;
        return out;
    }

    /// Escapes by letter; \\u stands for a character that no key or name here holds and is kept as written.
    void escape(std::string& out) {
        constexpr std::string_view k_letters = "\"\\/bfnrt";
        constexpr std::string_view k_values = "\"\\/\b\f\n\r\t";
        const char letter = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        const std::size_t index = k_letters.find(letter);
        if (letter != 'u' && (letter == '\0' || index == std::string_view::npos)) {
            return broken("an escape that JSON knows");
        }
        out += letter == 'u' ? std::string("\\u") : std::string(1, k_values[index]);
        at_ += 2;
    }

    std::string_view text_;
    std::string_view origin_;
    std::size_t at_ = 0;
    std::int64_t line_ = 1;
    std::string problem_;
};

}  // namespace

Result<TomlNode> parse_json_object(std::string_view text, std::string_view origin) {
    return JsonParser(text, origin).run();
}

}  // namespace replayd
