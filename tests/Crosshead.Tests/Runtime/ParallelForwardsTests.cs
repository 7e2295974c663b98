using System.Collections.Concurrent;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Tests.Runtime;

public sealed class ParallelForwardsTests
{
    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 4)]
    [InlineData(17, 1)]
    [InlineData(17, 4)]
    public void Every_item_runs_once_and_without_gradients(int items, int workers)
    {
        var (ran, wanted) = (new ConcurrentBag<int>(), is_grad_enabled());
        ParallelForwards.Run(items, workers, i =>
        {
            Assert.False(is_grad_enabled());
            ran.Add(i);
        });
        Assert.Equal(Enumerable.Range(0, items), ran.Order());
        Assert.Equal(wanted, is_grad_enabled());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_first_exception_ends_the_rest_and_is_thrown(int workers)
    {
        const int Items = 1_000_000; // that would take minutes
        var ran = 0;
        var error = Assert.Throws<CrossheadException>(() => ParallelForwards.Run(Items, workers, i =>
        {
            Interlocked.Increment(ref ran);
            if (i == 2) throw new CrossheadException("item 2 has failed.");
            Thread.Sleep(1);
        }));
        Assert.Equal("item 2 has failed.", error.Message);
        Assert.InRange(ran, 3, Items / 2);
    }

    [Fact]
    public void Threads_of_others_are_as_before()
    {
        var before = get_num_threads();
        int[] inside = [0, 0];
        ParallelForwards.Run(2, 2, i => inside[i] = get_num_threads());
        Assert.All(inside, count => Assert.Equal(Math.Max(1, before / 2), count));
        Assert.Equal(before, get_num_threads());
        var elsewhere = 0;
        var thread = new Thread(() => elsewhere = Native.ThreadCount); // has not computed yet
        thread.Start();
        thread.Join();
        Assert.Equal(ComputeThreads.Count, elsewhere);
    }
}
