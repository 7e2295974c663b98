using Crosshead.Kernels.Rotary;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Rotary;

/// <summary>What a step asks of its positions, against libtorch's operators.</summary>
public sealed class StepAnglesTests
{
    [Fact]
    public void Rows_of_the_tables_and_lengths_are_those_of_the_positions()
    {
        Assert.SkipUnless(cuda_is_available(), "there is no CUDA device");
        using var scope = NewDisposeScope();
        var (cosine, sine) = (randn([40, 72], device: CUDA), randn([40, 72], device: CUDA));
        var positions = tensor(new long[] { 0, 39, 17, 41 }, device: CUDA); // the last is past the table
        var (cosines, sines, lengths) = StepAngles.Of(cosine, sine, positions);
        var rows = positions.clamp(0, 39);
        Assert.True(cosines.equal(cosine.index_select(0, rows)).all().item<bool>());
        Assert.True(sines.equal(sine.index_select(0, rows)).all().item<bool>());
        Assert.Equal([1, 40, 18, 42], lengths.cpu().data<int>().ToArray());
    }
}
