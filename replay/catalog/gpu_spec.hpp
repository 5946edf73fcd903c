#pragma once
// Facts of a GPU and of the node around it, from vendors' data sheets. Peak rates are dense (no sparsity).

#include <cstdint>
#include <string>

#include "replay/base/units.hpp"

namespace replayd {

struct GpuSpec {
    std::string name;                    ///< catalog name, e.g. "H100-SXM"
    Bytes memory{0};                     ///< usable device memory as the driver reports it
    Bytes runtime{256LL << 20};          ///< what libraries take of it in a process beside the framework's tensors
    double hbm_bytes_per_s = 0;          ///< peak memory bandwidth
    double bf16_flops = 0;               ///< peak tensor FLOP/s
    double fp8_flops = 0;                ///< 0: no fp8 tensor cores, priced as bf16
    double int8_ops = 0;                 ///< 0: none
    std::int64_t sm_count = 0;
    double nvlink_bytes_per_s = 0;       ///< one direction, per GPU; 0: PCIe only
    double pcie_bytes_per_s = 0;         ///< one direction, per GPU
    double nic_bytes_per_s = 0;          ///< default network interface per GPU, one direction
    std::int64_t gpus_per_node = 8;
    std::string source;
};

}  // namespace replayd
