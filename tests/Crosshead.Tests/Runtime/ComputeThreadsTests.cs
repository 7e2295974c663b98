using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Tests.Runtime;

[Collection(Alone.Name)]
public sealed class ComputeThreadsTests
{
    [Fact]
    public void The_number_holds_for_libtorch_and_for_loops_on_its_threads()
    {
        try
        {
            foreach (var count in new[] { 1, 3, 2 })
            {
                ComputeThreads.Use(count);
                Assert.Equal(count, ComputeThreads.Count);
                Assert.Equal(count, get_num_threads());
                Assert.Equal(count, Native.ThreadCount);
                var elsewhere = 0;
                var thread = new Thread(() => elsewhere = Native.ThreadCount);
                thread.Start();
                thread.Join();
                Assert.Equal(count, elsewhere);
            }
            Assert.Throws<CrossheadException>(() => ComputeThreads.Use(1_000_000));
            Assert.Equal(2, ComputeThreads.Count);
        }
        finally
        {
            ComputeThreads.Use(null);
        }
    }
}
