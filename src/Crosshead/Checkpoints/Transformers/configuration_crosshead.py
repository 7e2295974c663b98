"""The configuration of Crosshead models for Hugging Face Transformers. Written by `crosshead export --transformers`.

The keys are those of Crosshead's own `config.json`, so Crosshead reads the folder as well. `rotary` alone is added:
the angles of rotary positions, worked out, so that no rule of scaling is needed here.
"""

from types import SimpleNamespace

from transformers import PretrainedConfig


class CrossheadConfig(PretrainedConfig):
    """Shape of a decoder whose key and value heads may be composed of components.

    `attention` holds the options of every layer's attention, `block` what lies around it, and `virtual_heads` how the
    cache of each layer is made smaller (None for a layer that keeps whole heads).
    """

    model_type = "crosshead"
    keys_to_ignore_at_inference = ["past_key_values"]

    def __init__(
        self,
        vocab_size=32,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=64,
        initializer_range=0.02,
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
        mlp_bias=False,
        attention=None,
        block=None,
        virtual_heads=None,
        layer_types=None,
        sliding_window=None,
        unrotated_layers=None,
        rotary=None,
        rope_parameters=None,
        num_experts=0,
        num_experts_per_tok=2,
        moe_intermediate_size=256,
        norm_topk_prob=False,
        decoder_sparse_step=1,
        mlp_only_layers=None,
        routed_scaling_factor=1.0,
        n_group=1,
        topk_group=1,
        n_shared_experts=0,
        swiglu_limit=None,
        expert_scoring="softmax",
        expert_choice_bias=False,
        expert_router_bias=False,
        expert_bias=False,
        use_cache=True,
        **kwargs,
    ):
        super().__init__(tie_word_embeddings=tie_word_embeddings, **kwargs)
        self.tie_word_embeddings = tie_word_embeddings
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.intermediate_size = intermediate_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.num_key_value_heads = num_key_value_heads
        self.head_dim = head_dim
        self.max_position_embeddings = max_position_embeddings
        self.initializer_range = initializer_range
        self.rms_norm_eps = rms_norm_eps
        self.mlp_bias = mlp_bias
        self.attention = attention or {"variant": "gqa"}
        self.block = block or {}
        self.virtual_heads = virtual_heads
        # The cache of Transformers reads these two: a layer with a window keeps the tokens of its window only.
        self.sliding_window = self.attention.get("slidingWindow")
        self.layer_types = layer_types or [
            "full_attention" if self.sliding_window is None else "sliding_attention"
        ] * num_hidden_layers
        self.unrotated_layers = unrotated_layers
        self.rotary = rotary
        self.rope_parameters = rope_parameters
        self.num_experts = num_experts
        self.num_experts_per_tok = num_experts_per_tok
        self.moe_intermediate_size = moe_intermediate_size
        self.norm_topk_prob = norm_topk_prob
        self.decoder_sparse_step = decoder_sparse_step
        self.mlp_only_layers = mlp_only_layers
        self.routed_scaling_factor = routed_scaling_factor
        self.n_group = n_group
        self.topk_group = topk_group
        self.n_shared_experts = n_shared_experts
        self.swiglu_limit = swiglu_limit
        self.expert_scoring = expert_scoring
        self.expert_choice_bias = expert_choice_bias
        self.expert_router_bias = expert_router_bias
        self.expert_bias = expert_bias
        self.use_cache = use_cache

    def is_sparse(self, layer):
        """Whether a layer has a mixture of experts."""
        return (
            self.num_experts > 0
            and (layer + 1) % self.decoder_sparse_step == 0
            and layer not in (self.mlp_only_layers or [])
        )

    def rotary_of(self, layer):
        """Name of the rotary angles of a layer; None for a layer that does not rotate."""
        if layer in (self.unrotated_layers or []):
            return None
        return "window" if "window" in (self.rotary or {}) and self.window_of(layer) is not None else "usual"

    def window_of(self, layer):
        """How many tokens a query of a layer sees at most, its own among them; None for all earlier ones."""
        return self.sliding_window if self.layer_types[layer] == "sliding_attention" else None

    def latent_of(self, layer):
        """Widths of latent attention in a layer, of which `components` of the latent vector may be kept alone."""
        smaller = (self.virtual_heads[layer] if self.virtual_heads else None) or {}
        rank = smaller.get("value_rank")
        return dict(self.attention["latent"]) if rank is None else dict(self.attention["latent"], components=rank)

    def attention_of(self, layer):
        """What the attention of a layer is made of.

        `key_grain` and `value_grain` say how heads are composed: "head" by one factor a component, "frequency" by one
        complex number a rotary pair, "partial" by these in the first `key_pairs` pairs, which are rotated, and by a
        matrix between the others of all heads, "dense" by a matrix; None where the projections give the heads
        themselves.
        `key_width` and `value_width` are the rows of the projections. `caches_key_components` and
        `caches_value_components` say whether the cache keeps components: it does where they are fewer numbers.
        """
        options = self.attention
        heads, width = self.num_key_value_heads, self.head_dim
        variant = options.get("variant", "gqa")
        norm = variant in ("mea", "groupnorm") and options.get("headNorm", "shared") != "none"
        smaller = (self.virtual_heads[layer] if self.virtual_heads else None) or {}
        components, rank = smaller.get("key_components"), smaller.get("value_rank")
        key_grain = value_grain = None
        key_width = value_width = heads * width
        if components or rank:
            if components:
                key_grain, key_width = smaller.get("key_grain", "head"), components * width
            if rank:
                value_grain, value_width = smaller.get("value_grain", "head"), rank
        elif variant in ("mea", "mea-no-norm"):
            composed = options.get("compose", "both")
            if composed != "values":
                key_grain = options.get("keyGrain", "head")
                key_width = (options.get("keyComponents") or heads) * width
            if composed != "keys":
                value_grain = options.get("valueGrain", "head")
                value_width = options.get("valueRank") or (options.get("valueComponents") or heads) * width
        key_pairs = width // 2
        if key_grain == "partial":
            kind = self.rotary_of(layer)
            key_pairs = 0 if kind is None else len(self.rotary[kind]["angles"])
        return SimpleNamespace(
            kind=variant if variant in ("differential", "talking-heads") else "softmax",
            has_head_norm=norm,
            key_grain=key_grain,
            key_width=key_width,
            key_pairs=key_pairs,
            caches_key_components=key_width < heads * width,
            value_grain=value_grain,
            value_width=value_width,
            caches_value_components=value_width < heads * width,
        )
