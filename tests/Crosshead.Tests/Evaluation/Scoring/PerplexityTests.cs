using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Evaluation.Scoring;
using Crosshead.Model;
using Crosshead.Text.Tokenizers;
using static TorchSharp.torch;

namespace Crosshead.Tests.Evaluation.Scoring;

public sealed class PerplexityTests
{
    private static LanguageModel Create()
    {
        var model = new LanguageModel(
            new() { VocabularySize = 20, HiddenSize = 16, Layers = 1, Context = 7, Attention = new() { Heads = 2 } },
            ScalarType.Float64);
        model.Initialize(4);
        return model;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(20)]
    public void Equals_windows_predicted_one_token_at_a_time(int count)
    {
        using var model = Create();
        var ids = Enumerable.Range(0, count).Select(i => ((i * i) + 3) % 20).ToArray();
        var result = Perplexity.Measure(model, "some text of four", ids, prefix: 1);

        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var expected = 0.0;
        int[] all = [1, .. ids];
        for (var i = 1; i < all.Length; i++)
        {
            var start = (i - 1) / 7 * 7; // windows of 7 predictions, each beginning at the token before its first
            var context = all[start..i].Select(t => (long)t).ToArray();
            expected += model.LastLogits(tensor(context).unsqueeze(0)).log_softmax(-1)[0, 0, all[i]].item<double>();
        }
        Assert.Equal(expected, result.LogLikelihood, 9);
        Assert.Equal((count, 17, 4), (result.Tokens, result.Bytes, result.Words));
        Assert.Equal(-expected / 17 / Math.Log(2), result.BitsPerByte, 9);
    }

    [Fact]
    public void A_real_model_gets_the_bits_a_byte_that_an_independent_implementation_got()
    {
        var folder = SharedData.Path("data", "models", "stories260K");
        var expected = JsonNode.Parse(File.ReadAllText(SharedData.Path("fixtures", "eval-stories260K.json")))!.AsArray()
            .Single(r => (string?)r!["task"] == "wikitext2-valid")!;
        var text = File.ReadAllText(SharedData.Path("data", "text", "wikitext2-valid.txt"))[..(int)expected["chars"]!];
        var tokenizer = Tokenizer.Load(folder);
        using var model = ModelDirectory.Load(folder);
        var result = Perplexity.Measure(model, text, tokenizer.Encode(text, addSpecialTokens: false),
            tokenizer.BosTokenId!.Value);
        Assert.Equal((long)expected["tokens"]!, result.Tokens);
        Assert.Equal((double)expected["bits_per_byte"]!, result.BitsPerByte, 1e-5);
    }

    [Fact]
    public void Empty_texts_and_foreign_tokens_are_refused()
    {
        using var model = Create();
        Assert.Contains("no tokens",
            Assert.Throws<CrossheadException>(() => Perplexity.Measure(model, "", [], 1)).Message);
        Assert.Contains("gave the id 20",
            Assert.Throws<CrossheadException>(() => Perplexity.Measure(model, "x", [20], 1)).Message);
    }

    [Fact]
    public void Leaves_no_tensors_behind()
    {
        using var model = Create();
        TensorLeaks.None(() => Perplexity.Measure(model, "x", [1, 2, 3, 4, 5, 6, 7, 8, 9], 1));
    }
}
