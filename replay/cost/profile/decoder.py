"""A decoder with random weights, built as serving frameworks build it: fused norms, rotary embedding with cache
write, grouped-query attention over a cache, dense or mixture-of-experts feed-forward, LM head, greedy sampling."""

import dataclasses

import torch

import kernels
from attention import context_call, decode_call
from grouped_gemm import Layer
from timing import WeightPool


@dataclasses.dataclass(frozen=True)
class Config:
    name: str
    layers: int
    hidden: int
    vocab: int
    ffn: int
    heads: int
    kv_heads: int
    dim: int
    qk_norm: bool = False
    experts: int = 0
    top_k: int = 0

    def parameters(self, tensor):
        width = (self.heads + 2 * self.kv_heads) * self.dim + self.heads * self.dim
        ffn = 3 * self.ffn * max(1, self.experts)
        per_layer = self.hidden * (width + ffn) // tensor + self.hidden * self.experts
        return self.layers * per_layer + self.hidden * self.vocab * (1 + tensor) // tensor


LLAMA_8B = Config("Llama-3.1-8B", 32, 4096, 128256, 14336, 32, 8, 128)
QWEN_MOE = Config("Qwen3-30B-A3B", 48, 2048, 151936, 768, 32, 4, 128, True, 128, 8)
QWEN_8B = Config("Qwen3-8B", 36, 4096, 151936, 12288, 32, 8, 128, True)
QWEN_32B = Config("Qwen3-32B", 64, 5120, 151936, 25600, 64, 8, 128, True)
OLMOE = Config("OLMoE-1B-7B", 16, 2048, 50304, 1024, 16, 16, 128, True, 64, 8)
MIXTRAL = Config("Mixtral-8x7B", 32, 4096, 32000, 14336, 32, 8, 128, False, 8, 2)


@dataclasses.dataclass(frozen=True)
class Shape:
    """One step: prefill_sequences x prefill_tokens new tokens after `computed` ones each, and decode_sequences
    with decode_context tokens each, the new one included."""

    prefill_sequences: int = 0
    prefill_tokens: int = 0
    computed: int = 0
    decode_sequences: int = 0
    decode_context: int = 0

    @property
    def new_prefill(self):
        return self.prefill_sequences * self.prefill_tokens

    @property
    def tokens(self):
        return self.new_prefill + self.decode_sequences

    @property
    def slots(self):
        return (self.prefill_sequences * (self.prefill_tokens + self.computed) +
                self.decode_sequences * self.decode_context)


class Decoder:
    """Weights of one tensor-parallel rank. `reduce(tensor)` adds up over the ranks in place; None for one rank."""

    def __init__(self, config, cache_bytes, tensor=1, reduce=None):
        self.config, self.tensor, self.reduce = config, tensor, reduce
        self.heads, self.kv_heads = config.heads // tensor, config.kv_heads // tensor
        self.ffn = config.ffn // tensor
        pool = WeightPool((config.parameters(tensor) + (1 << 24)) * 2)
        self.used = 0
        self.weights = pool.buffer
        self.caches = WeightPool(cache_bytes, scale=1.0)
        self.table = self._take(config.vocab, config.hidden)
        self.table.mul_(5000)  # far above what the layers add, so that tokens stay unlike and routing stays uniform
        self.head = self._take(config.vocab // tensor, config.hidden)
        self.norm = torch.ones(config.hidden, device="cuda", dtype=torch.bfloat16)
        self.layers = [self._layer() for _ in range(config.layers)]

    def _take(self, *shape):
        count = 1
        for extent in shape:
            count *= extent
        begin, self.used = self.used, self.used + (count + 127) // 128 * 128
        return self.weights[begin:begin + count].view(*shape)

    def _layer(self):
        config = self.config
        layer = {"qkv": self._take((self.heads + 2 * self.kv_heads) * config.dim, config.hidden),
                 "o": self._take(config.hidden, self.heads * config.dim)}
        if config.experts:
            layer["router"] = self._take(config.experts, config.hidden)
            layer["up"] = self._take(config.experts, 2 * self.ffn, config.hidden)
            layer["down"] = self._take(config.experts, config.hidden, self.ffn)
        else:
            layer["up"] = self._take(2 * self.ffn, config.hidden)
            layer["down"] = self._take(config.hidden, self.ffn)
        return layer


class Step:
    """The buffers of one shape, and `forward`, which can be captured. `prefill_kernel` and `decode_kernel` are
    names of attention.py."""

    def __init__(self, decoder, shape, prefill_kernel, decode_kernel):
        self.decoder, self.shape = decoder, shape
        config = decoder.config
        bf16 = {"device": "cuda", "dtype": torch.bfloat16}
        tokens, heads, kv_heads, dim = shape.tokens, decoder.heads, decoder.kv_heads, config.dim
        self.ids = torch.randint(config.vocab, (tokens,), device="cuda")
        angles = torch.rand(tokens, dim // 2, device="cuda") * 3
        self.cosines, self.sines = angles.cos(), angles.sin()
        self.positions = self._positions()
        self.x = torch.empty(tokens, config.hidden, **bf16)
        self.normed = torch.empty_like(self.x)
        self.residual = torch.empty_like(self.x)
        self.qkv = torch.empty(tokens, (heads + 2 * kv_heads) * dim, **bf16)
        self.attended = torch.empty(tokens, heads * dim, **bf16)
        self.last = self._last_rows()
        self.prefill_kernel = prefill_kernel
        self.decode_kernel = decode_kernel
        if config.experts:
            self.routing_ids = torch.empty(config.layers, tokens, config.top_k, device="cuda", dtype=torch.int32)
            self.routing = torch.empty(tokens, config.top_k, device="cuda")
            self.experts = Layer(tokens, config.hidden, decoder.ffn, config.top_k, config.experts)
        else:
            self.gate_up = torch.empty(tokens, 2 * decoder.ffn, **bf16)
            self.inner = torch.empty(tokens, decoder.ffn, **bf16)
        self.attend = [self._attention(index) for index in range(config.layers)]

    def _positions(self):
        """Cache rows of the new tokens: prefill sequences first, then decode sequences."""
        s = self.shape
        length = s.prefill_tokens + s.computed
        rows = [torch.arange(i * length + s.computed, (i + 1) * length) for i in range(s.prefill_sequences)]
        base = s.prefill_sequences * length
        rows.append(base + torch.arange(s.decode_sequences) * s.decode_context + s.decode_context - 1)
        return torch.cat(rows).cuda()

    def _last_rows(self):
        s = self.shape
        prefill = torch.arange(1, s.prefill_sequences + 1) * s.prefill_tokens - 1
        return torch.cat([prefill, s.new_prefill + torch.arange(s.decode_sequences)]).cuda()

    def _attention(self, index):
        """Functions that fill `attended` from `qkv` and the layer's cache."""
        d, s, dim = self.decoder, self.shape, self.decoder.config.dim
        cache = d.caches.view(index, 2, s.slots, d.kv_heads, dim)
        prefill_slots = s.prefill_sequences * (s.prefill_tokens + s.computed)
        calls = []
        if s.prefill_sequences:
            both = cache[:, :prefill_slots].view(2, s.prefill_sequences, -1, d.kv_heads, dim).transpose(2, 3)
            q = self.qkv[:s.new_prefill].view(s.prefill_sequences, s.prefill_tokens, -1, dim)[:, :, :d.heads]
            calls.append(self._prefill(q.transpose(1, 2), both[0], both[1]))
        if s.decode_sequences:
            both = cache[:, prefill_slots:].view(2, s.decode_sequences, s.decode_context, d.kv_heads, dim)
            calls.append(self._decode(self.qkv[s.new_prefill:], both[0], both[1]))
        return cache, calls

    def _prefill(self, q, keys, values):
        call = context_call(self.prefill_kernel, q, keys, values, self.shape.computed)

        def run():
            out = call(0).transpose(1, 2).reshape(self.shape.new_prefill, -1)
            if self.shape.decode_sequences:
                self.attended[:self.shape.new_prefill].copy_(out)
            return out

        return run

    def _decode(self, qkv, keys, values):
        d, s = self.decoder, self.shape
        multiprocessors = torch.cuda.get_device_properties(0).multi_processor_count
        dim = d.config.dim
        target = self.attended[s.new_prefill:]
        call = decode_call(self.decode_kernel, qkv, target, lambda i: (keys, values), s.decode_sequences,
                           s.decode_context, d.heads, d.kv_heads, dim, multiprocessors)

        def run():
            out = call(0)
            if out is None:
                return self.attended
            out = out.reshape(s.decode_sequences, -1)
            if s.new_prefill == 0:
                return out
            target.copy_(out)
            return self.attended

        return run

    def forward(self):
        """Returns the sampled token ids."""
        d, config = self.decoder, self.decoder.config
        torch.index_select(d.table, 0, self.ids, out=self.x)
        self.residual.zero_()
        for index, layer in enumerate(d.layers):
            kernels.add_rms_norm(self.x, self.residual, d.norm, self.normed)
            torch.mm(self.normed, layer["qkv"].t(), out=self.qkv)
            cache, calls = self.attend[index]
            kernels.rope_cache(self.qkv, self.cosines, self.sines, cache[0], cache[1], self.positions, d.heads,
                               d.kv_heads, config.dim, config.qk_norm)
            for call in calls:
                attended = call()
            torch.mm(attended, layer["o"].t(), out=self.x)
            self._reduce()
            kernels.add_rms_norm(self.x, self.residual, d.norm, self.normed)
            self._feed_forward(index, layer)
            self._reduce()
        kernels.add_rms_norm(self.x, self.residual, d.norm, self.normed)
        rows = self.normed if self.last.numel() == self.normed.shape[0] else self.normed.index_select(0, self.last)
        return torch.mm(rows, d.head.t()).argmax(-1)

    def _reduce(self):
        if self.decoder.reduce:
            self.decoder.reduce(self.x)

    def _feed_forward(self, index, layer):
        if self.decoder.config.experts:
            ids = self.routing_ids[index]
            kernels.route(torch.mm(self.normed, layer["router"].t()), ids, self.routing)
            self.experts.run(self.normed, ids, self.routing, layer["up"], layer["down"], self.x)
        else:
            torch.mm(self.normed, layer["up"].t(), out=self.gate_up)
            kernels.silu_mul(self.gate_up, self.inner)
            torch.mm(self.inner, layer["down"].t(), out=self.x)

    def active_experts(self):
        """Mean over layers of the number of experts that got a token; 0 for a dense model."""
        if not self.decoder.config.experts:
            return 0.0
        return sum(ids.unique().numel() for ids in self.routing_ids) / len(self.routing_ids)
