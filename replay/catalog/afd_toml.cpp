#include "replay/catalog/afd_toml.hpp"

#include "replay/catalog/spec_toml.hpp"

namespace replayd {
namespace {

constexpr double k_bits_per_giga_byte = 8;
constexpr double k_giga = 1e9;
constexpr IntegerRange k_servers{1, 1'024};
constexpr IntegerRange k_stages{1, 64};
constexpr IntegerRange k_width{1, 4'096};
constexpr IntegerRange k_port{1, 65'535};
constexpr RealRange k_gigabits{0.001, 1e9, true};
/// Software and wire time of one RDMA message; a planning value of 5 to 10 µs, since none is published.
constexpr Duration k_rdma_latency{7'500};

constexpr std::array<Choice<AfdConnector>, 4> k_connectors = {{{"dummy", AfdConnector::dummy},
                                                               {"stepmesh", AfdConnector::stepmesh},
                                                               {"p2p", AfdConnector::p2p},
                                                               {"m2n", AfdConnector::m2n}}};
constexpr std::array<Choice<AfdEmptyStages>, 2> k_empty_stages = {
    {{"announce", AfdEmptyStages::announce}, {"pad", AfdEmptyStages::pad}}};
constexpr std::array<Choice<AfdRole>, 2> k_roles = {{{"attention", AfdRole::attention}, {"ffn", AfdRole::ffn}}};
constexpr std::array<Choice<DataType>, 2> k_wire_types = {{{"bf16", DataType::bf16}, {"fp8", DataType::fp8}}};

AfdFfnSpec read_ffn(TableReader table, const GpuSpec& pool_gpu, const Catalog& catalog) {
    AfdFfnSpec out;
    out.gpu = pool_gpu;
    const std::string name = table.text("gpu", pool_gpu.name);
    if (table.has("gpu")) {
        if (auto gpu = catalog.gpu(name)) {
            out.gpu = *gpu;
        } else {
            table.refuse_name("gpu", name, "", catalog.gpu_names());
        }
    }
    out.tensor = table.integer("tensor", k_width, out.tensor);
    out.expert = table.integer("expert", k_width, out.expert);
    out.redundant_experts = table.integer("redundant_experts", {0, k_width.most}, 0);
    table.finish();
    return out;
}

VirtualTime read_time(TableReader& table, std::string_view key) {
    return VirtualTime(0) + table.duration(key, k_ns_per_s, Duration(0));
}

AfdFault read_fault(TableReader table) {
    AfdFault out;
    out.role = table.choice<AfdRole>("role", k_roles);
    out.rank = table.integer("rank", {0, k_servers.most}, 0);
    out.replica = table.integer("replica", {0}, 0);
    out.from = read_time(table, "from_s");
    out.until = read_time(table, "until_s");
    out.delay = table.duration("delay_ms", k_ns_per_ms, Duration(0), Duration(0));
    if (!table.errors().any() && out.until <= out.from) {
        table.refuse("until_s", table.any("until_s")->shown(), "expected later than from_s");
    }
    table.finish();
    return out;
}

std::vector<AfdFault> read_faults(TableReader& table) {
    std::vector<AfdFault> out;
    const TomlNode* node = table.any("fault");
    if (node == nullptr) return out;
    if (node->kind != TomlNode::Kind::array) {
        table.refuse("fault", node->shown(), "expected [[pool.afd.fault]] with double brackets");
        return out;
    }
    for (const TomlNode& element : node->children) {
        out.push_back(read_fault(TableReader(element, table.path_of("fault"), table.errors())));
    }
    return out;
}

std::map<std::string, std::string, std::less<>> read_extra(TableReader& table) {
    std::map<std::string, std::string, std::less<>> out;
    const TomlNode* node = table.table("extra", false);
    if (node == nullptr) return out;
    TableReader extra(*node, table.path_of("extra"), table.errors());
    for (const TomlNode& each : node->children) out[each.key] = extra.text(each.key);
    return out;
}

/// Keys of a network that the dummy connector has not, and of kernels that RDMA has not.
void refuse_unused(TableReader& table, const AfdSpec& spec) {
    const auto refuse = [&](std::string_view key, const std::string& text) {
        if (const TomlNode* value = table.any(key)) table.refuse(key, value->shown(), text);
    };
    if (spec.connector == AfdConnector::dummy) {
        for (const std::string_view key : {"gigabits_per_s", "latency_us"}) {
            refuse(key, "belongs to connector = \"stepmesh\", \"p2p\" or \"m2n\"; remove it or change the connector");
        }
    }
    if (spec.connector == AfdConnector::dummy || spec.connector == AfdConnector::stepmesh) {
        refuse("connector_sms",
               "belongs to connector = \"p2p\" or \"m2n\", whose kernels take SMs; remove it or change "
               "the connector");
    }
}

}  // namespace

AfdSpec read_afd(TableReader& table, const GpuSpec& pool_gpu, const Catalog& catalog) {
    AfdSpec out;
    out.attention_servers = table.integer("attention_servers", k_servers, out.attention_servers);
    out.ffn_servers = table.integer("ffn_servers", k_servers, out.ffn_servers);
    out.stages = table.integer("stages", k_stages, out.stages);
    out.connector = table.choice<AfdConnector>("connector", k_connectors, out.connector);
    out.host = table.text("host", out.host);
    out.port = table.integer("port", k_port, out.port);
    out.interface = read_name(table, "interface", out.interface);
    const bool network = out.connector != AfdConnector::dummy;
    if (table.has("gigabits_per_s"))
        out.bytes_per_s = table.real("gigabits_per_s", k_gigabits) * k_giga / k_bits_per_giga_byte;
    out.latency = table.duration("latency_us", k_ns_per_us, Duration(0), network ? k_rdma_latency : Duration(0));
    out.connector_sms = table.integer("connector_sms", {0, 1'024}, 0);
    refuse_unused(table, out);
    out.wire = table.choice<DataType>("wire", k_wire_types, out.wire);
    out.empty_stages = table.choice<AfdEmptyStages>("empty_stages", k_empty_stages, out.empty_stages);
    out.timeout = table.duration("timeout_ms", k_ns_per_ms, Duration(1), out.timeout);
    out.ffn_input_replicated = table.flag("ffn_input_replicated", out.ffn_input_replicated);
    out.ffn_overlap = table.flag("ffn_overlap", out.ffn_overlap);
    out.extra = read_extra(table);
    if (const TomlNode* ffn = table.table("ffn", true)) {
        out.ffn = read_ffn(TableReader(*ffn, table.path_of("ffn"), table.errors()), pool_gpu, catalog);
    }
    out.faults = read_faults(table);
    table.any("gigabits_per_s");
    table.finish();
    return out;
}

}  // namespace replayd
