using Crosshead.Runtime;
using Crosshead.Tests.Training.Runs;
using Crosshead.Training.Logging;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Recipes;

public sealed class TrainingPrecisionTests
{
    [Theory]
    [InlineData(1.9, 1.0, "bfloat16: products 1.9 times as fast as float32 on this processor")]
    [InlineData(1.2, 1.0, "bfloat16: products 1.2 times as fast as float32 on this processor")]
    [InlineData(1.1, 1.0,
        "float32: bfloat16 products are only 1.10 times as fast on this processor, for coarser results")]
    [InlineData(1.0, 4.7, "float32: bfloat16 products take 4.7 times as long on this processor")]
    public void The_faster_type_is_chosen_by_a_clear_margin(double float32, double bfloat16, string choice) =>
        Assert.Equal(choice, TrainingPrecision.Of(new ProductSpeeds(float32, bfloat16)).ToString());

    [Fact]
    public void A_type_that_is_asked_for_is_not_measured() =>
        Assert.Equal(new TrainingPrecision("float64", "as the recipe asks"),
            TrainingPrecision.Of(TinyRun.Change(t => t with { Dtype = "float64" }), CPU));

    [Fact]
    public void Measuring_leaves_the_threads_as_they_were()
    {
        var threads = get_num_threads();
        var speeds = ProductSpeeds.Measure(CPU, 32, 32, 32);
        Assert.True(speeds is { Float32Seconds: > 0 and < 60, BFloat16Seconds: > 0 and < 60 });
        Assert.Equal(threads, get_num_threads());
    }

    [Fact]
    public void What_was_chosen_stands_in_result_log_and_checkpoint()
    {
        using var folder = new TemporaryFolder();
        var notes = new List<string>();
        var result = TinyRun.Trainer(TinyRun.Change(t => t with { Dtype = TrainingPrecision.Auto, Steps = 4 }),
            new RunOptions { Folder = folder.Path, OnNote = notes.Add }).Run();
        Assert.Contains(result.Precision.Dtype, new[] { "float32", "bfloat16" });
        Assert.Equal($"{result.Precision}", Assert.Single(notes));
        Assert.All(JsonLinesLog.Read(folder.File("log.jsonl")), r => Assert.Equal(result.Precision.Dtype, r.Dtype));
        var state = CheckpointState.Read(result.Checkpoint!);
        Assert.Equal((result.Precision.Dtype, result.Precision.Reason),
            (state.Recipe.Training.Dtype, state.PrecisionReason));
    }

    // Whichever of the two a processor would choose, one of these runs goes on in the other.
    [Theory]
    [InlineData("float32")]
    [InlineData("bfloat16")]
    public void A_resumed_run_keeps_its_type_whatever_is_faster_now(string dtype)
    {
        using var folder = new TemporaryFolder();
        Recipe With(string type, long steps) => TinyRun.Change(t => t with { Dtype = type, Steps = steps });
        var straight = new Progress();
        TinyRun.Trainer(With(dtype, 8), new RunOptions()).Run(straight);

        using var stop = new CancellationTokenSource();
        var options = new RunOptions { Folder = folder.Path };
        var first = new Progress(p => { if (p.Step == 4) stop.Cancel(); });
        TinyRun.Trainer(With(dtype, 8), options).Run(first, stop.Token);
        var (second, notes) = (new Progress(), new List<string>());
        var resumed = TinyRun.Trainer(With(TrainingPrecision.Auto, 8),
            options with { Resume = true, OnNote = notes.Add }).Run(second);
        Assert.Equal(dtype, resumed.Precision.Dtype);
        Assert.Equal($"{dtype}, as the run began", Assert.Single(notes));
        Assert.Equal(straight.Steps.Select(s => s.Loss),
            [.. first.Steps.Select(s => s.Loss), .. second.Steps.Select(s => s.Loss)]);
    }

    [Fact]
    public void A_resumed_run_does_not_change_its_type()
    {
        using var folder = new TemporaryFolder();
        var options = new RunOptions { Folder = folder.Path };
        TinyRun.Trainer(TinyRun.Change(t => t with { Dtype = "float32", Steps = 4 }), options).Run();
        var refused = Assert.Throws<CrossheadException>(() => TinyRun.Trainer(
            TinyRun.Change(t => t with { Dtype = "bfloat16", Steps = 8 }), options with { Resume = true }).Run());
        Assert.Contains("training.dtype: \"float32\" → \"bfloat16\"", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_goes_on_with_other_vectors_says_so()
    {
        using var folder = new TemporaryFolder();
        var options = new RunOptions { Folder = folder.Path };
        using var stop = new CancellationTokenSource();
        var first = TinyRun.Trainer(TinyRun.Recipe, options)
            .Run(new Progress(p => { if (p.Step == 4) stop.Cancel(); }), stop.Token);
        Assert.Equal(CpuVectors.Bits, first.VectorBits);
        var state = CheckpointState.Read(first.Checkpoint!);
        Assert.Equal(CpuVectors.Bits, state.VectorBits);
        File.WriteAllText(Path.Combine(first.Checkpoint!, CheckpointState.FileName),
            (state with { VectorBits = 128 }).ToJson());

        var notes = new List<string>();
        TinyRun.Trainer(TinyRun.Recipe, options with { Resume = true, OnNote = notes.Add }).Run();
        Assert.StartsWith($"the run's kernels used vectors of 128 bits until its checkpoint and use "
            + $"{CpuVectors.Bits} here", Assert.Single(notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_peak_is_that_of_the_fastest_product_and_busy_where_the_others_were_slow()
    {
        Assert.Equal(new PeakFlops(10, 1.1), PeakFlops.Of(10, [1.1, 1, 1.2]));
        Assert.False(PeakFlops.Of(10, [1.1, 1, 1.2]).Busy);
        Assert.True(PeakFlops.Of(10, [3, 1, 2, 1.9]).Busy);
    }
}
