using Crosshead.Data.Recall;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Training;
using Crosshead.Training.Logging;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Runs;

public sealed class RecallProbeTests : IDisposable
{
    private static readonly Lazy<Tokenizer> s_tokenizer = new(() => BpeTrainer.Train(
        RecallCorpus.Write(RecallTask.Usual, 1, 60).Select(t => t.Text),
        new BpeTrainerOptions { VocabularySize = 800 }));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("pairs_20", true)]
    [InlineData("variables_20", false)]
    [InlineData("identifiers_9", true)]
    [InlineData("needle_30", false)]
    [InlineData("copy_40", true)]
    public void An_answer_is_right_if_all_its_tokens_are(string name, bool begins)
    {
        var text = RecallTask.Parse(name).Write(3, RecallPurpose.Probe, 0);
        var tokens = RecallTokens.Of(text, s_tokenizer.Value, begins ? 5 : null);
        Assert.Equal(text.Text, s_tokenizer.Value.Decode(tokens.Tokens.AsSpan(begins ? 1 : 0)));
        Assert.All(text.Answers.Zip(tokens.Answers), a => Assert.Contains(text.Question(a.First).Answer,
            s_tokenizer.Value.Decode(tokens.Tokens.AsSpan(a.Second.Start..a.Second.End)), StringComparison.Ordinal));

        long[] right = [.. tokens.Places.Select(p => (long)tokens.Tokens[p])];
        Assert.Equal(text.Answers.Count, tokens.Right(right));
        right[^1]++; // of the last answer
        right[0]++;  // of the first one
        Assert.Equal(text.Answers.Count - 2, tokens.Right(right));
    }

    [Fact]
    public void The_share_is_that_of_one_text_after_the_other()
    {
        var recipe = In(800, "copy_20", "copy_3");
        recipe = recipe with { Model = recipe.Model with { HiddenSize = 64, Context = 160, TieEmbeddings = true } };
        using var data = Data(recipe);
        using var model = TinyRun.Model(recipe, ScalarType.Float32);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        // With large embeddings a token is the likeliest to follow itself, which is right where a word is repeated.
        model.Parameters[0].Value.mul_(50);
        var shares = RecallProbe.Of(recipe, data)!.Of(model);
        Assert.InRange(shares["copy_20"], 0.001, 0.5);
        foreach (var (name, share) in shares)
        {
            var (right, all) = (0, 0);
            foreach (var number in Enumerable.Range(0, recipe.Training.Probes!.Texts))
            {
                var text = RecallTokens.Of(RecallTask.Parse(name).Write(1, RecallPurpose.Probe, number),
                    s_tokenizer.Value, data.EndToken);
                var input = tensor(text.Tokens.Select(t => (long)t).ToArray(), [1, text.Tokens.Length]);
                var likeliest = model.Logits(input).argmax(-1).data<long>().ToArray();
                right += text.Right([.. text.Places.Select(p => likeliest[p - 1])]);
                all += text.Answers.Count;
            }
            Assert.Equal((double)right / all, share, 12);
        }
    }

    [Fact]
    public void A_run_measures_when_it_is_asked_to_and_at_its_end()
    {
        var recipe = In(800, "copy_3");
        recipe = recipe with
        {
            Training = recipe.Training with { Probes = recipe.Training.Probes! with { Every = 5 } },
        };
        var result = TinyRun.Trainer(recipe, new RunOptions { Folder = _folder.File("run") }, Data).Run();
        Assert.InRange(result.Recall!["copy_3"], 0, 1);
        var log = JsonLinesLog.Read(_folder.File("run/log.jsonl"));
        Assert.Equal([5, 10, 12], log.Where(r => r.Recall is not null).Select(r => r.Step));
        Assert.Equal(result.Recall, log[^1].Recall);
    }

    [Fact]
    public void What_cannot_be_measured_is_refused_before_the_run()
    {
        string Told(Recipe recipe) =>
            Assert.Throws<CrossheadException>(() => TinyRun.Trainer(recipe, new RunOptions(), Data).Check()).Message;
        Assert.Contains("texts of pairs_60 have up to", Told(In(800, "pairs_60")), StringComparison.Ordinal);
        Assert.Contains("names no tasks", Told(In(800)), StringComparison.Ordinal);
        Assert.Contains("names copy_3 twice", Told(In(800, "copy_3", "copy_3")), StringComparison.Ordinal);
        Assert.Contains("the kind of the recall task \"copies_3\" is unknown", Told(In(800, "copies_3")),
            StringComparison.Ordinal);
    }

    private static Recipe In(int vocabulary, params string[] tasks) =>
        TinyRun.Change(t => t with { Probes = new ProbeOptions { Recall = tasks, Texts = 20 } }) with
        {
            Model = TinyRun.Recipe.Model with { VocabularySize = vocabulary, Context = 64 },
        };

    private MadeUpData Data(Recipe recipe)
    {
        var file = _folder.File("tokenizer.json");
        if (!File.Exists(file)) s_tokenizer.Value.Save(file);
        return new MadeUpData(recipe) { VocabularySize = 800, TokenizerFile = file };
    }
}
