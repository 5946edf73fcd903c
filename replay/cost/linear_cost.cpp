#include "replay/cost/cost_model.hpp"
