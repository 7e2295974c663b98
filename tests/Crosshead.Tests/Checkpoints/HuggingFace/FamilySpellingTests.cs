using System.Text.Json.Nodes;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Model;

namespace Crosshead.Tests.Checkpoints.HuggingFace;

/// <summary>Keys of families whose meaning in Transformers 5.17 is not the one that they seem to have.</summary>
public sealed class FamilySpellingTests
{
    [Fact]
    public void The_rotated_part_is_the_one_within_rope_parameters()
    {
        var options = With("glm4", config => config["partial_rotary_factor"] = 0.25);
        Assert.Equal(8, options.RotaryDims); // half of 16
    }

    [Fact]
    public void The_older_name_of_LongRoPE_means_the_same()
    {
        var older = With("phi3-longrope", config =>
        {
            var rope = config["rope_parameters"]!.AsObject();
            config.Remove("rope_parameters");
            config["rope_theta"] = rope["rope_theta"]!.DeepClone();
            config["rope_scaling"] = new JsonObject
            {
                ["type"] = "su",
                ["short_factor"] = rope["short_factor"]!.DeepClone(),
                ["long_factor"] = rope["long_factor"]!.DeepClone(),
            };
        });
        var newer = With("phi3-longrope", _ => { });
        Assert.Equal(ModelConfig.Write(newer, "float32"), ModelConfig.Write(older, "float32"));
    }

    [Theory]
    [InlineData("gemma3", "attn_logit_softcapping", 2.5, "supported is null")]
    [InlineData("gpt-oss", "swiglu_limit", 0.5, "supported is 7")]
    public void What_Transformers_does_not_compute_is_refused(string family, string key, double value, string told)
    {
        var error = Assert.Throws<CrossheadException>(() => With(family, config => config[key] = value));
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        Assert.Contains(told, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_published_limit_of_gates_is_taken() =>
        Assert.Equal(7, With("gpt-oss", config => config["swiglu_limit"] = 7.0).Experts!.SwiGluLimit);

    private static ModelOptions With(string family, Action<JsonObject> change)
    {
        var config = JsonNode.Parse(File.ReadAllText(SharedData.Path("fixtures", "families", family, "config.json")))!
            .AsObject();
        change(config);
        return ModelConfig.Parse("config.json", config.ToJsonString());
    }
}
