using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Tests;

/// <summary>Fails a test whose code leaves tensors behind.</summary>
internal static class TensorLeaks
{
    /// <summary>
    /// Runs code twice (the first run may fill caches) and checks that the second leaves no tensor alive on this
    /// thread.
    /// </summary>
    public static void None(Action code)
    {
        code();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        code();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    /// <summary>max |a − b| / max |b|.</summary>
    public static double RelativeError(Tensor actual, Tensor expected)
    {
        using var scope = NewDisposeScope();
        var (a, b) = (actual.detach().to(ScalarType.Float64), expected.detach().to(ScalarType.Float64));
        Assert.Equal(b.shape, a.shape);
        return (a - b).abs().max().item<double>() / Math.Max(1e-300, b.abs().max().item<double>());
    }
}
