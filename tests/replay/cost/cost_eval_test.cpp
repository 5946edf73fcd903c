// `cost eval` as a library: what it appends, what it refuses, and how near it comes to the public tables.

#include "replay/cost/eval/cost_eval.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "replay/cost/eval/kernel_rows.hpp"
#include "replay/cost/laws/embedded_laws.hpp"
#include "replay/cost/laws/law_choice.hpp"
#include "tests/source_paths.hpp"

namespace replayd::cost {
namespace {

std::string eval_gemm(const std::string& csv, const std::string& gpu = "h100_sxm",
                      const std::string& backend = "vllm") {
    const auto out = cost_eval({gpu, backend, "gemm", "shapes.csv", csv});
    return out ? *out : out.error().message;
}

double price_gemm(const std::string& gpu, double m, double n, double k) {
    const auto law = choose_law(*find_kernel_table("gemm"), *find_hardware(gpu), "vllm");
    KernelRow row;
    row.number = {static_cast<double>(find_type("bfloat16")), m, n, k};
    return law->price(row).us;
}

// The order and text of the input survive; two columns are appended, the second never blank.
TEST(CostEval, appends_prediction_and_provenance_to_every_row) {
    std::istringstream out(
        eval_gemm("note,gemm_dtype,m,n,k\nfirst,bfloat16,128,4096,4096\r\n\nsecond,fp8,1,2048,2048\n"));
    std::string line;
    std::getline(out, line);
    EXPECT_EQ(line, "note,gemm_dtype,m,n,k,predicted_us,provenance");
    std::getline(out, line);
    EXPECT_EQ(line.rfind("first,bfloat16,128,4096,4096,", 0), 0U) << line;
    EXPECT_NE(line.find(",law h100_sxm/vllm"), std::string::npos) << line;
    std::getline(out, line);
    EXPECT_EQ(line.rfind("second,fp8,1,2048,2048,", 0), 0U) << line;
    EXPECT_FALSE(std::getline(out, line));
}

// A pair of GPU and framework without a table is priced by the nearest one, and the answer says so.
TEST(CostEval, names_the_law_it_carried_over) {
    const std::string csv = "gemm_dtype,m,n,k,kernel_source\nbfloat16,128,4096,4096,torch.nn.functional.linear\n";
    EXPECT_NE(eval_gemm(csv, "h200_sxm").find(",law h100_sxm/vllm scaled to h200_sxm\n"), std::string::npos);
    EXPECT_NE(eval_gemm(csv, "gb200").find(",law b200_sxm/sglang scaled to gb200 for vllm; usual kernel assumed\n"),
              std::string::npos);
}

// What no table holds: calls beyond one node and send/recv say which of NCCL's ways they are priced by.
TEST(CostEval, prices_collectives_between_nodes_and_send_recv) {
    const auto out = cost_eval({"h100_sxm", "nccl", "nccl", "calls.csv",
                                "op_name,kernel_source,nccl_dtype,num_gpus,message_size\n"
                                "alltoall,NCCL,half,8,1048576\nalltoall,NCCL,half,32,1048576\n"
                                "all_gather,NCCL,half,16,67108864\nsend_recv,NCCL,half,2,33554432\n"});
    ASSERT_TRUE(out);
    EXPECT_NE(out->find("alltoall,NCCL,half,8,1048576,18.6580,law h100_sxm/nccl\n"), std::string::npos) << *out;
    EXPECT_NE(out->find(",NCCL's tuning model; pairs\n"), std::string::npos) << *out;
    EXPECT_NE(out->find(",NCCL's tuning model; ring Simple\n"), std::string::npos) << *out;
    EXPECT_NE(out->find(",measured between two H100; NVLink\n"), std::string::npos) << *out;
}

// From a node or a rack of NVLink to several, a call of the same bytes never becomes faster: by NCCL's tuning model
// alone two nodes of a B200 took 25.0 us for 2 KiB, one by its table 25.6.
TEST(CostEval, more_gpus_than_a_node_has_are_no_faster) {
    for (const std::string gpu : {"h200_sxm", "b200_sxm", "gb200"}) {
        for (const std::string op : {"all_reduce", "all_gather", "reduce_scatter"}) {
            for (const std::string elements : {"256", "1024", "131072"}) {
                std::string csv = "op_name,kernel_source,nccl_dtype,num_gpus,message_size\n";
                for (const char* gpus : {"8", "16", "72", "144"}) {
                    csv += op + ",NCCL,half," + gpus + "," + elements + "\n";
                }
                const auto out = cost_eval({gpu, "nccl", "nccl", "calls.csv", csv});
                ASSERT_TRUE(out) << out.error().message;
                const auto table = parse_csv("out.csv", *out);
                ASSERT_TRUE(table);
                double before = 0;
                for (const auto& row : table->rows) {
                    const double now = std::stod(std::string(row[*table->column("predicted_us")]));
                    EXPECT_GE(now, before) << gpu << " " << op << " " << elements << "\n" << *out;
                    before = now;
                }
            }
        }
    }
    const auto out = cost_eval({"b200_sxm", "nccl", "nccl", "calls.csv",
                                "op_name,kernel_source,nccl_dtype,num_gpus,message_size\n"
                                "all_reduce,NCCL,half,16,1024\n"});
    EXPECT_NE(out->find(",law b200_sxm/nccl; as inside one node\n"), std::string::npos) << *out;
}

// Beyond the fitted range the answer is flagged, and grows with the work.
TEST(CostEval, flags_extrapolation_and_stays_monotone_there) {
    EXPECT_NE(eval_gemm("gemm_dtype,m,n,k\nbfloat16,1000000,4096,4096\n").find("; extrapolated\n"), std::string::npos);
    double before = price_gemm("h100_sxm", 65'536, 4096, 4096);
    for (double m = 131'072; m < 1e8; m *= 1.7) {
        const double now = price_gemm("h100_sxm", m, 4096, 4096);
        EXPECT_GT(now, before) << m;
        before = now;
    }
}

// 2,048 tokens see 2,048 x 2,049 / 2 keys among themselves and 2,048 x 6,144 before them: seven times as many pairs.
TEST(CostEval, context_attention_pays_for_the_tokens_before) {
    const auto law = choose_law(*find_kernel_table("context_attention"), *find_hardware("h100_sxm"), "vllm");
    ASSERT_TRUE(law);
    const double type = find_type("bfloat16");
    KernelRow row;
    row.number = {1, 2'048, 32, 8, 128, type, type, 0, 0};
    const double alone = law->price(row).us;
    row.number[8] = 6'144;
    EXPECT_GT(law->price(row).us, 4 * alone);
    EXPECT_LT(law->price(row).us, 8 * alone);
    row.number[7] = 2'048;  // a window as long as the chunk: twice the pairs
    EXPECT_LT(law->price(row).us, 2.5 * alone);
}

// More bandwidth and the same tensor cores: an H200 is faster where memory binds and equal where compute does.
TEST(CostEval, carries_a_law_to_a_gpu_by_its_memory_and_compute_parts) {
    EXPECT_LT(price_gemm("h200_sxm", 16, 16'384, 16'384), 0.80 * price_gemm("h100_sxm", 16, 16'384, 16'384));
    EXPECT_NEAR(price_gemm("h200_sxm", 16'384, 16'384, 16'384) / price_gemm("h100_sxm", 16'384, 16'384, 16'384), 1,
                0.02);
}

double us_of(const char* table, const char* gpu, const KernelRow& row) {
    auto choice = LawChoice::of(*find_kernel_table(table), gpu, std::string_view(table) == "nccl" ? "nccl" : "sglang");
    return (*choice->law_for(row))->price(row).us;
}

// No table of a GB200 is behind its prices. Large calls must be faster than an H100's by about what the data sheets
// say:
// 2,500 / 989 TFLOP/s in bf16, twice that in fp8, 8 / 3.35 TB/s of memory, 900 / 450 GB/s of NVLink.
TEST(CostEval, gb200_is_faster_than_h100_as_the_data_sheets_say) {
    const double bf16 = find_type("bfloat16");
    const double fp8 = find_type("fp8_block");
    const auto ratio = [](const char* table, const KernelRow& row) {
        return us_of(table, "h100_sxm", row) / us_of(table, "gb200", row);
    };
    EXPECT_NEAR(ratio("gemm", {{bf16, 8'192, 8'192, 8'192}, ""}), 2.53, 0.4);
    EXPECT_NEAR(ratio("gemm", {{fp8, 8'192, 8'192, 8'192}, ""}), 2.53, 0.4);
    EXPECT_NEAR(ratio("gemm", {{bf16, 1, 16'384, 16'384}, ""}), 2.39, 0.4);
    EXPECT_NEAR(ratio("context_attention", {{8, 8'192, 32, 8, 128, bf16, bf16}, ""}), 2.53, 0.4);
    EXPECT_NEAR(ratio("generation_attention", {{64, 8'191, 32, 8, 128, bf16, bf16}, ""}), 2.39, 0.4);
    EXPECT_NEAR(ratio("nccl", {{static_cast<double>(find_type("half")), 4, 1 << 27}, "all_reduce/NCCL"}), 2.0, 0.4);
}

// A data type that no law of the framework knows is priced by the nearest law that does, and the answer says so.
TEST(CostEval, takes_the_nearest_law_that_knows_the_data_type) {
    const std::string h100 =
        eval_gemm("gemm_dtype,m,n,k,kernel_source\nnvfp4,128,4096,4096,any\n", "h100_sxm", "sglang");
    EXPECT_NE(h100.find(",law b200_sxm/sglang scaled to h100_sxm; usual kernel assumed\n"), std::string::npos) << h100;
    KernelRow experts;
    experts.number = {static_cast<double>(find_type("fp8")), 128, 4'096, 2'048, 8, 128, 1, 1, 0};
    auto choice = LawChoice::of(*find_kernel_table("moe"), "h100_sxm", "sglang");
    EXPECT_EQ((*choice->law_for(experts))->law.parts().backend, "vllm");
}

// Nemotron's experts have two matrices, those of other families three: a third less work at the same shape otherwise.
TEST(CostEval, experts_without_a_gate_do_a_third_less) {
    const KernelTable& moe = *find_kernel_table("moe");
    KernelRow ungated;
    ungated.number = {static_cast<double>(find_type("bfloat16")), 16'384, 4'096, 5'120, 22, 512, 1, 1, 0};
    KernelRow gated = ungated;
    gated.number[3] = 5'121;
    const Hardware& h100 = *find_hardware("h100_sxm");
    EXPECT_NEAR(moe.work(h100, ungated).compute_us / moe.work(h100, gated).compute_us, 2.0 / 3, 0.001);
}

// All-gather moves each byte once, all-reduce twice, also where the row names no kernel.
TEST(CostEval, a_collective_is_known_by_its_operation_alone) {
    const auto link_us = [](const char* kernel) {
        const KernelRow row{{static_cast<double>(find_type("half")), 8, 1 << 20}, kernel};
        return find_kernel_table("nccl")->work(*find_hardware("h100_sxm"), row).link_us;
    };
    EXPECT_EQ(link_us("all_gather"), link_us("all_gather/NCCL"));
    EXPECT_EQ(link_us("all_reduce"), 2 * link_us("alltoall"));
}

// Every shipped law can be read, has a source, and answers for a plain row of its table.
TEST(EmbeddedLaws, parse_and_name_their_source) {
    ASSERT_GE(embedded_laws().size(), 45U);
    for (const EmbeddedLaw& law : embedded_laws()) {
        const auto parsed = KernelLaw::from_bytes(law.bytes);
        ASSERT_TRUE(parsed) << law.name << ": " << parsed.error().message;
        const bool own = law.name.find(".replayd.") != std::string::npos;
        EXPECT_NE(parsed->parts().source.find(own ? "replay/cost/profile" : "Apache-2.0"), std::string::npos)
            << law.name;
        EXPECT_EQ(parsed->to_bytes(), law.bytes) << law.name;
        // Trees that were fitted on other features than the table has now would answer nonsense.
        std::vector<float> features;
        KernelRow row;
        row.number.fill(1);
        parsed->features(*find_hardware("h100_sxm"), row, 0, 0, features);
        EXPECT_EQ(parsed->parts().correction.feature_count(), features.size()) << law.name;
    }
}

struct Wrong {
    const char* gpu;
    const char* backend;
    const char* op;
    const char* csv;
    const char* message;
};

// Bad input yields one message that names the place, the value and what was expected.
TEST(CostEval, refuses_wrong_input_with_exact_messages) {
    const std::vector<Wrong> cases = {
        {"h100", "vllm", "gemm", "m\n",
         "gpu: 'h100' is not known to the laws; write one of a100_sxm, h100_sxm, h200_sxm, h800_sxm, h20_sxm, "
         "b200_sxm, "
         "gb200, rtx_pro_6000_server, rtx_4090, b300_sxm, gb300, h100_pcie, h100_nvl, a100_pcie, l40s, l20, l4"},
        {"h100_sxm", "tgi", "gemm", "m\n",
         "backend: 'tgi' is not one that laws were fitted for; write one of sglang, vllm, trtllm, nccl, replayd"},
        {"h100_sxm", "vllm", "matmul", "m\n",
         "op: 'matmul' is not an operator; write one of gemm, context_attention, generation_attention, context_mla, "
         "generation_mla, mla_bmm, moe, gdn, nccl, custom_allreduce, wideep_deepep_normal, wideep_deepep_ll"},
        {"h100_sxm", "vllm", "gemm", "", "in.csv: empty; a header line with the column names was expected"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype,m,n\n",
         "in.csv: the column 'k' is missing; gemm takes gemm_dtype, m, n, k, separated by commas, and the header has "
         "'gemm_dtype', 'm', 'n'"},
        {"h100_sxm", "vllm", "gemm", "m,m\n", "in.csv: the column 'm' stands twice in the header; keep one"},
        {"h100_sxm", "vllm", "gemm", "m,,k\n", "in.csv: column 2 of the header has no name; write one"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype,m,n,k\nbfloat16,1,2\n",
         "in.csv, line 2: 3 cells, but the header has 4 columns; mend the line"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype;m;n;k\n",
         "in.csv: the column 'gemm_dtype' is missing; gemm takes gemm_dtype, m, n, k, separated by commas, and the "
         "header has "
         "'gemm_dtype;m;n;k'"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype,m,n,k,note\nfp8,1,2,3,a\"b\n",
         "in.csv, line 2: a quote is misplaced; put the whole cell in quotes, on one line, with each '\"' of its own "
         "doubled"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype,m,n,k,note\nfp8,1,2,3,\"a\n",
         "in.csv, line 2: a quote is misplaced; put the whole cell in quotes, on one line, with each '\"' of its own "
         "doubled"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype,m,n,k,note\nfp8,1,2,3,\"a\"b\n",
         "in.csv, line 2: a quote is misplaced; put the whole cell in quotes, on one line, with each '\"' of its own "
         "doubled"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype,m,n,k\nfp8,1.5,2,3\n",
         "in.csv, line 2, column m: '1.5' is not a whole number from 1 to 1e12"},
        {"h100_sxm", "nccl", "nccl", "op_name,nccl_dtype,num_gpus,message_size\nbroadcast,half,8,1024\n",
         "in.csv, line 2, column op_name: 'broadcast' is not one of all_gather, all_reduce, alltoall, reduce_scatter, "
         "send_recv"},
        {"h100_sxm", "nccl", "nccl", "op_name,nccl_dtype,num_gpus,message_size\nall_reduce,half,1,1024\n",
         "in.csv, line 2, column num_gpus: '1' is not a whole number from 2 to 1e12"},
        {"h100_sxm", "sglang", "mla_bmm", "op_name,bmm_dtype,num_tokens,num_heads\nmla_pre,bfloat16,1,128\n",
         "in.csv, line 2, column op_name: 'mla_pre' is not one of mla_gen_pre, mla_gen_post"},
        {"h100_sxm", "sglang", "gdn",
         "kernel_source,phase,batch_size,seq_len,d_model,d_conv,num_k_heads,head_k_dim,num_v_heads,head_v_dim\n"
         "causal_conv1d_fn,prefill,1,64,1024,4,16,128,16,128\n",
         "in.csv, line 2, column phase: 'prefill' is not one of context, generation"},
        {"h100_sxm", "sglang", "gdn",
         "kernel_source,phase,batch_size,seq_len,num_tokens,d_model,d_conv,num_k_heads,head_k_dim,num_v_heads,head_v_"
         "dim\n"
         "causal_conv1d_fn,context,2,64,64,1024,4,16,128,16,128\n",
         "in.csv, line 2, column num_tokens: '64' is not 128 (batch_size x seq_len)"},
        {"h100_sxm", "sglang", "generation_attention",
         "batch_size,isl,num_heads,num_key_value_heads,head_dim,attn_dtype,kv_cache_dtype,step\n"
         "32,4096,16,8,128,bfloat16,bfloat16,1\n",
         "in.csv, line 2, column isl: '4096' is not 1 (a decode has one new token per sequence; what it reads is "
         "step)"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype,m,n,k\nbf16,1,2,3\n",
         "in.csv, line 2, column gemm_dtype: 'bf16' is not a known data type (bfloat16, float16, half, fp8, fp8_block, "
         "int8, "
         "int8_wo, int4_wo, w4a16_mxfp4, w4afp8, w4a8_mxfp4_mxfp8, nvfp4)"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype,m,n,k\nfp8,0,2,3\n",
         "in.csv, line 2, column m: '0' is not a whole number from 1 to 1e12"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype,m,n,k\nfp8,1,2,3\nfp8,1,-2,3\n",
         "in.csv, line 3, column n: '-2' is not a whole number from 1 to 1e12"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype,m,n,k\nfp8,1,2,4x\n",
         "in.csv, line 2, column k: '4x' is not a whole number from 1 to 1e12"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype,m,n,k\nfp8,1,2,nan\n",
         "in.csv, line 2, column k: 'nan' is not a whole number from 1 to 1e12"},
        {"h100_sxm", "vllm", "gemm", "gemm_dtype,m,n,k,predicted_us\nfp8,1,2,3,4\n",
         "in.csv: the column 'predicted_us' is already there; take it out, it is what this command writes"},
        {"h100_sxm", "vllm", "moe",
         "moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,moe_ep_size,distribution\n"
         "fp8,1,2048,768,8,128,1,1,zipf\n",
         "in.csv, line 2, column distribution: 'zipf' is not 'balanced' or 'power_law_<exponent>'"},
        {"h100_sxm", "vllm", "moe",
         "moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,moe_ep_size,distribution\n"
         "fp8,1,2048,768,9,8,1,1,balanced\n",
         "in.csv, line 2: 9 experts per token of 8 experts; topk must be at most num_experts"},
        {"h100_sxm", "vllm", "moe",
         "moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,moe_ep_size,distribution\n"
         "fp8,1,2048,768,2,8,1,16,balanced\n",
         "in.csv, line 2: 8 experts over 16 ranks; moe_ep_size must be at most num_experts"},
        {"h100_sxm", "sglang", "wideep_deepep_ll",
         "node_num,hidden_size,num_token,num_topk,num_experts\n1,7168,128,8,256\n1,7168,128,9,8\n",
         "in.csv, line 3: 9 experts per token of 8 experts; num_topk must be at most num_experts"},
        {"h100_sxm", "sglang", "wideep_deepep_normal",
         "node_num,hidden_size,num_token,num_topk,num_experts,dispatch_sms,combine_sms\n1,7168,128,9,8,24,24\n",
         "in.csv, line 2: 9 experts per token of 8 experts; num_topk must be at most num_experts"},
        {"h100_sxm", "sglang", "wideep_deepep_normal",
         "node_num,hidden_size,num_token,num_topk,num_experts,dispatch_sms,combine_sms\n1,7168,128,8,256,24,4\n",
         "in.csv, line 2, column combine_sms: '4' is not 24 (dispatch_sms: the law prices both halves together, "
         "measured with as many SMs each)"},
        {"h100_sxm", "sglang", "wideep_deepep_normal",
         "node_num,hidden_size,num_token,num_topk,num_experts,dispatch_sms\n2,7168,128,8,256,24\n",
         "in.csv, line 2, column node_num: '2' is not 1 (the tables behind the law were measured inside one node; it "
         "knows no more)"},
    };
    for (const Wrong& wrong : cases) {
        const auto out = cost_eval({wrong.gpu, wrong.backend, wrong.op, "in.csv", wrong.csv});
        ASSERT_FALSE(out) << wrong.message;
        EXPECT_EQ(out.error().message, wrong.message);
        EXPECT_EQ(out.error().code, Code::invalid_argument);
    }
}

// What spreadsheets and pandas write: a byte order mark, quoted cells with commas and quotes in them, counts as
// "128.0", blank lines and comments. Lines come back as they were.
TEST(CostEval, reads_csv_as_other_tools_write_it) {
    const auto out = cost_eval({"h100_sxm", "vllm", "gemm", "in.csv",
                                "\xef\xbb\xbf\"gemm_dtype\",\"m\",n,k,note\r\n# a comment\r\n\r\n"
                                "\"bfloat16\",\"128\",4096.0,4096,\"a, \"\"b\"\"\"\r\n"});
    ASSERT_TRUE(out) << out.error().message;
    const std::string plain = eval_gemm("gemm_dtype,m,n,k,note\nbfloat16,128,4096,4096,c\n", "h100_sxm", "vllm");
    const std::string price = plain.substr(plain.find(",c,") + 3);
    EXPECT_EQ(*out,
              "\"gemm_dtype\",\"m\",n,k,note,predicted_us,provenance\n"
              "\"bfloat16\",\"128\",4096.0,4096,\"a, \"\"b\"\"\"," +
                  price);
}

// The laws sit close to the rows that they were fitted on: median error per small table of the H100.
TEST(CostEval, meets_the_public_tables) {
    const std::filesystem::path folder = REPLAYD_SOURCE_DIR "/../shared/data/kernel_times/h100_sxm/sglang";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no public kernel tables beside this checkout";
    for (const char* op : {"context_mla", "mla_bmm", "wideep_deepep_ll", "wideep_deepep_normal"}) {
        std::ifstream file(folder / (std::string(op) + ".csv"));
        const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        const KernelTable& table = *find_kernel_table(op);
        const auto csv = parse_csv(op, text);
        ASSERT_TRUE(csv);
        const auto rows = kernel_rows(op, table, *csv);
        const auto times = measured_us(op, table, *csv);
        ASSERT_TRUE(rows && times);
        const auto law = choose_law(table, *find_hardware("h100_sxm"), "sglang");
        std::vector<double> errors;
        for (std::size_t i = 0; i < rows->size(); ++i) {
            errors.push_back(std::abs(law->price((*rows)[i]).us / (*times)[i] - 1));
        }
        std::nth_element(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2), errors.end());
        EXPECT_LT(errors[errors.size() / 2], 0.03) << op;
    }
}

}  // namespace
}  // namespace replayd::cost
