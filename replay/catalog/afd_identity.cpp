// The canonical text of an AFD deployment.

#include <charconv>

#include "replay/catalog/afd_spec.hpp"

namespace replayd {
namespace {

constexpr char k_hex[] = "0123456789abcdef";

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (byte < 0x20) {
            out += std::string("\\u00") + k_hex[byte >> 4] + k_hex[byte & 15];
        } else {
            out += c;
        }
    }
    return out + '"';
}

/// The shortest text that reads back as the same number.
std::string number(double value) {
    char text[32];
    const auto [end, error] = std::to_chars(text, text + sizeof(text), value);
    return {text, end};
}

std::string number(std::int64_t value) {
    return std::to_string(value);
}
std::string flag(bool value) {
    return value ? "true" : "false";
}

std::string_view type_name(DataType type) {
    return type == DataType::fp8 ? "fp8" : "bf16";
}

/// Fields by name, so in sorted order.
using Fields = std::map<std::string, std::string, std::less<>>;

std::string object(const Fields& fields) {
    std::string out = "{";
    for (const auto& [key, value] : fields) out += (out.size() > 1 ? "," : "") + quoted(key) + ':' + value;
    return out + '}';
}

Fields fields_of(const AfdSpec& spec) {
    Fields extra;
    for (const auto& [key, value] : spec.extra) extra[key] = quoted(value);
    return {{"attention_servers", number(spec.attention_servers)},
            {"bytes_per_s", number(spec.bytes_per_s)},
            {"connector", quoted(to_text(spec.connector))},
            {"connector_sms", number(spec.connector_sms)},
            {"empty_stages", quoted(to_text(spec.empty_stages))},
            {"extra", object(extra)},
            {"ffn", object({{"expert", number(spec.ffn.expert)},
                            {"gpu", quoted(spec.ffn.gpu.name)},
                            {"redundant_experts", number(spec.ffn.redundant_experts)},
                            {"tensor", number(spec.ffn.tensor)}})},
            {"ffn_input_replicated", flag(spec.ffn_input_replicated)},
            {"ffn_overlap", flag(spec.ffn_overlap)},
            {"ffn_servers", number(spec.ffn_servers)},
            {"host", quoted(spec.host)},
            {"interface", quoted(spec.interface)},
            {"latency_ns", number(spec.latency.value)},
            {"port", number(spec.port)},
            {"stages", number(spec.stages)},
            {"timeout_ns", number(spec.timeout.value)},
            {"wire", quoted(type_name(spec.wire))}};
}

}  // namespace

std::string afd_identity(const AfdSpec& spec) {
    return object(fields_of(spec));
}

std::string afd_graph_key(const AfdSpec& spec) {
    Fields fields = fields_of(spec);
    fields.erase("host");
    fields.erase("port");
    return object(fields);
}

}  // namespace replayd
