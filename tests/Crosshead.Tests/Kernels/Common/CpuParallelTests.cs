using Crosshead.Kernels.Common;

namespace Crosshead.Tests.Kernels.Common;

public sealed unsafe class CpuParallelTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(1000)]
    [InlineData(1001)]
    public void Every_index_is_visited_once(int count)
    {
        var visits = new int[count];
        fixed (int* address = visits)
        {
            var context = new Context { Visits = address };
            CpuParallel.For(count, 16, ref context, &Visit);
        }
        Assert.All(visits, visit => Assert.Equal(1, visit));
    }

    [Fact]
    public void A_failure_in_a_body_reaches_the_caller()
    {
        var context = new Context();
        var error = Assert.Throws<InvalidOperationException>(() => Fail(context));
        Assert.Equal("at work", error.Message);

        static void Fail(Context context) =>
            CpuParallel.For(1000, 16, ref context, &Throw);
    }

    private static void Visit(Context* context, long begin, long end)
    {
        for (var i = begin; i < end; i++) Interlocked.Increment(ref context->Visits[i]);
    }

    private static void Throw(Context* context, long begin, long end) => throw new InvalidOperationException("at work");

    private struct Context
    {
        public int* Visits;
    }
}
