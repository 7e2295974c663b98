using Crosshead.Runtime;
using Crosshead.Training.Runs;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Runs;

/// <summary>Runs that do not fit in memory, and what they say of sizes and remedies.</summary>
public sealed class TrainingMemoryTests
{
    [Fact]
    public void A_batch_larger_than_any_array_names_the_size_and_the_knobs()
    {
        var recipe = TinyRun.Change(t => t with { Batch = 1_000_000 });
        var error = Assert.Throws<DeviceMemoryException>(() => TinyRun.Trainer(recipe, new RunOptions(),
            _ => new MadeUpData(TinyRun.Recipe) { VocabularySize = new byte[int.MaxValue].Length }).Run());
        Assert.StartsWith("out of memory: 244 MiB could not be allocated", error.Message);
        Assert.Contains("training.batch (now 1000000)", error.Message);
    }

    [Fact]
    public void A_model_larger_than_the_machine_names_its_size_and_what_makes_it_smaller()
    {
        var recipe = TinyRun.Recipe with { Model = TinyRun.Recipe.Model with { HiddenSize = 1_000_000 } };
        var error = Assert.Throws<DeviceMemoryException>(() => TinyRun.Trainer(recipe, new RunOptions()).Run());
        // 2 layers of 3·10¹² and 3 · 10⁶ · 2,666,672 numbers, and twice 32 · 10⁶; 16 bytes of each.
        Assert.StartsWith("out of memory: the model's 22.0 T parameters take 320 TiB with their gradients and the "
            + "optimizer's moments, this process can have ", error.Message);
        Assert.EndsWith("; use a smaller model.hiddenSize (now 1000000), model.feedForwardSize (now 2666672), "
            + "model.layers (now 2) or model.vocabularySize (now 32).", error.Message);
    }

    [Fact]
    public void A_batch_that_does_not_fit_names_the_size_and_the_knobs()
    {
        var recipe = TinyRun.Change(t => t with { Batch = 1_000_000 }) with { };
        var trainer = TinyRun.Trainer(recipe, new RunOptions(), r => new Huge(new MadeUpData(TinyRun.Recipe)));
        var error = Assert.Throws<DeviceMemoryException>(() => trainer.Run());
        Assert.StartsWith("out of memory: ", error.Message);
        Assert.Contains("training.batch (now 1000000)", error.Message);
        Assert.Contains("training.activationCheckpointing=true", error.Message);
    }

    private sealed class Huge(MadeUpData data) : WrappedData(data)
    {
        public override TokenBatch Next(Device device) =>
            new(zeros([1L << 40, 16], ScalarType.Int64), zeros([1, 1], ScalarType.Int64));
    }
}
