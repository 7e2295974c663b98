"""Crosshead models for Hugging Face Transformers. Written by `crosshead export --transformers`.

A decoder whose key and value heads may be composed of fewer component heads. The cache keeps the components and
nothing else: queries carry the mix of the keys, and the mix of the values is applied to the weighted sums.

Shapes: B batch, N new tokens, T cached tokens, D model width, h query heads, g key/value heads, d head width,
c components. Attention implementations: "sdpa" and "eager". Scores that are capped, that have a sink, or that are
multiplied by the factors of a norm of keys are computed in the open either way.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn
from transformers import DynamicCache, PreTrainedModel
from transformers.generation import GenerationMixin
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from .configuration_crosshead import CrossheadConfig


# Norms --------------------------------------------------------------------------------------------------------------


class RmsNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * (weight + offset) over the last dimension."""

    def __init__(self, shape, eps, offset=0.0):
        super().__init__()
        self.eps, self.offset = eps, offset
        self.weight = nn.Parameter(torch.full(shape if isinstance(shape, tuple) else (shape,), 1.0 - offset))

    def factors(self):
        return self.weight.float() + self.offset

    def forward(self, x):
        wide = x.float()
        normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return (normed * self.factors()).to(x.dtype)


class LayerNorm(nn.Module):
    """(x - mean) / sqrt(variance + eps) * weight, without a bias."""

    def __init__(self, width, eps):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.layer_norm(x.float(), x.shape[-1:], self.weight.float(), None, self.eps).to(x.dtype)


def block_norm(config):
    """A norm of the residual stream."""
    if config.block.get("norm", "rms") == "layer":
        return LayerNorm(config.hidden_size, config.rms_norm_eps)
    return RmsNorm(config.hidden_size, config.rms_norm_eps, config.block.get("normOffset", 0.0))


# Positions ----------------------------------------------------------------------------------------------------------


class Rotary(nn.Module):
    """Cosines and sines of positions, by the angles that the configuration holds for each kind of layers."""

    def __init__(self, config):
        super().__init__()
        self.kinds, self.pairs = config.rotary or {}, config.head_dim // 2
        self.known = {}  # angles as tensors, by kind, name and device

    def angles(self, kind, name, at):
        place = (kind, name, at.device)
        if place not in self.known:
            self.known[place] = torch.tensor(self.kinds[kind][name], dtype=at.dtype, device=at.device)
        return at.unsqueeze(-1) * self.known[place]

    def forward(self, positions, length, first):
        """For each kind: cosines and sines [B, N, d/2], and the factors of queries that grow, [B, N] or None.

        `length` is the number of tokens of the call, `first` whether no token came before it: a text that is longer
        than the original context of LongRoPE has the long angles from its first token on.
        """
        # Far positions times a frequency lose digits in float32.
        at = positions.to(torch.float32 if positions.device.type == "mps" else torch.float64)
        tables = {}
        for kind, rotary in self.kinds.items():
            angles = self.angles(kind, "angles", at)
            context = rotary.get("short_context")
            if context is not None and not (first and length > context):
                near = (positions < context).unsqueeze(-1)
                angles = torch.where(near, self.angles(kind, "short_angles", at), angles)
            rest = self.pairs - angles.shape[-1]  # pairs that are not rotated
            cos = F.pad(angles.cos() * rotary["magnitude"], (0, rest), value=1.0).float()
            sin = F.pad(angles.sin() * rotary["magnitude"], (0, rest)).float()
            growth = rotary.get("query_growth")
            factors = None
            if growth is not None:
                factors = (1 + growth * torch.log1p((at / rotary["growth_context"]).floor())).float()
            tables[kind] = (cos, sin, factors)
        return tables


def rotate(x, cos, sin):
    """Rotates the pairs (i, i + d/2) of heads [B, heads, N, d] by tables [B, N, d/2]."""
    cos, sin = cos.unsqueeze(1).to(x.dtype), sin.unsqueeze(1).to(x.dtype)
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def visible_tokens(start, count, keys, window, attention_mask, device):
    """What `count` queries, the first at position `start`, see of the keys: [B or 1, 1, N, T], true = seen. None where
    no mask is needed: query n sees the keys up to its own, which is the last one for the last query.

    The keys are those that the cache gives. One with a window has dropped the first tokens; one of fixed length has
    room behind the newest.
    """
    if attention_mask is None:
        alone = count == 1 and not torch.is_tensor(start) and keys <= start + 1
        if (alone or count == keys) and (window is None or keys <= window):
            return None
    query = (start + torch.arange(count, device=device)).unsqueeze(1)  # [N, 1]
    offset = start + count - keys
    offset = offset.clamp(min=0) if torch.is_tensor(offset) else max(offset, 0)
    key = offset + torch.arange(keys, device=device)  # [T]
    seen = key <= query
    if window is not None:
        seen = seen & (key > query - window)
    seen = seen[None, None]
    if attention_mask is not None:
        mask = attention_mask.to(device=device, dtype=torch.bool)
        seen = seen & mask.index_select(1, key.clamp(max=mask.shape[1] - 1))[:, None, None, :]
    return seen


# Attention ----------------------------------------------------------------------------------------------------------


def repeated(x, times):
    """[B, rows, T, width] -> [B, rows * times, T, width]: each row for the query heads that read it."""
    if times == 1:
        return x
    batch, rows, length, width = x.shape
    return x.unsqueeze(2).expand(batch, rows, times, length, width).reshape(batch, rows * times, length, width)


def attend(query, keys, values, seen, scale, in_open=False, factors=None, cap=None, sinks=None, mixes=None):
    """softmax(q k^T * scale) v. Query head i reads row i div (h / rows) of the keys and of the values.

    query [B, h, N, w], keys [B, rows, T, w], values [B, rows, T, w'], factors of the scores [B, g, T], sinks [h],
    mixes of scores and of weights across heads [h, h] both. `in_open` computes the scores in memory, as what follows
    it asks for anyway.
    """
    heads, count = query.shape[1], query.shape[2]
    if not in_open and factors is None and cap is None and sinks is None and mixes is None:
        if count == 1 and keys.shape[1] == values.shape[1]:
            # The heads that read a row are queries of one head, so that nothing is repeated.
            rows = query.reshape(query.shape[0], keys.shape[1], -1, query.shape[3])
            sums = F.scaled_dot_product_attention(rows, keys, values, attn_mask=seen, scale=scale)
            return sums.reshape(*query.shape[:3], values.shape[3])
        keys, values = repeated(keys, heads // keys.shape[1]), repeated(values, heads // values.shape[1])
        causal = seen is None and count > 1
        return F.scaled_dot_product_attention(query, keys, values, attn_mask=seen, is_causal=causal, scale=scale)

    if seen is None:
        total = keys.shape[2]
        seen = torch.ones(count, total, dtype=torch.bool, device=query.device).tril(total - count)
    keys, values = repeated(keys, heads // keys.shape[1]), repeated(values, heads // values.shape[1])
    scores = torch.matmul(query, keys.transpose(2, 3)) * scale  # [B, h, N, T]
    if factors is not None:
        scores = scores * repeated(factors.unsqueeze(2), heads // factors.shape[1])
    if cap is not None:
        scores = torch.tanh(scores / cap) * cap
    if mixes is not None:
        scores = torch.einsum("ij,bjnt->bint", mixes[0], scores)
    scores = scores.float().masked_fill(~seen, torch.finfo(torch.float32).min)
    if sinks is None:
        weights = scores.softmax(-1)
    else:  # one more score of each head, which has no value
        sink = sinks.float().view(1, -1, 1, 1).expand(scores.shape[0], -1, count, 1)
        weights = torch.cat((scores, sink), -1).softmax(-1)[..., :-1]
    weights = weights.to(query.dtype)
    if mixes is not None:
        weights = torch.einsum("ij,bjnt->bint", mixes[1], weights)
    return torch.matmul(weights, values)


class CrossheadAttention(nn.Module):
    """The attention of a layer: grouped-query attention, composed heads, a norm on every head's output, or both;
    differential attention (arXiv 2410.05258); Talking-Heads attention (arXiv 2003.02436). See arXiv 2601.19611."""

    def __init__(self, config, layer):
        super().__init__()
        self.config, self.layer = config, layer
        options, shape = config.attention, config.attention_of(layer)
        self.shape, self.window = shape, config.window_of(layer)
        self.heads, self.groups, self.width = config.num_attention_heads, config.num_key_value_heads, config.head_dim
        h, g, d = self.heads, self.groups, self.width
        bias = options.get("projectionBias", False)
        self.q_proj = nn.Linear(config.hidden_size, h * d, bias=bias)
        self.k_proj = nn.Linear(config.hidden_size, shape.key_width, bias=bias)
        self.v_proj = nn.Linear(config.hidden_size, shape.value_width, bias=bias)
        self.o_proj = nn.Linear(h * d, config.hidden_size, bias=options.get("outputBias", False))
        self.scale = options.get("scoreScale") or 1 / math.sqrt(d)
        self.cap = options.get("scoreCap")

        self.norm_whole = options.get("queryKeyNormSpan", "head") == "all-heads"
        self.q_norm = self.k_norm = None
        if options.get("queryKeyNorm", False):
            eps, offset = options["queryKeyNormEpsilon"], options.get("queryKeyNormOffset", 0.0)
            self.q_norm = RmsNorm(h * d if self.norm_whole else d, eps, offset)
            self.k_norm = RmsNorm(g * d if self.norm_whole else d, eps, offset)

        if shape.key_grain is not None:
            c, rest = shape.key_width // d, d - 2 * shape.key_pairs
            if shape.key_grain == "head":
                self.k_mix = nn.Parameter(torch.empty(c, g))
            elif shape.key_pairs > 0:
                self.k_mix = nn.Parameter(torch.empty(c, g, shape.key_pairs, 2))
            if rest > 0:
                self.k_rest_mix = nn.Parameter(torch.empty(c * rest, g, rest))
        if shape.value_grain is not None:
            dense = shape.value_grain == "dense"
            self.v_mix = nn.Parameter(torch.empty((shape.value_width, g, d) if dense else (shape.value_width // d, g)))
        self.head_norm = None
        eps = options.get("headNormEpsilon", 1e-5)
        if shape.kind == "differential":
            for name in ("lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2"):
                setattr(self, name, nn.Parameter(torch.zeros(d)))
            self.head_norm = RmsNorm(2 * d, eps)
            self.lambda_start = 0.8 - 0.6 * math.exp(-0.3 * layer)
        elif shape.kind == "talking-heads":
            self.logit_mix = nn.Parameter(torch.eye(h))
            self.weight_mix = nn.Parameter(torch.eye(h))
        elif shape.has_head_norm:
            self.head_norm = RmsNorm((h, d) if options.get("headNorm") == "per-head" else d, eps)
        self.sinks = nn.Parameter(torch.zeros(h)) if options.get("sinks", False) else None

    def forward(self, x, table=None, start=0, attention_mask=None, past_key_values=None):
        """[B, N, D] -> [B, N, D]. `start` counts the tokens before these, `table` holds their rotary angles."""
        query = self.queries(x, table)  # [B, h, N, d]
        keys, values = self.rows(x, table)
        if past_key_values is not None:
            keys, values = past_key_values.update(keys, values, self.layer)
        seen = visible_tokens(start, x.shape[1], keys.shape[2], self.window, attention_mask, x.device)
        if self.shape.kind == "differential":
            heads = self.differential(query, keys, values, seen)
        else:
            heads = self.softmax(query, keys, values, seen)
        heads = heads.transpose(1, 2)  # [B, N, h, d]
        if self.head_norm is not None:
            heads = self.head_norm(heads)
        if self.shape.kind == "differential":
            heads = heads * (1 - self.lambda_start)
        return self.o_proj(heads.flatten(2))

    # What is projected

    def split(self, rows):
        """[B, N, rows * d] -> [B, rows, N, d]"""
        return rows.unflatten(-1, (-1, self.width)).transpose(1, 2)

    def queries(self, x, table):
        rows = self.q_proj(x)
        if self.q_norm is not None and self.norm_whole:
            rows = self.q_norm(rows)
        query = self.split(rows)
        if self.q_norm is not None and not self.norm_whole:
            query = self.q_norm(query)
        if table is None:
            return query
        cos, sin, growth = table
        query = rotate(query, cos, sin)
        return query if growth is None else query * growth[:, None, :, None].to(query.dtype)

    def rows(self, x, table):
        """What the cache keeps of new tokens, keys and values: heads [B, g, N, d] each; or, where one of the two is
        kept as components, one row [B, 1, N, width] each. Key components that stand for normed keys are followed by
        the factor of each head's norm."""
        keys, factors = self.keys(x)
        values = self.split(self.v_proj(x)) if self.shape.value_grain != "dense" else self.v_proj(x).unsqueeze(1)
        if table is not None:
            keys = rotate(keys, table[0], table[1])
        if self.shape.value_grain == "head" and not self.shape.caches_value_components:
            values = torch.einsum("bcnd,cg->bgnd", values, self.v_mix)
        if self.shape.kind == "differential":  # a pair of heads is one row
            return self.side_by_side(keys, 2), self.side_by_side(values, 2)
        if self.shape.caches_key_components or self.shape.caches_value_components:
            keys, values = self.side_by_side(keys, keys.shape[1]), self.side_by_side(values, values.shape[1])
        return keys if factors is None else torch.cat((keys, factors.unsqueeze(1)), -1), values

    @staticmethod
    def side_by_side(rows, count):
        """[B, rows, N, d] -> [B, rows / count, N, count * d]"""
        return rows.unflatten(1, (-1, count)).transpose(2, 3).flatten(3)

    def keys(self, x):
        """Keys or key components [B, rows, N, d] before they are rotated, and the factors of their norm [B, N, g]."""
        rows = self.k_proj(x)
        components = self.split(rows)
        if self.shape.caches_key_components:
            return components, None if self.k_norm is None else self.key_factors(components)
        keys = components if self.shape.key_grain is None else self.composed_keys(components)
        if self.k_norm is None:
            return keys, None
        if not self.norm_whole:
            return self.k_norm(keys), None
        return self.split(self.k_norm(keys.transpose(1, 2).flatten(2))), None

    def composed_keys(self, components):
        """[B, c, N, d] -> [B, g, N, d]"""
        if self.shape.key_grain == "head":
            return torch.einsum("bcnd,cg->bgnd", components, self.k_mix)
        (a, b), rest = self.parts(components)
        pairs = None
        if a.shape[-1] > 0:
            real, imaginary = self.k_mix.unbind(-1)  # [c, g, pairs]
            pairs = (
                torch.einsum("bcnp,cgp->bgnp", a, real) - torch.einsum("bcnp,cgp->bgnp", b, imaginary),
                torch.einsum("bcnp,cgp->bgnp", a, imaginary) + torch.einsum("bcnp,cgp->bgnp", b, real),
            )
        if rest.shape[-1] > 0:
            mix = self.k_rest_mix.unflatten(0, (components.shape[1], -1))  # [c, u, g, u]
            rest = torch.einsum("bcnu,cugv->bgnv", rest, mix)
        return self.joined(pairs, rest)

    def parts(self, heads):
        """Heads [..., d], as both halves of their rotated pairs and the rest of the head, which is not rotated. Pair p
        is the numbers p and p + d/2; the rotated ones come first."""
        count = self.shape.key_pairs
        a, b = heads.chunk(2, -1)
        return (a[..., :count], b[..., :count]), torch.cat((a[..., count:], b[..., count:]), -1)

    @staticmethod
    def joined(pairs, rest):
        """Heads of what `parts` gives; `pairs` is None where there are none."""
        if pairs is None:
            return rest
        if rest.shape[-1] == 0:
            return torch.cat(pairs, -1)
        c, d = rest.chunk(2, -1)
        return torch.cat((pairs[0], c, pairs[1], d), -1)

    def key_factors(self, components):
        """1/rms of each composed head [B, N, g]. The components compose to the weights of the norm times the key."""
        weight = self.k_norm.factors()
        inverse = torch.where(weight == 0, torch.zeros_like(weight), 1 / weight)
        keys = self.composed_keys(components).transpose(1, 2).float()  # [B, N, g, d]
        keys = keys * inverse.view(-1, self.width)
        over = (-2, -1) if self.norm_whole else (-1,)
        mean = keys.square().mean(over, keepdim=True).squeeze(-1)
        if self.norm_whole:
            mean = mean.expand(*mean.shape[:-1], self.groups)
        return torch.rsqrt(mean + self.k_norm.eps).to(components.dtype)

    # What is attended to

    def softmax(self, query, keys, values, seen):
        """softmax(q k) v over what the cache gives, composed at last: heads [B, h, N, d]."""
        shape, g = self.shape, self.groups
        factors = None
        if shape.caches_key_components and self.k_norm is not None:
            keys, factors = keys.split((shape.key_width, g), -1)
            factors = factors.squeeze(1).transpose(1, 2)  # [B, g, T]
        if shape.caches_key_components:
            query = self.mixed_queries(query)
        elif shape.caches_value_components:
            keys = self.as_heads(keys)
        if shape.caches_key_components and not shape.caches_value_components:
            values = self.as_heads(values)
        sums = self.attend(query, keys, values, seen, factors=factors)
        return self.composed_sums(sums) if shape.caches_value_components else sums

    def as_heads(self, row):
        """[B, 1, T, g * d] -> [B, g, T, d]"""
        return self.split(row.squeeze(1))

    def mixed_queries(self, query):
        """Queries for key components: [B, h, N, d] -> [B, h, N, c * d]. A rotation of pairs commutes with the mix."""
        query = query.unflatten(1, (self.groups, -1))
        if self.shape.key_grain == "head":
            mixed = torch.einsum("bginx,cg->bgincx", query, self.k_mix)
        else:
            (a, b), rest = self.parts(query)
            pairs, count = None, self.shape.key_width // self.width
            if a.shape[-1] > 0:
                real, imaginary = self.k_mix.unbind(-1)
                pairs = (
                    torch.einsum("bginp,cgp->bgincp", a, real) + torch.einsum("bginp,cgp->bgincp", b, imaginary),
                    torch.einsum("bginp,cgp->bgincp", b, real) - torch.einsum("bginp,cgp->bgincp", a, imaginary),
                )
            if rest.shape[-1] > 0:
                mix = self.k_rest_mix.unflatten(0, (count, -1))  # [c, u, g, u]
                rest = torch.einsum("bginv,cugv->bgincu", rest, mix)
            mixed = self.joined(pairs, rest)
        return mixed.flatten(4).flatten(1, 2)

    def attend(self, query, keys, values, seen, factors=None):
        """softmax(q k^T * scale) v with what the layer has."""
        return attend(
            query, keys, values, seen, self.scale, self.config._attn_implementation == "eager", factors, self.cap,
            self.sinks, (self.logit_mix, self.weight_mix) if self.shape.kind == "talking-heads" else None,
        )

    def composed_sums(self, sums):
        """Weighted sums of value components [B, h, N, width] -> heads [B, h, N, d]."""
        sums = sums.unflatten(1, (self.groups, -1))
        if self.shape.value_grain == "dense":
            return torch.einsum("bginr,rgd->bgind", sums, self.v_mix).flatten(1, 2)
        return torch.einsum("bgincd,cg->bgind", sums.unflatten(-1, (-1, self.width)), self.v_mix).flatten(1, 2)

    def differential(self, query, keys, values, seen):
        """The difference of two softmax maps over a pair's value heads side by side: [B, h/2, N, 2d]."""
        def dot(q, k):
            return (q.float() * k.float()).sum().exp()

        weight = dot(self.lambda_q1, self.lambda_k1) - dot(self.lambda_q2, self.lambda_k2) + self.lambda_start
        sides = query.unflatten(1, (-1, 2)).unbind(2)  # [B, h/2, N, d] each
        first, second = (
            self.attend(side, key, values, seen) for side, key in zip(sides, keys.chunk(2, -1))
        )
        return first - weight.to(first.dtype) * second


class LatentAttention(nn.Module):
    """Latent attention (arXiv 2405.04434): plain parts of keys, and values, are made of one latent vector a token, and
    all heads share the rotated part of their keys. The cache keeps this part, and the latent vector or components of
    it. No key or value of a cached token is made: queries carry the projection of keys, and that of values is applied
    to the weighted sums."""

    def __init__(self, config, layer):
        super().__init__()
        self.config, self.layer, self.window = config, layer, config.window_of(layer)
        options, latent = config.attention, config.latent_of(layer)
        h, width, bias = config.num_attention_heads, config.hidden_size, options.get("projectionBias", False)
        self.heads, self.rank, self.turned = h, latent["rank"], config.head_dim
        self.plain, self.interleaved = latent["plainWidth"], latent.get("interleaved", True)
        self.scale = latent.get("scaleFactor", 1.0) / math.sqrt(self.plain + self.turned)
        kept, eps = latent.get("components") or self.rank, latent["normEpsilon"]
        query = latent.get("queryRank")
        if query is None:
            self.q_proj = nn.Linear(width, h * (self.plain + self.turned), bias=False)
        else:
            self.q_a_proj = nn.Linear(width, query, bias=bias)
            self.q_a_layernorm = RmsNorm(query, eps)
            self.q_b_proj = nn.Linear(query, h * (self.plain + self.turned), bias=False)
        self.kv_a_proj_with_mqa = nn.Linear(width, self.rank + self.turned, bias=bias)
        self.kv_a_layernorm = RmsNorm(self.rank, eps)
        self.kv_c_proj = None if kept == self.rank else nn.Linear(self.rank, kept, bias=False)
        self.kv_b_proj = nn.Linear(kept, h * (self.plain + latent["valueWidth"]), bias=False)
        self.o_proj = nn.Linear(h * latent["valueWidth"], width, bias=options.get("outputBias", False))

    def forward(self, x, table=None, start=0, attention_mask=None, past_key_values=None):
        """[B, N, D] -> [B, N, D]. `start` counts the tokens before these, `table` holds their rotary angles."""
        rows = self.q_proj(x) if hasattr(self, "q_proj") else self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x)))
        query = rows.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, h, N, plain + turned]
        plain, turned = query.split((self.plain, self.turned), -1)
        latent, key = self.kv_a_proj_with_mqa(x).unsqueeze(1).split((self.rank, self.turned), -1)  # [B, 1, N, ·]
        latent = self.kv_a_layernorm(latent)
        if self.kv_c_proj is not None:
            latent = self.kv_c_proj(latent)
        turned, key = self.rotated(turned, table), self.rotated(key, table)
        if table is not None and table[2] is not None:
            growth = table[2][:, None, :, None].to(plain.dtype)
            plain, turned = plain * growth, turned * growth
        if past_key_values is not None:
            key, latent = past_key_values.update(key, latent, self.layer)
        weights = self.kv_b_proj.weight.unflatten(0, (self.heads, -1))  # [h, plain + value, kept]
        seen = visible_tokens(start, x.shape[1], key.shape[2], self.window, attention_mask, x.device)
        absorbed = torch.einsum("bhnp,hpr->bhnr", plain, weights[:, : self.plain])
        sums = attend(
            torch.cat((absorbed, turned), -1), torch.cat((latent, key), -1), latent, seen, self.scale,
            in_open=self.config._attn_implementation == "eager",
        )
        heads = torch.einsum("bhnr,hvr->bhnv", sums, weights[:, self.plain :])
        return self.o_proj(heads.transpose(1, 2).flatten(2))

    def rotated(self, heads, table):
        """Rotates pairs; neighbours are first brought apart to i and i + width/2."""
        if self.interleaved:
            heads = heads.unflatten(-1, (-1, 2)).transpose(-1, -2).flatten(-2)
        return heads if table is None else rotate(heads, table[0], table[1])


# Feed-forward layers ------------------------------------------------------------------------------------------------


class FeedForward(nn.Module):
    """down(act(gate(x)) * up(x)). With a limit, as in gpt-oss: (u + 1) * g * sigmoid(1.702 g), both cut off at it."""

    def __init__(self, config, inner, bias=False, activation="silu", limit=None):
        super().__init__()
        self.activation, self.limit = activation, limit
        self.gate_proj = nn.Linear(config.hidden_size, inner, bias=bias)
        self.up_proj = nn.Linear(config.hidden_size, inner, bias=bias)
        self.down_proj = nn.Linear(inner, config.hidden_size, bias=bias)

    def forward(self, x):
        gate, up = self.gate_proj(x), self.up_proj(x)
        if self.limit is not None:
            gate, up = gate.clamp(max=self.limit), up.clamp(-self.limit, self.limit)
            return self.down_proj((up + 1) * gate * torch.sigmoid(1.702 * gate))
        gate = F.gelu(gate, approximate="tanh") if self.activation == "gelu_tanh" else F.silu(gate)
        return self.down_proj(gate * up)


class Router(nn.Module):
    """Chooses the experts of each token and the weights of their outputs, in float32."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.weight = nn.Parameter(torch.zeros(config.num_experts, config.hidden_size))
        self.bias = nn.Parameter(torch.zeros(config.num_experts)) if config.expert_router_bias else None
        self.e_score_correction_bias = (
            nn.Parameter(torch.zeros(config.num_experts)) if config.expert_choice_bias else None
        )

    def forward(self, rows):
        """[tokens, D] -> weights and experts, [tokens, k] both."""
        config = self.config
        logits = F.linear(rows.float(), self.weight.float(), None if self.bias is None else self.bias.float())
        scores = logits.sigmoid() if config.expert_scoring == "sigmoid" else logits.softmax(-1)
        rated = scores
        if self.e_score_correction_bias is not None:
            rated = scores + self.e_score_correction_bias.float()
        if config.n_group > 1:
            groups = rated.unflatten(-1, (config.n_group, -1))
            good = groups.topk(2, -1).values.sum(-1)
            best = torch.zeros_like(good).scatter(1, good.topk(config.topk_group, -1).indices, 1.0).bool()
            rated = groups.masked_fill(~best.unsqueeze(-1), float("-inf")).flatten(1)
        chosen = rated.topk(config.num_experts_per_tok, -1).indices
        weights = scores.gather(1, chosen)
        if config.norm_topk_prob:
            weights = weights / (weights.sum(-1, keepdim=True) + 1e-20)
        return (weights * config.routed_scaling_factor).to(rows.dtype), chosen


class MixtureOfExperts(nn.Module):
    """The sum of the chosen experts' outputs, weighted by the router, and of the shared experts' output."""

    def __init__(self, config):
        super().__init__()
        self.gate = Router(config)
        inner = config.moe_intermediate_size
        self.experts = nn.ModuleList(
            FeedForward(config, inner, config.expert_bias, limit=config.swiglu_limit) for _ in range(config.num_experts)
        )
        self.shared_experts = (
            FeedForward(config, config.n_shared_experts * inner) if config.n_shared_experts > 0 else None
        )

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])
        weights, chosen = self.gate(rows)
        sums = torch.zeros_like(rows)
        for number, expert in enumerate(self.experts):
            tokens, place = torch.where(chosen == number)
            if tokens.numel() > 0:
                sums = sums.index_add(0, tokens, expert(rows[tokens]) * weights[tokens, place].unsqueeze(-1))
        sums = sums.view(x.shape)
        return sums if self.shared_experts is None else sums + self.shared_experts(x)


# The model ----------------------------------------------------------------------------------------------------------

# Norms of a block: before the attention, of its output, before the feed-forward layer, of its output.
NORMS = {
    "pre-norm": ("input_layernorm", None, "post_attention_layernorm", None),
    "post-norm": (None, "post_attention_layernorm", None, "post_feedforward_layernorm"),
    "sandwich": ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                 "post_feedforward_layernorm"),
    "parallel": ("input_layernorm", None, None, None),
}


class CrossheadLayer(nn.Module):
    """An attention and a feed-forward layer, and what they add to the residual stream."""

    def __init__(self, config, layer):
        super().__init__()
        block = config.block
        self.form = block.get("form", "pre-norm")
        self.multiplier = block.get("residualMultiplier", 1.0)
        self.norms = NORMS[self.form]
        for name in self.norms:
            if name is not None:
                setattr(self, name, block_norm(config))
        latent = config.attention.get("latent") is not None
        self.self_attn = LatentAttention(config, layer) if latent else CrossheadAttention(config, layer)
        self.mlp = MixtureOfExperts(config) if config.is_sparse(layer) else FeedForward(
            config, config.intermediate_size, config.mlp_bias, block.get("activation", "silu")
        )

    def norm(self, place, x):
        name = self.norms[place]
        return x if name is None else getattr(self, name)(x)

    def added(self, x, update):
        return x + (update if self.multiplier == 1 else update * self.multiplier)

    def forward(self, hidden_states, table=None, start=0, attention_mask=None, past_key_values=None):
        x = hidden_states
        normed = self.norm(0, x)
        attended = self.self_attn(
            normed, table=table, start=start, attention_mask=attention_mask, past_key_values=past_key_values
        )
        if self.form == "parallel":
            return self.added(x, attended + self.mlp(normed))
        x = self.added(x, self.norm(1, attended))
        return self.added(x, self.norm(3, self.mlp(self.norm(2, x))))


class CrossheadPreTrainedModel(PreTrainedModel):
    config_class = CrossheadConfig
    base_model_prefix = "model"
    _no_split_modules = ["CrossheadLayer"]
    _skip_keys_device_placement = ["past_key_values"]
    _supports_sdpa = True

    def _init_weights(self, module):
        """Starting values of a model that is made anew."""
        deviation = self.config.initializer_range
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, deviation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, 0.0, deviation)
        elif isinstance(module, RmsNorm):
            nn.init.constant_(module.weight, 1.0 - module.offset)
        elif isinstance(module, LayerNorm):
            nn.init.ones_(module.weight)
        elif isinstance(module, Router):
            nn.init.normal_(module.weight, 0.0, deviation)
        elif isinstance(module, CrossheadAttention):
            for name, mix in module.named_parameters(recurse=False):
                if name in ("logit_mix", "weight_mix"):
                    nn.init.eye_(mix)
                elif name.startswith("lambda_"):
                    nn.init.normal_(mix, 0.0, 0.1)
                elif name == "sinks":
                    nn.init.normal_(mix, 0.0, deviation)
                else:
                    nn.init.normal_(mix, 0.0, 1 / math.sqrt(mix.shape[0]))


class CrossheadModel(CrossheadPreTrainedModel):
    """From tokens to normed hidden states."""

    def __init__(self, config):
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(CrossheadLayer(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = block_norm(config)
        self.rotary = Rotary(config)
        self.post_init()

    def get_input_embeddings(self):
        return self.embed_tokens

    def set_input_embeddings(self, value):
        self.embed_tokens = value

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        position_ids=None,
        past_key_values=None,
        inputs_embeds=None,
        use_cache=None,
        output_hidden_states=None,
        return_dict=None,
        **kwargs,
    ):
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("Give either input_ids or inputs_embeds.")
        if attention_mask is not None and attention_mask.dim() != 2:
            raise ValueError(f"attention_mask must be [batch, tokens], got {tuple(attention_mask.shape)}.")
        x = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        multiplier = self.config.block.get("embeddingMultiplier", 1.0)
        if multiplier != 1:
            x = x * multiplier
        if use_cache is None:
            use_cache = self.config.use_cache and not self.training
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)

        count = x.shape[1]
        start = 0 if past_key_values is None else past_key_values.get_seq_length()
        if torch.is_tensor(start):
            start = start.clone()  # a cache of fixed length counts on in place
        if position_ids is None:
            position_ids = (start + torch.arange(count, device=x.device)).unsqueeze(0)
        first = not torch.is_tensor(start) and start == 0
        tables = self.rotary(position_ids, count, first)
        if attention_mask is not None and not torch.compiler.is_compiling() and bool(attention_mask.all()):
            attention_mask = None  # nothing is padded

        states = [] if output_hidden_states else None
        for number, layer in enumerate(self.layers):
            if states is not None:
                states.append(x)
            x = layer(
                x,
                table=tables.get(self.config.rotary_of(number)),
                start=start,
                attention_mask=attention_mask,
                past_key_values=past_key_values,
            )
        x = self.norm(x)
        if states is not None:
            states.append(x)
        output = BaseModelOutputWithPast(
            last_hidden_state=x,
            past_key_values=past_key_values if use_cache else None,
            hidden_states=None if states is None else tuple(states),
        )
        return output.to_tuple() if return_dict is False else output


class CrossheadForCausalLM(CrossheadPreTrainedModel, GenerationMixin):
    """From tokens to logits."""

    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}
    accepts_loss_kwargs = False

    def __init__(self, config):
        super().__init__(config)
        self.model = CrossheadModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self):
        return self.model.embed_tokens

    def set_input_embeddings(self, value):
        self.model.embed_tokens = value

    def get_output_embeddings(self):
        return self.lm_head

    def set_output_embeddings(self, value):
        self.lm_head = value

    def _get_static_cache_init_shape(self):
        """A cache of fixed length takes the shape of the first rows that it is given: layers differ."""
        return None

    @staticmethod
    def create_masks_for_generate(config=None, attention_mask=None, past_key_values=None, **kwargs):
        """The padding mask [B, T] for a cache of fixed length, as long as the cache: its shape never changes."""
        if attention_mask is None or attention_mask.dim() != 2:
            return attention_mask
        measure = getattr(past_key_values, "get_max_length", None) or past_key_values.get_max_cache_shape
        return F.pad(attention_mask, (0, max(0, measure() - attention_mask.shape[1])))

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        position_ids=None,
        past_key_values=None,
        inputs_embeds=None,
        labels=None,
        use_cache=None,
        output_hidden_states=None,
        return_dict=None,
        logits_to_keep=0,
        **kwargs,
    ):
        """Logits [B, N, V]; with labels [B, N] also the mean cross-entropy of the next tokens (-100 does not count).
        `logits_to_keep` asks for the logits of so many last tokens; 0 for all."""
        outputs = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        hidden = outputs.last_hidden_state[:, kept, :]
        multiplier = self.config.block.get("logitMultiplier", 1.0)
        logits = self.lm_head(hidden if multiplier == 1 else hidden * multiplier)
        cap = self.config.block.get("logitCap")
        if cap is not None:
            logits = torch.tanh(logits / cap) * cap
        loss = None
        if labels is not None:
            targets = labels[:, 1:].to(logits.device).flatten()
            loss = F.cross_entropy(logits[:, :-1].float().flatten(0, 1), targets, ignore_index=-100)
        output = CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
        )
        return output.to_tuple() if return_dict is False else output
