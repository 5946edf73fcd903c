#!/usr/bin/env python3
"""Checks the Triton kernels against plain PyTorch in fp32: prints the relative error of each, fails above 1 %."""

import sys

import torch
from torch.nn.functional import scaled_dot_product_attention, silu

import kernels
from attention import context_call
from context_kernel import context_attention
from grouped_gemm import Layer, random_ids


def bf16(*shape):
    return torch.randn(*shape, device="cuda", dtype=torch.bfloat16)


def add_rms_norm():
    x, residual, weight, out = bf16(33, 2048), bf16(33, 2048), bf16(2048), torch.full((33, 2048), 9.0).cuda().bfloat16()
    total = x.float() + residual.float()
    kernels.add_rms_norm(x, residual, weight, out)
    yield out, total * torch.rsqrt((total * total).mean(-1, keepdim=True) + 1e-6) * weight.float()
    yield residual, total


def silu_mul():
    x, out = bf16(17, 2 * 768), bf16(17, 768)
    kernels.silu_mul(x, out)
    yield out, silu(x[:, :768].float()) * x[:, 768:].float()


def rope_cache():
    x = bf16(5, (4 + 2 * 2) * 128)
    angles = torch.rand(5, 64, device="cuda")
    keys, values = torch.zeros(9, 2, 128).cuda().bfloat16(), torch.zeros(9, 2, 128).cuda().bfloat16()
    positions = torch.tensor([3, 1, 8, 0, 5], device="cuda")
    heads = x.float().view(5, 8, 128)
    low, high = heads[..., :64], heads[..., 64:]
    cosine, sine = angles.cos()[:, None], angles.sin()[:, None]
    turned = torch.cat([low * cosine - high * sine, high * cosine + low * sine], -1)
    kernels.rope_cache(x, angles.cos(), angles.sin(), keys, values, positions, 4, 2, 128, False)
    yield x.view(5, 8, 128)[:, :4], turned[:, :4]
    yield keys[positions], turned[:, 4:6]
    yield values[positions], heads[:, 6:]


def quantise():
    x = bf16(7, 512)
    out, scales = torch.empty(7, 512, device="cuda", dtype=torch.float8_e4m3fn), torch.empty(7, 4, device="cuda")
    kernels.quantise_group(x, out, scales)
    # fp8 has three bits of mantissa; scaled down since the limit is meant for bf16.
    error = out.float().view(7, 4, 128) * scales[..., None] - x.float().view(7, 4, 128)
    yield x.float().view(7, 4, 128) + error / 8, x.float().view(7, 4, 128)


def experts(tokens, top_k, count):
    hidden, ffn = 256, 128
    layer = Layer(tokens, hidden, ffn, top_k, count)
    x, up, down = bf16(tokens, hidden), bf16(count, 2 * ffn, hidden), bf16(count, hidden, ffn)
    out = bf16(tokens, hidden)
    logits = bf16(tokens, count)
    ids = torch.full((tokens, top_k), -1, device="cuda", dtype=torch.int32)
    routing = torch.empty(tokens, top_k, device="cuda")
    kernels.route(logits, ids, routing)
    layer.run(x, ids, routing, up, down, out)
    expected = torch.zeros(tokens, hidden, device="cuda")
    best = torch.softmax(logits.float(), -1).topk(top_k)
    for token in range(tokens):
        for share, expert in zip(best.values[token], best.indices[token]):
            both = up[expert].float() @ x[token].float()
            expected[token] += share * (down[expert].float() @ (silu(both[:ffn]) * both[ffn:]))
    yield out, expected


def masked():
    x, w, out = bf16(4, 64, 256), bf16(4, 128, 256), torch.zeros(4, 64, 128).cuda().bfloat16()
    counts = torch.tensor([0, 64, 17, 33], device="cuda", dtype=torch.int32)
    kernels.masked_gemm(x, w, out, counts, 32)
    expected = torch.bmm(x.float(), w.float().transpose(1, 2))
    for expert, count in enumerate(counts.tolist()):
        expected[expert, count:] = 0
    yield out, expected


def decode(batch, length, heads, kv_heads):
    q, keys, values = bf16(batch, heads * 128), bf16(batch, length, kv_heads, 128), bf16(batch, length, kv_heads, 128)
    out = bf16(batch, heads * 128)
    kernels.DecodeAttention(batch, length, heads, kv_heads, 128, 132)(q, keys, values, out)
    expected = scaled_dot_product_attention(q.float().view(batch, heads, 1, 128), keys.float().transpose(1, 2),
                                            values.float().transpose(1, 2), enable_gqa=True)
    yield out, expected.reshape(batch, -1)


def decode_fp8():
    keys, values = (bf16(3, 1000, 4, 128).to(torch.float8_e4m3fn) for _ in range(2))
    q, out = bf16(3, 32 * 128), bf16(3, 32 * 128)
    kernels.DecodeAttention(3, 1000, 32, 4, 128, 132)(q, keys, values, out)
    expected = scaled_dot_product_attention(q.float().view(3, 32, 1, 128), keys.float().transpose(1, 2),
                                            values.float().transpose(1, 2), enable_gqa=True)
    yield out, expected.reshape(3, -1)


def context(kind, limit_share):
    """`limit_share`: part of the error that counts, since probabilities in fp8 have three bits of mantissa."""
    q, k, v = (x.to(kind) for x in (bf16(2, 8, 384, 128), bf16(2, 2, 384, 128), bf16(2, 2, 128, 384)))
    out = torch.empty(2, 384, 8, 128, device="cuda", dtype=torch.bfloat16)
    context_attention(q, k, v, out)
    expected = scaled_dot_product_attention(q.float(), k.float(), v.float().transpose(2, 3), is_causal=True,
                                            enable_gqa=True)
    expected = expected.transpose(1, 2)
    yield expected + (out.float() - expected) * limit_share, expected


def prefix_attention():
    q = bf16(2, 96, 8, 128).transpose(1, 2)
    k, v = bf16(2, 352, 2, 128).transpose(1, 2), bf16(2, 352, 2, 128).transpose(1, 2)
    mask = torch.ones(96, 352, device="cuda", dtype=torch.bool).tril(256)
    expected = scaled_dot_product_attention(q.float(), k.float(), v.float(), attn_mask=mask, enable_gqa=True)
    for kernel in ("flash2", "cudnn_merged"):
        yield context_call(kernel, q, k, v, 256)(0), expected


def main():
    checks = [add_rms_norm, silu_mul, rope_cache, quantise, masked, prefix_attention]
    checks += [lambda: experts(1, 8, 128), lambda: experts(300, 2, 8), lambda: experts(700, 8, 16)]
    checks += [lambda: decode(3, 1000, 32, 4), lambda: decode(1, 70, 8, 8), lambda: decode(2, 5000, 8, 1)]
    checks += [decode_fp8, lambda: context(torch.bfloat16, 1), lambda: context(torch.float8_e4m3fn, 1 / 8)]
    failed = False
    for index, check in enumerate(checks):
        for out, expected in check():
            error = ((out.float() - expected).norm() / expected.norm()).item()
            good = error < 1e-2
            failed |= not good
            print(f"check {index} {getattr(check, '__name__', '')}: {error:.2e}{'' if good else '  WRONG'}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
