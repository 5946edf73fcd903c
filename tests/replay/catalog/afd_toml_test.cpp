// [pool.afd]: what is read, what is refused and how, and what belongs to a deployment's identity.

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "replay/catalog/afd_spec.hpp"
#include "replay/catalog/scenario_toml.hpp"

namespace replayd {
namespace {

struct Text {
    std::string model = "Step-3";
    std::string role = "mixed";
    std::string parallel = "tensor = 1\ndata = 16\n";
    std::string afd = "attention_servers = 2\nffn_servers = 2\nconnector = \"stepmesh\"\n";
    std::string ffn = "tensor = 8\nexpert = 2\n";
    std::string fault;

    Result<Scenario> parse() const {
        return parse_scenario("name = \"s\"\nmodel = \"" + model + "\"\ngpu = \"H800\"\n[[pool]]\nrole = \"" + role +
                                  "\"\nweights = \"fp8\"\n[pool.parallel]\n" + parallel + "[pool.afd]\n" + afd +
                                  "[pool.afd.ffn]\n" + ffn + fault,
                              "afd.toml");
    }
};

TEST(AfdToml, reads_every_key) {
    Text text;
    text.afd =
        "attention_servers = 4\nffn_servers = 2\nstages = 2\nconnector = \"m2n\"\nhost = \"node0\"\nport = 5000\n"
        "interface = \"mlx5_0\"\ngigabits_per_s = 200\nlatency_us = 5\nconnector_sms = 8\nwire = \"fp8\"\n"
        "empty_stages = \"pad\"\ntimeout_ms = 200\nffn_overlap = false\nextra = { afd_size = \"4A2F\" }\n";
    text.ffn = "gpu = \"H20\"\ntensor = 4\nexpert = 4\nredundant_experts = 4\n";
    text.fault = "[[pool.afd.fault]]\nrole = \"attention\"\nrank = 3\nfrom_s = 10\nuntil_s = 20.5\ndelay_ms = 7\n";
    const auto scenario = text.parse();
    ASSERT_TRUE(scenario) << scenario.error().message;
    const PoolSpec& pool = scenario->pools.front();
    ASSERT_TRUE(pool.afd);
    EXPECT_EQ(pool.gpus_per_replica(), 32);
    const AfdSpec& afd = *pool.afd;
    EXPECT_EQ(afd.attention_servers, 4);
    EXPECT_EQ(afd.ffn_servers, 2);
    EXPECT_EQ(afd.stages, 2);
    EXPECT_EQ(afd.connector, AfdConnector::m2n);
    EXPECT_EQ(afd.host, "node0");
    EXPECT_EQ(afd.port, 5000);
    EXPECT_EQ(afd.interface, "mlx5_0");
    EXPECT_EQ(afd.bytes_per_s, 25e9);
    EXPECT_EQ(afd.latency, Duration(5'000));
    EXPECT_EQ(afd.connector_sms, 8);
    EXPECT_EQ(afd.wire, DataType::fp8);
    EXPECT_EQ(afd.empty_stages, AfdEmptyStages::pad);
    EXPECT_EQ(afd.timeout, Duration(200 * k_ns_per_ms));
    EXPECT_FALSE(afd.ffn_overlap);
    EXPECT_EQ(afd.extra.at("afd_size"), "4A2F");
    EXPECT_EQ(afd.ffn.gpu.name, "H20");
    EXPECT_EQ(afd.ffn.tensor, 4);
    EXPECT_EQ(afd.ffn.expert, 4);
    EXPECT_EQ(afd.ffn.redundant_experts, 4);
    ASSERT_EQ(afd.faults.size(), 1U);
    EXPECT_EQ(afd.faults[0].role, AfdRole::attention);
    EXPECT_EQ(afd.faults[0].rank, 3);
    EXPECT_EQ(afd.faults[0].from, VirtualTime(10 * k_ns_per_s));
    EXPECT_EQ(afd.faults[0].until, VirtualTime(20'500 * k_ns_per_ms));
    EXPECT_EQ(afd.faults[0].delay, Duration(7 * k_ns_per_ms));
}

// vLLM's defaults where it has the field; FFN servers have the pool's GPU.
TEST(AfdToml, defaults_are_those_of_the_reference) {
    Text text;
    text.parallel = "";
    text.afd = "";
    text.ffn = "";
    const auto scenario = text.parse();
    ASSERT_TRUE(scenario) << scenario.error().message;
    const AfdSpec& afd = *scenario->pools.front().afd;
    EXPECT_EQ(afd.attention_servers, 1);
    EXPECT_EQ(afd.ffn_servers, 1);
    EXPECT_EQ(afd.stages, 3);
    EXPECT_EQ(afd.connector, AfdConnector::dummy);
    EXPECT_EQ(afd.host, "127.0.0.1");
    EXPECT_EQ(afd.port, 1239);
    EXPECT_EQ(afd.interface, "auto");
    EXPECT_EQ(afd.timeout, Duration(50 * k_ns_per_s));
    EXPECT_EQ(afd.empty_stages, AfdEmptyStages::announce);
    EXPECT_EQ(afd.ffn.gpu.name, "H800");
    EXPECT_EQ(scenario->pools.front().gpus_per_replica(), 2);
}

struct Bad {
    const char* what;
    std::function<void(Text&)> change;
    const char* message;
};

TEST(AfdToml, what_cannot_be_is_refused_by_name) {
    const Bad rows[] = {
        {"pipeline", [](Text& t) { t.parallel = "data = 16\npipeline = 2\n"; },
         "afd.toml:9: pool.parallel.pipeline = 2: expected 1 with [pool.afd]: pipeline stages and AFD do not go "
         "together"},
        {"experts on the attention side", [](Text& t) { t.parallel = "data = 16\nexpert = 16\n"; },
         "afd.toml:9: pool.parallel.expert = 16: expected 1 with [pool.afd]: the experts are on the FFN servers, see "
         "pool.afd.ffn"},
        {"redundant experts on the attention side", [](Text& t) { t.parallel = "data = 16\nredundant_experts = 2\n"; },
         "afd.toml:9: pool.parallel.redundant_experts = 2: expected 0 with [pool.afd]: the experts are on the FFN "
         "servers, see "
         "pool.afd.ffn"},
        {"ranks that do not spread", [](Text& t) { t.afd = "attention_servers = 3\nffn_servers = 2\n"; },
         "afd.toml:11: pool.afd.attention_servers = 3: expected a divisor of parallel.data = 16, the scheduler ranks "
         "of all "
         "attention servers"},
        {"an attention server beyond one node", [](Text& t) { t.afd = "attention_servers = 1\nffn_servers = 2\n"; },
         "afd.toml:11: pool.afd.attention_servers = 1: each would have tensor x data / attention_servers = 16 GPUs: "
         "expected at "
         "most 8, one H800 node"},
        {"an FFN server beyond one node", [](Text& t) { t.afd = "attention_servers = 2\nffn_servers = 1\n"; },
         "afd.toml:12: pool.afd.ffn_servers = 1: each would have ffn.tensor x ffn.expert / ffn_servers = 16 GPUs: "
         "expected at "
         "most 8, one H800 node"},
        {"FFN GPUs that do not spread", [](Text& t) { t.afd = "attention_servers = 2\nffn_servers = 3\n"; },
         "afd.toml:12: pool.afd.ffn_servers = 3: expected a divisor of ffn.tensor x ffn.expert = 16, the GPUs of all "
         "FFN "
         "servers"},
        {"no attention server", [](Text& t) { t.afd = "attention_servers = 0\n"; },
         "afd.toml:11: pool.afd.attention_servers = 0: expected an integer from 1 to 1024"},
        {"no FFN server", [](Text& t) { t.afd = "ffn_servers = 0\n"; },
         "afd.toml:11: pool.afd.ffn_servers = 0: expected an integer from 1 to 1024"},
        {"no stage", [](Text& t) { t.afd += "stages = 0\n"; },
         "afd.toml:14: pool.afd.stages = 0: expected an integer from 1 to 64"},
        {"an unknown connector", [](Text& t) { t.afd = "connector = \"stepmsh\"\n"; },
         "afd.toml:11: pool.afd.connector = \"stepmsh\": expected dummy, stepmesh, p2p or m2n; did you mean "
         "\"stepmesh\"?"},
        {"an unknown key", [](Text& t) { t.afd += "num_stages = 3\n"; },
         "afd.toml:14: pool.afd.num_stages: unknown key; did you mean \"stages\"?"},
        {"an unknown precision", [](Text& t) { t.afd += "wire = \"int8\"\n"; },
         "afd.toml:14: pool.afd.wire = \"int8\": expected bf16 or fp8"},
        {"an unknown way with empty stages", [](Text& t) { t.afd += "empty_stages = \"skip\"\n"; },
         "afd.toml:14: pool.afd.empty_stages = \"skip\": expected announce or pad"},
        {"an interface that is no name", [](Text& t) { t.afd += "interface = \"a b\"\n"; },
         "afd.toml:14: pool.afd.interface = \"a b\": expected 1 to 100 letters, digits, '.', '_' or '-'"},
        {"a port out of range", [](Text& t) { t.afd += "port = 70000\n"; },
         "afd.toml:14: pool.afd.port = 70000: expected an integer from 1 to 65535"},
        {"a timeout of nothing", [](Text& t) { t.afd += "timeout_ms = 0\n"; },
         "afd.toml:14: pool.afd.timeout_ms = 0: expected a number of at least 1e-06 and at most 3.6e+12"},
        {"bandwidth of the dummy",
         [](Text& t) { t.afd = "attention_servers = 2\nffn_servers = 2\ngigabits_per_s = 400\n"; },
         "afd.toml:13: pool.afd.gigabits_per_s = 400: belongs to connector = \"stepmesh\", \"p2p\" or \"m2n\"; remove "
         "it or "
         "change the connector"},
        {"SMs of RDMA", [](Text& t) { t.afd += "connector_sms = 8\n"; },
         "afd.toml:14: pool.afd.connector_sms = 8: belongs to connector = \"p2p\" or \"m2n\", whose kernels take SMs; "
         "remove it "
         "or change the connector"},
        {"all SMs",
         [](Text& t) { t.afd = "attention_servers = 2\nffn_servers = 2\nconnector = \"p2p\"\nconnector_sms = 132\n"; },
         "afd.toml:14: pool.afd.connector_sms = 132: expected fewer than the SMs of either GPU"},
        {"replicated rows of different ranks", [](Text& t) { t.afd += "ffn_input_replicated = true\n"; },
         "afd.toml:14: pool.afd.ffn_input_replicated = true: expected false where parallel.data = 16 is not "
         "attention_servers = "
         "2: the GPUs of a server have different rows"},
        {"experts that do not spread", [](Text& t) { t.ffn = "tensor = 2\nexpert = 5\n"; },
         "afd.toml:10: pool.afd.ffn.expert = 5: expected a divisor of the 48 experts of Step-3"},
        {"redundant experts that do not spread",
         [](Text& t) { t.ffn = "tensor = 8\nexpert = 2\nredundant_experts = 1\n"; },
         "afd.toml:10: pool.afd.ffn.redundant_experts = 1: with the 48 experts of Step-3 there are 49: expected a "
         "multiple of "
         "expert = 2"},
        {"columns that do not divide", [](Text& t) { t.ffn = "tensor = 3\nexpert = 2\n"; },
         "afd.toml:10: pool.afd.ffn.tensor = 3: expected a divisor of the 5120 columns of an expert of Step-3"},
        {"an unknown GPU", [](Text& t) { t.ffn = "gpu = \"H801\"\n"; },
         "afd.toml:15: pool.afd.ffn.gpu = \"H801\": expected A100-SXM-80GB, B200, H100-SXM, H20, H200-SXM, H800, "
         "RTX-4090 or "
         "RTX-PRO-6000; did you mean \"H800\"?"},
        {"a model without experts", [](Text& t) { t.model = "Llama-3-70B"; },
         "afd.toml:10: pool.afd.ffn.expert = 2: expected a model with experts: Llama-3-70B has none; remove "
         "[pool.afd]"},
        {"a hybrid model",
         [](Text& t) {
             t.model = "Qwen3-Next-80B-A3B";
             t.ffn = "tensor = 2\nexpert = 8\n";
         },
         "afd.toml:10: pool.afd = a table: expected none: the layers of Qwen3-Next-80B-A3B have attention of two "
         "kinds, which "
         "AFD does not price"},
        {"a server that is not there",
         [](Text& t) { t.fault = "[[pool.afd.fault]]\nrole = \"ffn\"\nrank = 2\nfrom_s = 1\nuntil_s = 2\n"; },
         "afd.toml:17: pool.afd.fault = rank 2: expected 0 to 1, the ffn servers of a replica"},
        {"a replica that is not there",
         [](Text& t) { t.fault = "[[pool.afd.fault]]\nrole = \"ffn\"\nreplica = 1\nfrom_s = 1\nuntil_s = 2\n"; },
         "afd.toml:17: pool.afd.fault = replica 1: expected 0 to 0, the replicas of the pool"},
        {"a role that is none",
         [](Text& t) { t.fault = "[[pool.afd.fault]]\nrole = \"router\"\nfrom_s = 1\nuntil_s = 2\n"; },
         "afd.toml:18: pool.afd.fault.role = \"router\": expected attention or ffn"},
        {"a fault that ends before it begins",
         [](Text& t) { t.fault = "[[pool.afd.fault]]\nrole = \"ffn\"\nfrom_s = 2\nuntil_s = 1\n"; },
         "afd.toml:20: pool.afd.fault.until_s = 1: expected later than from_s"},
    };
    for (const Bad& row : rows) {
        SCOPED_TRACE(row.what);
        Text text;
        row.change(text);
        const auto scenario = text.parse();
        ASSERT_FALSE(scenario);
        EXPECT_EQ(scenario.error().message, row.message);
    }
}

TEST(AfdToml, the_table_of_ffn_servers_must_be_there) {
    const auto scenario = parse_scenario(
        "name = \"s\"\nmodel = \"Step-3\"\ngpu = \"H800\"\n[[pool]]\nrole = \"mixed\"\n[pool.afd]\n", "afd.toml");
    ASSERT_FALSE(scenario);
    EXPECT_EQ(scenario.error().message, "afd.toml:6: pool.afd.ffn is missing: expected a table");
}

TEST(AfdToml, decode_pools_may_be_disaggregated_further) {
    const auto scenario = parse_scenario(
        "name = \"s\"\nmodel = \"DeepSeek-V3\"\ngpu = \"H800\"\n[[pool]]\nrole = \"prefill\"\n[pool.parallel]\ntensor "
        "= 4\ndata = "
        "8\nexpert = 32\n[[pool]]\nrole = \"decode\"\n[pool.parallel]\ndata = 16\n[pool.afd]\nattention_servers = "
        "2\nffn_servers = "
        "2\n[pool.afd.ffn]\nexpert = 16\n[transfer]\ngigabits_per_s = 400\nlatency_us = 20\n",
        "afd.toml");
    ASSERT_TRUE(scenario) << scenario.error().message;
    EXPECT_FALSE(scenario->pools[0].afd);
    EXPECT_TRUE(scenario->pools[1].afd);
}

// Each change below must be seen; a set finds two that are not told apart.
TEST(AfdIdentity, changes_with_every_field) {
    const std::function<void(AfdSpec&)> changes[] = {
        [](AfdSpec&) {},
        [](AfdSpec& s) { s.attention_servers = 2; },
        [](AfdSpec& s) { s.ffn_servers = 2; },
        [](AfdSpec& s) { s.stages = 2; },
        [](AfdSpec& s) { s.connector = AfdConnector::p2p; },
        [](AfdSpec& s) { s.host = "node0"; },
        [](AfdSpec& s) { s.port = 1240; },
        [](AfdSpec& s) { s.interface = "mlx5_0"; },
        [](AfdSpec& s) { s.bytes_per_s = 5e10; },
        [](AfdSpec& s) { s.latency = Duration(1); },
        [](AfdSpec& s) { s.connector_sms = 1; },
        [](AfdSpec& s) { s.wire = DataType::fp8; },
        [](AfdSpec& s) { s.empty_stages = AfdEmptyStages::pad; },
        [](AfdSpec& s) { s.timeout = Duration(1); },
        [](AfdSpec& s) { s.ffn_input_replicated = true; },
        [](AfdSpec& s) { s.ffn_overlap = false; },
        [](AfdSpec& s) { s.extra["afd_size"] = "1A1F"; },
        [](AfdSpec& s) { s.ffn.gpu.name = "H20"; },
        [](AfdSpec& s) { s.ffn.tensor = 2; },
        [](AfdSpec& s) { s.ffn.expert = 2; },
        [](AfdSpec& s) { s.ffn.redundant_experts = 2; },
    };
    std::set<std::string> identities;
    for (const auto& change : changes) {
        AfdSpec spec;
        change(spec);
        identities.insert(afd_identity(spec));
    }
    EXPECT_EQ(identities.size(), std::size(changes));
}

TEST(AfdIdentity, is_json_with_sorted_keys) {
    AfdSpec spec;
    spec.extra["b\"2"] = "x\ny";
    spec.extra["a1"] = "1";
    EXPECT_EQ(
        afd_identity(spec),
        R"({"attention_servers":1,"bytes_per_s":0,"connector":"dummy","connector_sms":0,"empty_stages":"announce",)"
        R"("extra":{"a1":"1","b\"2":"x\u000ay"},"ffn":{"expert":1,"gpu":"","redundant_experts":0,"tensor":1},)"
        R"("ffn_input_replicated":false,"ffn_overlap":true,"ffn_servers":1,"host":"127.0.0.1","interface":"auto",)"
        R"("latency_ns":0,"port":1239,"stages":3,"timeout_ns":50000000000,"wire":"bf16"})");
}

TEST(AfdIdentity, the_graph_key_leaves_the_meeting_point_out) {
    AfdSpec here;
    AfdSpec there;
    there.host = "node0";
    there.port = 4321;
    EXPECT_NE(afd_identity(here), afd_identity(there));
    EXPECT_EQ(afd_graph_key(here), afd_graph_key(there));
    there.stages = 2;
    EXPECT_NE(afd_graph_key(here), afd_graph_key(there));
}

TEST(AfdIdentity, faults_are_no_part_of_a_deployment) {
    AfdSpec sound;
    AfdSpec faulty;
    faulty.faults.push_back({});
    EXPECT_EQ(afd_identity(sound), afd_identity(faulty));
}

}  // namespace
}  // namespace replayd
