#include "replay/catalog/model_spec.hpp"

namespace replayd {

std::int64_t ModelSpec::full_attention_layers() const {
    return linear_attention ? layers / linear_attention->full_attention_interval : layers;
}

std::int64_t ModelSpec::moe_layers() const { 
    return moe ? layers - moe->first_dense_layers - moe->last_dense_layers : 0;
 }

}  // namespace replayd
