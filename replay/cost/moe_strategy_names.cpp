#include "replay/cost/moe_strategy_names.hpp"

namespace replayd::cost {

using enum MoeRouter;
using enum MoeExecutor;
using enum MoeQuant;

std::string_view quant_name(MoeQuant quant) {
    switch (quant) {
        case none: return "bf16";
        case fp8_block: return "fp8 with a scale per block";
        case fp8_tensor: return "fp8 with a scale per tensor";
        case int4_fp8: return "int4";
        case fp4: return "fp4";
        case MoeQuant::int8: return "int8";
    }
    return "";
}

std::string_view backend_name(MoeBackend backend) {
    switch (backend) {
        case MoeBackend::fused: return "fused";
        case MoeBackend::tensor: return "tensor";
        case MoeBackend::deepep_normal: return "deepep_normal";
        case MoeBackend::deepep_low_latency: return "deepep_low_latency";
    }
    return "";
}

std::string_view router_name(MoeRouter router) {
    switch (router) {
        case batched: return "batched";
        case deepep_normal: return "DeepEP normal";
        case deepep_low_latency: return "DeepEP low-latency";
        case pure_tensor: return "none";
        case gathered: return "all-gather and reduce-scatter";
    }
    return "";
}

std::string_view executor_name(MoeExecutor executor) {
    switch (executor) {
        case fused: return "fused Triton";
        case batched_triton: return "batched Triton";
        case deepgemm_masked: return "DeepGEMM masked";
        case deepgemm_hybrid: return "DeepGEMM hybrid";
        case cutlass: return "CUTLASS grouped";
        case trtllm: return "TensorRT-LLM";
        case cutedsl_masked: return "CuteDSL masked";
    }
    return "";
}

std::string_view layout_name(MoeLayoutRule layout) {
    switch (layout) {
        case MoeLayoutRule::sorted: return "sorted";
        case MoeLayoutRule::masked: return "masked";
        case MoeLayoutRule::hybrid: return "masked or contiguous";
        case MoeLayoutRule::contiguous: return "contiguous";
    }
    return "";
}

}  // namespace replayd::cost
