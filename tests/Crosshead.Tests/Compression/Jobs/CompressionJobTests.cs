using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Compression.Jobs;
using Crosshead.Model;
using Crosshead.Tests.TextModels;
using Crosshead.TextModels;

namespace Crosshead.Tests.Compression.Jobs;

public sealed class CompressionJobTests : IDisposable
{
    private static readonly CompressionOptions s_quick =
        new() { Rounds = 1, SearchWindows = 4, Windows = new WindowOptions { Most = 16 } };

    private readonly TemporaryFolder _folder = new();

    public CompressionJobTests() => SmallTextModel.Save(Model, new TextTokens(null, [7]));

    private string Model => _folder.File("model");

    private string Half => _folder.File("half");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Half_the_cache_is_kept_and_what_is_told_is_what_was_written()
    {
        var stages = new List<CompressionProgress>();
        var result = CompressionJob.Open(Model, SmallTextModel.Text, s_quick)
            .Run(Half, new ImmediateProgress<CompressionProgress>(stages.Add), TestContext.Current.CancellationToken);

        var written = ModelSource.Open(Half); // with its tokenizer
        Assert.Equal([7], written.EndTokens);
        Assert.Equal(result.Options.VirtualHeads!, written.Options.VirtualHeads!);
        Assert.InRange(result.CacheBytesPerTokenAfter, 1, result.CacheBytesPerTokenBefore / 2);
        Assert.Equal(result.CacheBytesPerTokenAfter, ModelCost.Of(written.Options).CacheBytesPerToken(sizeof(float)));

        var text = CompressionText.Halved(SmallTextModel.Text, written, s_quick.Windows);
        using var before = ModelDirectory.Load(Model);
        using var after = written.Load();
        Assert.Equal(WindowLoss.Measure(before, text.HeldOut!, 8), result.LossBefore);
        Assert.Equal(WindowLoss.Measure(after, text.HeldOut!, 8), result.LossAfter);
        Assert.InRange(result.SelfCheck, 0, 1e-4);

        // Every stage begins at nothing, in order, and is told to its end.
        Assert.Equal(Enum.GetValues<CompressionStage>(), stages.Select(s => s.Stage).Distinct());
        Assert.All(stages.GroupBy(s => s.Stage), g => Assert.Equal(0, g.First().Done));
        Assert.All(stages.Where(s => s.Stage != CompressionStage.Searching).GroupBy(s => s.Stage),
            g => Assert.Equal(g.Last().Total, g.Last().Done));
        Assert.Contains(stages, s => s.Finding is not null);
    }

    [Fact]
    public void The_method_of_the_paper_needs_no_text()
    {
        var result = new CompressionJob(ModelSource.Open(Model), CompressionText.None,
            new() { Method = CompressionMethod.Svd }).Run(Half, cancellation: TestContext.Current.CancellationToken);
        Assert.True(result is { LossBefore: null, LossAfter: null });
        Assert.All(result.Plan.Layers, layer => Assert.Equal(CompressionMethod.Svd, layer!.Method));
    }

    [Fact]
    public void What_cannot_be_done_is_refused_before_weights_are_read()
    {
        var source = ModelSource.Open(Model);
        var text = CompressionText.Halved(SmallTextModel.Text, source, s_quick.Windows);
        File.Delete(Path.Combine(Model, "model.safetensors"));
        string Refusal(CompressionOptions options, CompressionText? given = null) =>
            Assert.Throws<CrossheadException>(() => new CompressionJob(source, given ?? text, options)).Message;

        Assert.Contains("needs a text to calibrate on", Refusal(s_quick, CompressionText.None));
        Assert.Contains("share (1) must be above 0 and below 1", Refusal(s_quick with { Share = 1 }));
        Assert.Contains("share (NaN)", Refusal(s_quick with { Share = double.NaN }));
        Assert.Contains("rounds (-1)", Refusal(s_quick with { Rounds = -1 }));
        Assert.Contains("names layer 5; the model has layers 0 to 1", Refusal(s_quick with { Layers = "5" }));
        Assert.Contains("2 key components of 2 heads make nothing smaller",
            Refusal(s_quick with { Sizes = new LayerPlan(CompressionMethod.Fine, 2, null) }));
        Assert.Contains("name one method",
            Refusal(s_quick with { Sizes = new LayerPlan(CompressionMethod.Svd, 1, null) }));
        Assert.Contains("batch (0)", Refusal(s_quick with { Windows = new WindowOptions { Batch = 0 } }));
        Assert.Contains("longer than the model's context (48)",
            Assert.Throws<CrossheadException>(
                () => CompressionText.Halved(SmallTextModel.Text, source, new WindowOptions { Length = 49 })).Message);
    }

    [Fact]
    public void A_folder_that_holds_something_is_left_as_it_is_unless_it_is_a_model_that_may_go()
    {
        var source = ModelSource.Open(Model);
        CompressionJob Job(bool overwrite) =>
            new(source, CompressionText.None, new() { Method = CompressionMethod.Svd, Overwrite = overwrite });
        var before = File.ReadAllBytes(Path.Combine(Model, "config.json"));
        Assert.Contains("exists already", Assert.Throws<CrossheadException>(() => Job(false).Run(Model)).Message);
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(Model, "config.json")));

        Directory.CreateDirectory(Path.Combine(Half, "checkpoints"));
        Assert.Contains("holds something else than a model's files",
            Assert.Throws<CrossheadException>(() => Job(true).Run(Half)).Message);
        Directory.Delete(Half, recursive: true);

        SmallTextModel.Save(Half);
        Job(true).Run(Half, cancellation: TestContext.Current.CancellationToken);
        Assert.NotNull(ModelSource.Open(Half).Options.VirtualHeads);
    }

    [Fact]
    public void Cancelled_it_leaves_nothing_behind()
    {
        using var stop = new CancellationTokenSource();
        var job = CompressionJob.Open(Model, SmallTextModel.Text, s_quick);
        Assert.Throws<OperationCanceledException>(() => job.Run(Half, new ImmediateProgress<CompressionProgress>(p =>
        {
            if (p.Stage == CompressionStage.Profiling) stop.Cancel();
        }), stop.Token));
        Assert.Equal([Model], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Theory]
    [InlineData("one\n\ntwo three\n\nfour", "one\n\ntwo three", "\n\nfour")]
    [InlineData("one\ntwo\nthree four\nfive", "one\ntwo\nthree four", "\nfive")]
    [InlineData("abcdef", "abc", "def")]
    [InlineData("", "", "")]
    public void A_text_is_parted_after_its_middle_where_a_paragraph_or_a_line_ends(string text, string first,
        string second) =>
        Assert.Equal((first, second), CompressionText.Halves(text));
}
