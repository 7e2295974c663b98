using System.Reflection;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Tests.Runtime;

public sealed unsafe class ScalarLifetimeTests
{
    [Fact]
    public void A_scalar_that_was_freed_can_still_be_read()
    {
        using var tensor = ones(1); // loads the libraries
        Scalar number = 4.25;
        var place = (void*)(nint)typeof(Scalar)
            .GetProperty("Handle", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(number)!;
        var before = new Span<byte>(place, 32).ToArray();
        number.Dispose();
        Assert.Equal(before, new Span<byte>(place, 32).ToArray());
    }

    [Fact]
    public void Operators_with_numbers_survive_a_garbage_collector_that_never_rests()
    {
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        try
        {
            using var scope = NewDisposeScope();
            var x = ones([64], ScalarType.Float64);
            for (var i = 0; i < 10_000; i++)
            {
                using var inner = NewDisposeScope();
                var half = (x + x) / 4L;
                Assert.Equal(0.5, half[i % 64].item<double>());
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }
}
