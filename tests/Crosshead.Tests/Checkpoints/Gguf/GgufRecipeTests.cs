using Crosshead.Checkpoints.Gguf;
using static Crosshead.Tests.Checkpoints.Gguf.GgufReaderTests;

namespace Crosshead.Tests.Checkpoints.Gguf;

public sealed class GgufRecipeTests
{
    private static readonly GgufModelFacts s_large = new(Layers: 32, Experts: 0, IsTied: false);

    [Theory]
    [InlineData("q4_k_m", "Q4_K Q6_K Q4_K Q6_K Q4_K Q4_K")]
    [InlineData("q4_k_s", "Q4_K Q5_K Q4_K Q5_K Q4_K Q4_K")]
    [InlineData("q5_k_m", "Q5_K Q6_K Q5_K Q6_K Q5_K Q5_K")]
    [InlineData("q5_k_s", "Q5_K Q5_K Q5_K Q5_K Q5_K Q5_K")]
    [InlineData("q6_k", "Q6_K Q6_K Q6_K Q6_K Q6_K Q6_K")]
    [InlineData("q8_0", "Q8_0 Q8_0 Q8_0 Q8_0 Q8_0 Q8_0")]
    [InlineData("q4_0", "Q4_0 Q4_0 Q4_0 Q4_0 Q4_0 Q4_0")]
    [InlineData("bf16", "BF16 BF16 BF16 BF16 BF16 BF16")]
    public void Each_recipe_gives_the_first_layer_its_types(string recipe, string expected) => Assert.Equal(expected,
        string.Join(' ', new[] { "attn_q", "attn_v", "attn_output", "ffn_down", "ffn_up", "attn_k" }
            .Select(part => Type(recipe, $"blk.0.{part}.weight", s_large))));

    [Fact]
    public void A_medium_recipe_gives_more_bits_to_the_ends_and_every_third_layer()
    {
        string[] types = [.. Enumerable.Range(0, 32).Select(i => Type("q4_k_m", $"blk.{i}.ffn_down.weight", s_large))];
        Assert.Equal([0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31],
            Enumerable.Range(0, 32).Where(i => types[i] == "Q6_K"));
        Assert.Equal(types, Enumerable.Range(0, 32).Select(i => Type("q4_k_m", $"blk.{i}.attn_v.weight", s_large)));
        Assert.Equal([0, 1, 2, 3], Enumerable.Range(0, 32).Where(
            i => Type("q4_k_s", $"blk.{i}.attn_v.weight", s_large) == "Q5_K"));
        Assert.Equal(types[0], Type("q4_k_m", "blk.0.ffn_down_exps.weight", s_large));
    }

    [Fact]
    public void The_head_gets_more_bits_and_what_must_be_exact_is_float32()
    {
        Assert.Equal(("Q6_K", "Q4_K"), (Type("q4_k_s", "output.weight", s_large),
            Type("q4_k_s", "token_embd.weight", s_large)));
        Assert.Equal("Q6_K", Type("q4_0", "token_embd.weight", s_large with { IsTied = true }));
        Assert.Equal("Q8_0", Type("q8_0", "output.weight", s_large));
        Assert.Equal("F16", Type("f16", "output.weight", s_large));
        Assert.Equal("F32", Type("q4_0", "blk.0.ffn_gate_inp.weight", s_large));
        Assert.Equal("F32", Type("f16", "blk.0.ffn_gate_inp.weight", s_large));
        Assert.Equal("F32", Named("q4_k_m").TypeOf("blk.0.attn_norm.weight", [4096], s_large).Name);
        Assert.Equal("F32", Named("bf16").TypeOf("blk.0.attn_q.bias", [4096], s_large).Name);
    }

    [Fact]
    public void Eight_experts_leave_attention_more_bits()
    {
        var model = s_large with { Experts = 8 };
        Assert.Equal(["Q8_0", "Q8_0", "Q5_K", "Q4_K"], new[] { "attn_k", "attn_v", "attn_output", "attn_q" }
            .Select(part => Type("q4_k_m", $"blk.20.{part}.weight", model)));
        Assert.Equal("Q6_K", Type("q6_k", "blk.20.attn_output.weight", model));
    }

    [Fact]
    public void Rows_that_blocks_do_not_divide_get_smaller_blocks()
    {
        string Of(string recipe, long columns) =>
            Named(recipe).TypeOf("blk.9.ffn_up.weight", [10, columns], s_large).Name;
        Assert.Equal(["Q5_0", "Q5_1", "Q8_0"], new[] { "q4_k_m", "q5_k_m", "q6_k" }.Select(r => Of(r, 64)));
        Assert.Equal(["Q4_0", "F16", "F16", "F16"],
            [Of("q4_0", 64), Of("q4_0", 48), Of("q4_k_m", 48), Of("q8_0", 16)]);
        Assert.Equal("Q8_0", Named("q4_k_m").TypeOf("output.weight", [10, 96], s_large).Name);
    }

    [Fact]
    public void A_name_that_no_recipe_has_is_refused_with_the_known_ones()
    {
        Assert.Equal(13, GgufRecipe.All.Count);
        Assert.All(GgufRecipe.All, recipe => Assert.Same(recipe, GgufRecipe.Named(recipe.Name)));
        Assert.Equal("q4_k_m", GgufRecipe.Named("Q4_K_M").Name); // as files are named
        Refused("\"q4_k\" is no type of GGUF files; did you mean", () => GgufRecipe.Named("q4_k"));
    }

    private static GgufRecipe Named(string name) => GgufRecipe.Named(name);

    private static string Type(string recipe, string tensor, GgufModelFacts model) =>
        Named(recipe).TypeOf(tensor, [4096, 4096], model).Name;
}
