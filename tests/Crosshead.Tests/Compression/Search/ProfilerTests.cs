using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Compression.Search;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression.Search;

public sealed class ProfilerTests
{
    private static readonly CompressionMethod[] Methods = Enum.GetValues<CompressionMethod>();
    private static readonly ProfileSource Source = new("model", "text");

    [Theory]
    [InlineData("gqa")]
    [InlineData("window, biases, query-key norm")]
    [InlineData("mea c < g")]
    [InlineData("compressed, query-key norm")]
    public void A_piece_costs_what_compressing_it_alone_costs(string name)
    {
        using var subject = new Subject(name);
        var profile = subject.Profiler.Run(Source, Methods);
        Assert.True(profile.IsComplete);
        Assert.Equal(subject.Loss(subject.Model), profile.BaseLoss, 1e-12);
        Assert.Equal((4, 4, 2, Source), (profile.Groups, profile.HeadDim, profile.LayerCount, profile.Source));
        foreach (var layer in profile.Layers)
        {
            Assert.Equal([(1, 4), (2, 8), (3, 12)],
                layer.Keys.Where(p => p.Method == CompressionMethod.Svd).Select(p => (p.Size, p.Numbers)));
            Assert.Equal(layer.Keys.Count(p => p.Method == CompressionMethod.Fine),
                layer.Keys.Count(p => p.Method == CompressionMethod.Svd));
            Assert.Equal([4, 8, 12], layer.Values.Where(p => p.Method == CompressionMethod.Svd).Select(p => p.Size));
            Assert.Equal(Enumerable.Range(1, 15),
                layer.Values.Where(p => p.Method == CompressionMethod.Fine).Select(p => p.Size));
            foreach (var piece in layer.Keys.Concat(layer.Values.Where(p => p.Size is 1 or 8)))
            {
                var (c, r) = layer.Keys.Contains(piece) ? ((int?)piece.Size, (int?)null) : (null, piece.Size);
                Assert.Equal(subject.LossOf(At(layer.Layer, new LayerPlan(piece.Method, c, r))),
                    profile.BaseLoss + piece.LossIncrease, 1e-9);
            }
        }
    }

    [Fact]
    public void The_loss_is_that_of_every_token_but_the_first()
    {
        using var subject = new Subject("query-key norm");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Assert.Equal(new PlainDecoder(subject.Model).Loss(SmallModels.All(subject.Measured)),
            subject.Loss(subject.Model), 1e-10);
    }

    [Fact]
    public void The_batch_size_changes_no_loss()
    {
        using var subject = new Subject("gqa");
        foreach (var batch in new[] { 1, 4, 100 })
            Assert.Equal(subject.Loss(subject.Model),
                WindowLoss.Measure(subject.Model, subject.Measured, batch), 1e-12);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Interrupted_and_resumed_equals_in_one_go(int after)
    {
        using var subject = new Subject("biases", layers: 3);
        using var folder = new TemporaryFolder();
        var whole = subject.Profiler.Run(Source, Methods);
        Profile? begun = null;
        using var stop = new CancellationTokenSource();
        try
        {
            if (after == 0) stop.Cancel();
            subject.Profiler.Run(Source, Methods, null, p =>
            {
                p.Save(folder.File("profile.json"));
                if (p.Layers.Count == after) stop.Cancel();
            }, null, stop.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.True(after < 3);
        }
        if (after > 0) begun = Profile.Load(folder.File("profile.json"));
        Assert.Equal(after, begun?.Layers.Count ?? 0);
        var counted = new List<long>();
        var resumed = subject.Profiler.Run(Source, Methods, begun, null, new ImmediateProgress(counted.Add));
        Equal(whole, resumed);
        var pieces = Profiler.PiecesPerLayer(subject.Model.Options, Methods);
        Assert.Equal(Enumerable.Range((after * pieces) + 1, (3 - after) * pieces).Select(i => (long)i), counted);
    }

    [Fact]
    public void A_profile_comes_back_from_its_file_as_it_was()
    {
        using var subject = new Subject("gqa");
        using var folder = new TemporaryFolder();
        var profile = subject.Profiler.Run(Source, [CompressionMethod.Fine]);
        profile.Save(folder.File("p.json"));
        Equal(profile, Profile.Load(folder.File("p.json")));
        Assert.All(profile.Layers, l => Assert.All(l.Keys, p => Assert.Equal(CompressionMethod.Fine, p.Method)));
    }

    [Theory]
    [InlineData("", "is no profile")]
    [InlineData("null", "is no profile")]
    [InlineData("[1]", "is no profile")]
    [InlineData("""{"groups": 4}""", "is no profile")]
    [InlineData(
        """{"source": {"model": "m", "text": "t"}, "groups": 4, "headDim": 4, "layerCount": 1, "baseLoss": 2, "other": 3}""",
        "is no profile")]
    [InlineData("""{"source": null, "groups": 4, "headDim": 4, "layerCount": 1, "baseLoss": 2}""", "is no profile")]
    [InlineData(
        """{"source": {"model": "m", "text": "t"}, "groups": 4, "headDim": 4, "layerCount": 1, "baseLoss": 2, "layers": null}""",
        "is no profile")]
    [InlineData(
        """{"source": {"model": "m", "text": "t"}, "groups": 4, "headDim": 4, "layerCount": 1, "baseLoss": 2, "layers": [null]}""",
        "is no profile")]
    [InlineData(
        """{"source": {"model": "m", "text": "t"}, "groups": 4, "headDim": 4, "layerCount": 1, "baseLoss": 2, "layers": [{"layer": 0, "keys": null, "values": []}]}""",
        "is no profile")]
    public void Files_that_are_no_profile_are_refused_in_one_line(string content, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("p.json"), content);
        var error = Assert.Throws<CrossheadException>(() => Profile.Load(folder.File("p.json")));
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void A_profile_that_is_not_there_is_refused_with_how_to_make_it() =>
        Assert.Contains("`Profiler`", Assert.Throws<CrossheadException>(() => Profile.Load("/nowhere/p.json")).Message);

    [Theory]
    [InlineData("other", "text", "of another model (weights other, not model)")]
    [InlineData("model", "other", "on other text or windows (other, not text)")]
    public void A_begun_profile_of_something_else_is_refused(string model, string text, string message)
    {
        using var subject = new Subject("gqa");
        var begun =
            subject.Profiler.Run(Source, [CompressionMethod.Svd]) with { Source = new ProfileSource(model, text) };
        Assert.Contains(message,
            Assert.Throws<CrossheadException>(() => subject.Profiler.Run(Source, Methods, begun)).Message);
    }

    [Theory]
    [InlineData("gqa")]
    [InlineData("mea c < g")]
    [InlineData("compressed")]
    public void Around_a_plan_a_piece_costs_what_changing_it_in_the_plan_costs(string name)
    {
        using var subject = new Subject(name, layers: 3);
        var plan = new CompressionPlan(
            [new(CompressionMethod.Fine, 2, 7), new(CompressionMethod.Fine, 3, null), null], null);
        using var compressed = Compressor.Compress(subject.Model, plan, subject.Calibration);
        var loss = subject.Loss(compressed);
        var around = subject.Profiler.Around(plan, compressed, loss, CompressionMethod.Fine, [0, 1, 2]);
        foreach (var (i, layer) in around.Layers.Index())
        {
            Assert.Equal([1, 2, 3, 0], layer.Keys.Select(p => p.Size));
            foreach (var piece in layer.Keys)
                Assert.Equal(subject.LossOf(With(plan, i, new(piece.Method, Size(piece), plan.Layers[i]?.ValueRank))),
                    loss + piece.LossIncrease, 1e-9);
            foreach (var piece in layer.Values.Where(p => p.Size is 0 or 3 or 7 or 14))
                Assert.Equal(subject.LossOf(With(plan, i,
                    new(piece.Method, plan.Layers[i]?.KeyComponents, Size(piece)))), loss + piece.LossIncrease, 1e-9);
        }
        // What the plan has is one of the pieces.
        Assert.Equal(0, around.Layers[0].Keys.Single(p => p.Size == 2).LossIncrease, 1e-9);
        Assert.Equal(0, around.Layers[0].Values.Single(p => p.Size == 7).LossIncrease, 1e-9);
        Assert.Equal([0], subject.Profiler.Around(plan, compressed, loss, CompressionMethod.Fine, [0]).Layers.Where(
            l => l.Keys.Count > 0).Select(l => l.Layer));

        static int? Size(ProfiledPiece piece) => piece.Size == 0 ? null : piece.Size;
    }

    [Fact]
    public void Searching_never_makes_a_plan_worse_and_finds_the_same_again()
    {
        foreach (var name in new[] { "biases", "mea c < g" })
        {
            using var subject = new Subject(name, layers: 3);
            var profile = subject.Profiler.Run(Source, [CompressionMethod.Fine]);
            var search = new PlanSearch(subject.Model, subject.Calibration, subject.Measured, 5);
            foreach (var share in new[] { 0.4, 0.6 })
            {
                var first = search.Run(profile, [0, 1, 2], share, rounds: 0);
                var found = search.Run(profile, [0, 1, 2], share, rounds: 4);
                Assert.True(subject.LossOf(found) <= subject.LossOf(first) + 1e-12);
                Assert.True(
                    found.Layers.Sum(l => ((l?.KeyComponents ?? 4) * 4) + (l?.ValueRank ?? 16)) <= share * 3 * 32);
                var again = search.Run(profile, [0, 1, 2], share, rounds: 4);
                Assert.Equal(found.Layers, again.Layers);
                Assert.Equal(found.PredictedIncrease!.Value, again.PredictedIncrease!.Value, 1e-12);
            }
        }
    }

    [Fact]
    public void Profiling_and_searching_leave_no_tensor_behind()
    {
        using var subject = new Subject("gqa");
        TensorLeaks.None(() =>
        {
            var profile = subject.Profiler.Run(Source, [CompressionMethod.Fine]);
            new PlanSearch(subject.Model, subject.Calibration, subject.Measured, 5)
                .Run(profile, [0, 1], 0.5, rounds: 2);
        });
        TensorLeaks.None(() => Assert.ThrowsAny<OperationCanceledException>(
            () => subject.Profiler.Run(Source, Methods, cancellation: new CancellationToken(true))));
    }

    [Fact]
    public void Stopped_between_pieces_it_ends_with_a_cancellation_and_leaves_no_tensor_behind()
    {
        using var subject = new Subject("gqa");
        TensorLeaks.None(() =>
        {
            using var stop = new CancellationTokenSource();
            var told = 0L;
            Assert.ThrowsAny<OperationCanceledException>(
                () => subject.Profiler.Run(Source, Methods, null, null, new ImmediateProgress(done =>
                {
                    told = done;
                    if (done == 3) stop.Cancel();
                }), stop.Token));
            Assert.InRange(told, 3, 3 + Environment.ProcessorCount);
        });
    }

    private static CompressionPlan At(int layer, LayerPlan plan) => With(new([null, null], null), layer, plan);

    private static CompressionPlan With(CompressionPlan plan, int layer, LayerPlan other) =>
        new([.. plan.Layers.Index().Select(l => l.Index == layer ? other : l.Item)], null);

    private static void Equal(Profile expected, Profile actual)
    {
        Assert.Equal(expected with { Layers = [] }, actual with { Layers = [] });
        Assert.Equal(expected.Layers.Select(l => l.Layer), actual.Layers.Select(l => l.Layer));
        foreach (var (e, a) in expected.Layers.Zip(actual.Layers))
        {
            Assert.Equal(e.Keys, a.Keys);
            Assert.Equal(e.Values, a.Values);
        }
    }

    private sealed class ImmediateProgress(Action<long> tell) : IProgress<long>
    {
        public void Report(long value) => tell(value);
    }

    /// <summary>A model with the text it is calibrated on and the text it is measured on.</summary>
    private sealed class Subject : IDisposable
    {
        public Subject(string name, int layers = 2)
        {
            Model = SmallModels.Create(name, layers);
            Calibration = Calibration.Run(Model, SmallModels.Text(), 5);
            Profiler = new Profiler(Model, Calibration, Measured, 5);
        }

        public LanguageModel Model { get; }

        public Calibration Calibration { get; }

        public TokenWindows Measured { get; } = SmallModels.Text(windows: 8, seed: 4);

        public Profiler Profiler { get; }

        public double Loss(LanguageModel model) => WindowLoss.Measure(model, Measured, 3);

        public double LossOf(CompressionPlan plan)
        {
            using var compressed = Compressor.Compress(Model, plan, Calibration);
            return Loss(compressed);
        }

        public void Dispose()
        {
            Calibration.Dispose();
            Model.Dispose();
        }
    }
}
