"""Whole steps of models that nothing in the cost model was chosen by, to judge it on. Models that the GPU's memory does
not hold are left out."""

import torch

from decoder import MIXTRAL, OLMOE, QWEN_32B, QWEN_8B
from steps import measure_models, shapes

CACHE_BYTES = 6 << 30
MODELS = (QWEN_8B, QWEN_32B, OLMOE, MIXTRAL)
SPARE_BYTES = 4 << 30  # activations, the timer's buffer and the CUDA context


def run(folder, every, quick):
    chosen = list(shapes())[::2]
    room = torch.cuda.get_device_properties(0).total_memory - CACHE_BYTES - SPARE_BYTES
    models = [(config, CACHE_BYTES) for config in MODELS if 2 * config.parameters(1) <= room]
    return measure_models(folder, "steps_other_models", models, chosen[::17] if quick else chosen[::every])
