using Crosshead.Data.Batches;
using Crosshead.Data.Shards;
using Crosshead.Files;
using Crosshead.Generation;
using Crosshead.Model;
using Crosshead.Tests.Data.Shards;
using Crosshead.Tests.Runtime.Distributed;
using Crosshead.Text.Tokenizers;
using Crosshead.TextModels;
using static TorchSharp.torch;
using Generator = Crosshead.TextModels.Generator;

namespace Crosshead.Tests.TextModels;

public sealed class DataGenerationTests : IDisposable
{
    private static readonly DataGenerationOptions Options =
        new() { Tokens = 900, Model = "m", WeightsHash = "w", Batch = 6, HeldOutFraction = 0.2 };

    private readonly TemporaryFolder _folder = new();
    private readonly LanguageModel _model;

    public DataGenerationTests() => _model = NewModel();

    private static LanguageModel NewModel()
    {
        var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = PreparedData.Small.VocabularySize + 10,
            HiddenSize = 16,
            Layers = 1,
            Context = 32,
            Attention = new() { Heads = 2 },
        });
        model.Initialize(1);
        return model;
    }

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Documents_fill_both_parts_and_say_where_they_come_from()
    {
        var reports = new List<DataGenerationProgress>();
        var manifest = Run("out", Options, progress: reports.Add);
        Assert.Equal(900, manifest.Train.Tokens + manifest.HeldOut.Tokens);
        Assert.InRange(
            (double)manifest.HeldOut.Documents / (manifest.Train.Documents + manifest.HeldOut.Documents), 0.15, 0.25);
        var tokens = PreparedData.Tokens(_folder.File("out"), manifest.Train);
        // end tokens; the last document may be cut before its own
        Assert.InRange(tokens.Count(t => t == 0), manifest.Train.Documents - 1, manifest.Train.Documents);
        Assert.All(tokens, t => Assert.InRange(t, 0, PreparedData.Small.VocabularySize - 1));
        Assert.Equal(("m", "w", 900L, 1.0), (manifest.Request.Generated!.Model, manifest.Request.Generated.WeightsHash,
            manifest.Request.Generated.Tokens, manifest.Request.Generated.Temperature));
        // of 280 tokens one ends a document of at most 32
        Assert.InRange(reports[^1].Cut, 1, manifest.Train.Documents + manifest.HeldOut.Documents);
        Assert.True(reports.Count > 1);
        Assert.Equal((900L, 900L, manifest.Train.Documents + manifest.HeldOut.Documents),
            (reports[^1].Tokens, reports[^1].TotalTokens, reports[^1].Documents));
        Assert.All(reports,
            r => Assert.True(r.Tokens <= 900 && (r.Tokens == 0) == (r.Documents == 0) && r.UnderWay >= 0));
        Assert.Contains(reports, r => r.UnderWay > 0 && r.Tokens == 0);
        using var dataset = TokenDataset.Open(_folder.File("out"));
        Assert.Equal(manifest.Train.Tokens, dataset.Train.Tokens);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(33)]
    [InlineData(100)]
    public void The_number_of_tokens_is_exact_and_the_first_of_a_longer_run(int tokens)
    {
        var options = Options with { HeldOutFraction = 0, Batch = 1 };
        Assert.Equal(tokens, Run("few", options with { Tokens = tokens }).Train.Tokens);
        var more = PreparedData.Tokens(_folder.File("more"), Run("more", options).Train);
        Assert.Equal(more[..tokens],
            PreparedData.Tokens(_folder.File("few"), DatasetManifest.Load(_folder.File("few")).Train));
    }

    [Fact]
    public void A_folder_that_another_writes_is_refused()
    {
        using (FolderLock.Take(_folder.File("out")))
            Assert.Contains("another run", Assert.Throws<CrossheadException>(() => Run("out", Options)).Message);
        Assert.Equal(900, Run("out", Options) is var manifest ? manifest.Train.Tokens + manifest.HeldOut.Tokens : 0);
    }

    [Fact]
    public void The_same_seed_writes_the_same_bytes_and_another_others()
    {
        Run("a", Options);
        Run("b", Options);
        Run("c", Options with { Seed = 1 });
        Assert.Equal(PreparedData.Contents(_folder.File("a")), PreparedData.Contents(_folder.File("b")));
        Assert.NotEqual(PreparedData.Contents(_folder.File("a"))["train-00000.bin"],
            PreparedData.Contents(_folder.File("c"))["train-00000.bin"]);
    }

    [Theory]
    [InlineData(ScalarType.Float32)] // where a document does not depend on its neighbours
    [InlineData(ScalarType.Float64)] // where it may
    public void An_interrupted_run_goes_on_to_the_same_bytes(ScalarType type)
    {
        _model.Freeze(type);
        var options = Options with { ShardTokens = 100, Tokens = 3000 };
        Run("whole", options);
        foreach (var after in new[] { 1, 20, 60 })
        {
            using var stop = new CancellationTokenSource();
            var reports = 0;
            Assert.Throws<OperationCanceledException>(
                () => Run("parts", options, _ => { if (++reports == after) stop.Cancel(); }, cancellation: stop.Token));
            Assert.Contains("not finished",
                Assert.Throws<CrossheadException>(() => TokenDataset.Open(_folder.File("parts"))).Message);
        }
        Run("parts", options);
        Assert.Equal(PreparedData.Contents(_folder.File("whole")), PreparedData.Contents(_folder.File("parts")));
    }

    [Theory]
    [InlineData(ScalarType.Float32)] // where a document does not depend on its neighbours
    [InlineData(ScalarType.Float64)] // where it may
    public void Every_number_of_ranks_draws_the_same_documents(ScalarType type)
    {
        _model.Freeze(type);
        var options = Options with { ShardTokens = 100, Tokens = 3000, Prompts = ["the cat", "a", "the dog"] };
        Run("one", options);
        void Several(int ranks, int? stopAfter) => ThreadCommunicator.Run(ranks, communicator =>
        {
            using var model = NewModel();
            model.Freeze(type);
            var own = options with { Communicator = communicator };
            if (communicator.Rank > 0)
            {
                DataGeneration.Help(model, PreparedData.Small, own);
                return;
            }
            using var stop = new CancellationTokenSource();
            var reports = 0;
            DataGeneration.Run(model, PreparedData.Small, _folder.File("several"), own,
                new ImmediateProgress(_ => { if (++reports == stopAfter) stop.Cancel(); }), stop.Token);
        });
        Assert.ThrowsAny<OperationCanceledException>(() => Several(3, stopAfter: 40));
        Several(2, stopAfter: null);
        Assert.Equal(PreparedData.Contents(_folder.File("one")), PreparedData.Contents(_folder.File("several")));
    }

    [Fact]
    public void Prompts_begin_the_documents_in_turn()
    {
        var manifest = Run("out", Options with { Prompts = ["the cat", "the dog"], HeldOutFraction = 0 });
        var documents = PreparedData.Small.Decode([.. PreparedData.Tokens(_folder.File("out"), manifest.Train)])
            .Split("<|endoftext|>");
        Assert.True(documents.Length > 10);
        Assert.All(documents.SkipLast(1).Select((d, i) => (d, i)),
            d => Assert.StartsWith(d.i % 2 == 0 ? "the cat" : "the dog", d.d));
    }

    [Fact]
    public void A_begin_token_opens_each_document_and_ends_the_one_before()
    {
        PreparedData.Small.Save(_folder.File("t"));
        File.WriteAllText(_folder.File("t/tokenizer_config.json"),
            """{ "eos_token": "<|endoftext|>", "bos_token": "!" }""");
        var tokenizer = Tokenizer.Load(_folder.File("t"));
        var manifest = Run("out", Options with { HeldOutFraction = 0 }, tokenizer: tokenizer);
        var tokens = PreparedData.Tokens(_folder.File("out"), manifest.Train);
        var begin = tokenizer.BosTokenId!.Value;
        Assert.Equal(begin, tokens[0]);
        Assert.Equal(manifest.Train.Documents, tokens.Count(t => t == begin));
    }

    [Fact]
    public void Other_options_and_unfit_ones_are_refused()
    {
        Run("out", Options);
        // recognised
        Assert.Equal(Run("out", Options).Identity(), DatasetManifest.Load(_folder.File("out")).Identity());
        string Refused(DataGenerationOptions options) =>
            Assert.ThrowsAny<CrossheadException>(() => Run("out", options)).Message;
        Assert.Contains("temperature is 0.5 here and 1 there; use `Overwrite`",
            Refused(Options with { Sampling = new() { Temperature = 0.5 } }));
        Assert.Contains("the model's weights is x here and w there", Refused(Options with { WeightsHash = "x" }));
        Assert.Contains("tokens (0) must be between 1 and", Refused(Options with { Tokens = 0 }));
        Assert.Contains("leaves no room in documents of 3 tokens",
            Refused(Options with { Prompts = ["the cat sat on the mat"], MaxTokens = 3 }));
        Assert.Contains("the text is read from files here and generated there",
            Assert.Throws<DataMismatchException>(() =>
            {
                PreparedData.WriteCorpus(_folder, 9);
                DataPreparation.Run([_folder.File("in.jsonl")], PreparedData.Small, _folder.File("out"), new());
            }).Message);
    }

    [Fact]
    public void Documents_do_not_depend_on_those_beside_them()
    {
        var options = Options with { HeldOutFraction = 0, Prompts = ["the cat", "a dog sat on the", "mat"] };
        Run("many", options);
        var tokens = PreparedData.Tokens(_folder.File("many"), DatasetManifest.Load(_folder.File("many")).Train);
        // Each document alone, with its batch's seed and its own stream.
        using var generator = new Generator(_model, new TokenizerCodec(PreparedData.Small));
        var end = PreparedData.Small.EosTokenId!.Value;
        var written = new List<int>();
        for (var document = 0L; written.Count < 900; document++)
        {
            int[] prompt = [end, .. PreparedData.Small.Encode(options.Prompts[(int)(document % 3)])];
            var (batch, place) = Math.DivRem(document, options.Batch);
            using var loop = generator.CreateLoop(1, 32);
            var sequence = Assert.Single(loop.InOrder([generator.RequestOf(prompt, new()
            {
                MaxTokens = 32 - prompt.Length,
                EndTokens = [end],
                Sampling = new() { Seed = batch + 1 },
            }, (int)place)], TestContext.Current.CancellationToken));
            written.AddRange([.. prompt[1..], .. sequence.Ids]);
            if (sequence.Stop != StopReason.EndToken) written.Add(end);
        }
        Assert.Equal(written.Take(900), tokens);
    }

    private DatasetManifest Run(string name, DataGenerationOptions options, Action<DataGenerationProgress>? progress =
        null, Tokenizer? tokenizer = null, CancellationToken cancellation = default) =>
        DataGeneration.Run(_model, tokenizer ?? PreparedData.Small, _folder.File(name), options,
            progress is null ? null : new ImmediateProgress(progress), cancellation);

    private sealed class ImmediateProgress(Action<DataGenerationProgress> report) : IProgress<DataGenerationProgress>
    {
        public void Report(DataGenerationProgress value) => report(value);
    }
}
