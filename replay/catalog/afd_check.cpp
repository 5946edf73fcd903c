// Combinations of an AFD pool that cannot exist.

#include "replay/catalog/afd_toml.hpp"

namespace replayd {
namespace {

std::string number(std::int64_t value) {
    return std::to_string(value);
}

class AfdCheck {
public:
    AfdCheck(const PoolSpec& pool, const ModelSpec& model) : pool_(pool), afd_(*pool.afd), model_(model) {}

    std::vector<PoolProblem> run() {
        attention();
        ffn();
        network();
        capacity();
        for (const AfdFault& fault : afd_.faults) check(fault);
        return std::move(problems_);
    }

private:
    void refuse(PoolTable table, std::string key, std::string value, std::string text) {
        problems_.push_back({table, std::move(key), std::move(value), std::move(text)});
    }

    void attention() {
        const ParallelSpec& parallel = pool_.parallel;
        if (parallel.pipeline != 1) {
            refuse(PoolTable::parallel, "pipeline", number(parallel.pipeline),
                   "expected 1 with [pool.afd]: pipeline stages and AFD do not go together");
        }
        if (parallel.expert != 1 || parallel.redundant_experts != 0) {
            const bool expert = parallel.expert != 1;
            refuse(PoolTable::parallel, expert ? "expert" : "redundant_experts",
                   number(expert ? parallel.expert : parallel.redundant_experts),
                   std::string("expected ") + (expert ? "1" : "0") +
                       " with [pool.afd]: the experts are on the FFN servers, see pool.afd.ffn");
        }
        if (parallel.data % afd_.attention_servers != 0) {
            refuse(PoolTable::afd, "attention_servers", number(afd_.attention_servers),
                   "expected a divisor of parallel.data = " + number(parallel.data) +
                       ", the scheduler ranks of all attention servers");
            return;
        }
        const std::int64_t gpus = parallel.tensor * parallel.data / afd_.attention_servers;
        if (gpus > pool_.gpu.gpus_per_node) {
            refuse(PoolTable::afd, "attention_servers", number(afd_.attention_servers),
                   "each would have tensor x data / attention_servers = " + number(gpus) + " GPUs: expected at most " +
                       number(pool_.gpu.gpus_per_node) + ", one " + pool_.gpu.name + " node");
        }
        if (afd_.ffn_input_replicated && parallel.data != afd_.attention_servers) {
            refuse(PoolTable::afd, "ffn_input_replicated", "true",
                   "expected false where parallel.data = " + number(parallel.data) + " is not attention_servers = " +
                       number(afd_.attention_servers) + ": the GPUs of a server have different rows");
        }
    }

    void ffn() {
        const AfdFfnSpec& ffn = afd_.ffn;
        if (!model_.moe) {
            refuse(PoolTable::afd, "ffn.expert", number(ffn.expert),
                   "expected a model with experts: " + model_.name + " has none; remove [pool.afd]");
            return;
        }
        if (model_.linear_attention) {
            refuse(PoolTable::pool, "afd", "a table",
                   "expected none: the layers of " + model_.name +
                       " have attention of two kinds, which AFD does not price");
        }
        const std::int64_t physical = model_.moe->experts + ffn.redundant_experts;
        if (physical % ffn.expert != 0) {
            const bool redundant = ffn.redundant_experts > 0;
            refuse(PoolTable::afd, redundant ? "ffn.redundant_experts" : "ffn.expert",
                   number(redundant ? ffn.redundant_experts : ffn.expert),
                   redundant
                       ? "with the " + number(model_.moe->experts) + " experts of " + model_.name + " there are " +
                             number(physical) + ": expected a multiple of expert = " + number(ffn.expert)
                       : "expected a divisor of the " + number(physical) + " experts of " + model_.name);
        }
        if (model_.moe->ffn % ffn.tensor != 0) {
            refuse(PoolTable::afd, "ffn.tensor", number(ffn.tensor),
                   "expected a divisor of the " + number(model_.moe->ffn) + " columns of an expert of " + model_.name);
        }
        if (ffn.gpus() % afd_.ffn_servers != 0) {
            refuse(PoolTable::afd, "ffn_servers", number(afd_.ffn_servers),
                   "expected a divisor of ffn.tensor x ffn.expert = " + number(ffn.gpus()) +
                       ", the GPUs of all FFN servers");
            return;
        }
        if (const std::int64_t gpus = ffn.gpus() / afd_.ffn_servers; gpus > ffn.gpu.gpus_per_node) {
            refuse(PoolTable::afd, "ffn_servers", number(afd_.ffn_servers),
                   "each would have ffn.tensor x ffn.expert / ffn_servers = " + number(gpus) +
                       " GPUs: expected at most " + number(ffn.gpu.gpus_per_node) + ", one " + ffn.gpu.name + " node");
        }
    }

    void network() {
        if (afd_.connector == AfdConnector::dummy || afd_.bytes_per_s > 0) return;
        if (pool_.gpu.nic_bytes_per_s > 0 && afd_.ffn.gpu.nic_bytes_per_s > 0) return;
        refuse(PoolTable::afd, "gigabits_per_s", "absent",
               "expected the rate of a GPU's network card: that of the catalog's gpu is 0");
    }

    void capacity() {
        if (afd_.connector_sms < pool_.gpu.sm_count && afd_.connector_sms < afd_.ffn.gpu.sm_count) return;
        if (afd_.connector_sms == 0) return;
        refuse(PoolTable::afd, "connector_sms", number(afd_.connector_sms),
               "expected fewer than the SMs of either GPU");
    }

    void check(const AfdFault& fault) {
        const bool ffn = fault.role == AfdRole::ffn;
        const std::int64_t servers = ffn ? afd_.ffn_servers : afd_.attention_servers;
        if (fault.rank >= servers) {
            refuse(PoolTable::afd, "fault", "rank " + number(fault.rank),
                   "expected 0 to " + number(servers - 1) + ", the " + std::string(to_text(fault.role)) +
                       " servers of a replica");
        }
        if (fault.replica >= pool_.replicas) {
            refuse(PoolTable::afd, "fault", "replica " + number(fault.replica),
                   "expected 0 to " + number(pool_.replicas - 1) + ", the replicas of the pool");
        }
    }

    const PoolSpec& pool_;
    const AfdSpec& afd_;
    const ModelSpec& model_;
    std::vector<PoolProblem> problems_;
};

}  // namespace

std::vector<PoolProblem> afd_problems(const PoolSpec& pool, const ModelSpec& model) {
    return AfdCheck(pool, model).run();
}

}  // namespace replayd
