using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Evaluation.Scoring;
using Crosshead.Model;
using Crosshead.Tests.Cli;
using Crosshead.Tests.TextModels;
using Crosshead.Text.Tokenizers.Training;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Evaluation.Scoring;

public sealed class DivergenceTests : IDisposable
{
    private static readonly string s_text = SmallTextModel.Text[..700];

    private readonly TemporaryFolder _folder = new();

    public DivergenceTests()
    {
        Save("reference", seed: 1, context: 20, width: 16);
        Save("model", seed: 2, context: 24, width: 8);
    }

    public void Dispose() => _folder.Dispose();

    private void Save(string name, long seed, int context, int width, int vocabulary = 280)
    {
        using var model = new LanguageModel(new()
        {
            VocabularySize = vocabulary,
            HiddenSize = width,
            Layers = 1,
            Context = context,
            InitializerRange = 0.5,
            Attention = new() { Heads = 2 },
        });
        model.Initialize(seed);
        ModelDirectory.Save(_folder.File(name), model);
        SmallTextModel.Tokenizer.Save(_folder.File(name));
    }

    private ModelSource Open(string name) => ModelSource.Open(_folder.File(name));

    [Theory]
    [InlineData(ScalarType.Float32, 5)]
    [InlineData(ScalarType.Float64, 10)]
    public void Equals_distributions_computed_one_by_one(ScalarType type, int digits)
    {
        var result = new Divergence(Open("model"), Open("reference"))
            .Measure(s_text, type, cancellation: TestContext.Current.CancellationToken);
        var ids = SmallTextModel.Tokenizer.Encode(s_text, addSpecialTokens: false);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var model = Open("model").LoadFrozen(ScalarType.Float64);
        using var reference = Open("reference").LoadFrozen(ScalarType.Float64);
        var (own, other, same) = (0.0, 0.0, 0);
        var divergences = new List<double>();
        int[] all = [RequestEncoder.PrefixOf(SmallTextModel.Tokenizer), .. ids];
        for (var i = 1; i < all.Length; i++)
        {
            var input = tensor(all[((i - 1) / 20 * 20)..i].Select(t => (long)t).ToArray()).unsqueeze(0);
            double[] Log(LanguageModel of) => of.LastLogits(input).log_softmax(-1).reshape(-1).data<double>().ToArray();
            var (p, q) = (Log(reference), Log(model));
            divergences.Add(p.Zip(q, (a, b) => Math.Exp(a) * (a - b)).Sum());
            own += q[all[i]];
            other += p[all[i]];
            if (Array.IndexOf(p, p.Max()) == Array.IndexOf(q, q.Max())) same++;
        }
        Assert.Equal(ids.Length, result.Model.Tokens);
        Assert.Equal(own / ids.Length, result.Model.LogLikelihood / ids.Length, digits);
        Assert.Equal(other / ids.Length, result.Reference.LogLikelihood / ids.Length, digits);
        Assert.Equal(divergences.Average(), result.MeanDivergence.Value, digits);
        Assert.Equal(divergences.Max(), result.MaximumDivergence, digits);
        Assert.Equal((double)same / ids.Length, result.SameTop.Value, 12);
        Assert.Equal((ids.Length + 19) / 20, result.Windows);
        Assert.True(result.MeanDivergence.Value > 0.1);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_model_is_exactly_itself(ScalarType type)
    {
        var result = new Divergence(Open("model"), Open("model"))
            .Measure(s_text, type, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal((0, 0, 0), (result.MaximumDivergence, result.PerplexityDifference.Value,
            result.MeanDivergence.StandardError));
        Assert.Equal(1, result.SameTop.Value);
    }

    [Fact]
    public void A_window_does_not_depend_on_those_beside_it()
    {
        // A text of two windows contains the tokens of the text of its first window.
        var ids = SmallTextModel.Tokenizer.Encode(s_text, addSpecialTokens: false);
        string First(int windows) => SmallTextModel.Tokenizer.Decode(ids.AsSpan(0, 20 * windows));
        DivergenceResult Of(int windows) => new Divergence(Open("model"), Open("reference")).Measure(First(windows),
            cancellation: TestContext.Current.CancellationToken);
        var (one, two, again) = (Of(1), Of(2), Of(1));
        Assert.Equal((1, 2, 20, 40), (one.Windows, two.Windows, one.Model.Tokens, two.Model.Tokens));
        Assert.Equal(one.Model.LogLikelihood, again.Model.LogLikelihood);
        Assert.Equal(one.MeanDivergence.Value, again.MeanDivergence.Value);
        Assert.True(two.MaximumDivergence >= one.MaximumDivergence);
    }

    [Fact]
    public void Nothing_is_left_behind_also_when_it_is_stopped()
    {
        TensorLeaks.None(() => new Divergence(Open("model"), Open("reference")).Measure(s_text));
        using var stop = new CancellationTokenSource();
        var told = new List<DivergenceProgress>();
        var progress = new ImmediateProgress<DivergenceProgress>(p =>
        {
            told.Add(p);
            if (p.Predicted > 0.6 * p.Total) stop.Cancel();
        });
        TensorLeaks.None(() => Assert.Throws<OperationCanceledException>(() =>
            new Divergence(Open("model"), Open("reference")).Measure(s_text, progress: progress,
                cancellation: stop.Token)));
        var tokens = SmallTextModel.Tokenizer.Encode(s_text, addSpecialTokens: false).Length;
        Assert.Equal(new DivergenceProgress(20, 2 * tokens), told[0]);
    }

    [Fact]
    public void The_command_shows_what_the_library_measures()
    {
        var text = _folder.Write("text.txt", s_text);
        string[] command =
            ["perplexity", _folder.File("model"), "--text", text, "--against", _folder.File("reference")];
        var json = CliRun.Of([.. command, "--json"]).Json;
        var result = new Divergence(Open("model"), Open("reference")).Measure(s_text,
            cancellation: TestContext.Current.CancellationToken);
        var against = json["against"]!;
        Assert.Equal(result.Model.TokenPerplexity, (double)json["tokenPerplexity"]!, 12);
        Assert.Equal(result.Reference.TokenPerplexity, (double)against["tokenPerplexity"]!, 12);
        Assert.Equal(result.MeanDivergence.Value, (double)against["meanDivergence"]!["value"]!, 12);
        Assert.Equal(result.MeanDivergence.StandardError, (double)against["meanDivergence"]!["standardError"]!, 12);
        Assert.Equal(result.HighDivergence.Value, (double)against["divergence99"]!["value"]!, 12);
        Assert.Equal(result.MaximumDivergence, (double)against["maximumDivergence"]!, 12);
        Assert.Equal(result.SameTop.Value, (double)against["sameTop"]!["value"]!, 12);
        var alone = CliRun.Of("perplexity", _folder.File("model"), "--text", text, "--json").Json;
        Assert.Null(alone["against"]);
        Assert.Matches(@"same most likely token *\| *\d", CliRun.Of(command).Out);
    }

    [Fact]
    public void Models_without_a_common_vocabulary_are_refused_before_any_work()
    {
        var text = _folder.Write("text.txt", s_text);
        string Refusal(string reference) => CliRun.Of("perplexity", _folder.File("model"), "--text", text,
            "--against", _folder.File(reference)).Refusal();
        Save("wide", seed: 1, context: 20, width: 16, vocabulary: 281);
        Assert.Contains("cannot be compared: they have 280 and 281 tokens in their vocabularies", Refusal("wide"));
        Save("other", seed: 1, context: 20, width: 16);
        BpeTrainer.Train(["quite another text, quite another text, and so on: another text"],
            new BpeTrainerOptions { VocabularySize = 265 }).Save(_folder.File("other"));
        Assert.Matches("cannot be compared: token [0-9]+ is \".+\" and \".+\"", Refusal("other"));
        Assert.Contains("does not exist", Refusal("none"));
        // The same tokens, some of which are never made: the last merges are gone.
        Save("split", seed: 1, context: 20, width: 16);
        var json = JsonNode.Parse(File.ReadAllText(_folder.File("split/tokenizer.json")))!;
        var merges = json["model"]!["merges"]!.AsArray();
        for (var i = 0; i < 5; i++) merges.RemoveAt(merges.Count - 1);
        File.WriteAllText(_folder.File("split/tokenizer.json"), json.ToJsonString());
        Assert.Matches("they split the text differently: its token [0-9]+ is [0-9]+ \\(\".+\"\\) and [0-9]+ \\(",
            Refusal("split"));
    }
}
