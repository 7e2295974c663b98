using Crosshead.Runtime.Distributed;
using static TorchSharp.torch;

namespace Crosshead.Tests.Runtime.Distributed;

/// <summary>Exchanges between ranks that are threads, in every form, with parts of unequal length.</summary>
public class ExchangeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void TensorsArriveInTheOrderOfRanks(int ranks) => ThreadCommunicator.Run(ranks, communicator =>
    {
        using var scope = NewDisposeScope();
        using var exchange = TensorExchange.Of(communicator, CPU);
        var rank = communicator.Rank;
        // Rank r sends to rank t the number 10 r + t, (r + t) mod 3 times; some parts are empty.
        var sendCounts = Counts(to => (rank + to) % 3);
        var receiveCounts = Counts(from => (from + rank) % 3);
        using var received = empty(receiveCounts.Sum(), dtype: ScalarType.BFloat16);
        exchange.AllToAll(Numbers(sendCounts, to => (10 * rank) + to).to(ScalarType.BFloat16), sendCounts, received,
            receiveCounts);
        exchange.Wait();
        Assert.Equal(Numbers(receiveCounts, from => (10 * from) + rank).data<float>().ToArray(),
            received.to(ScalarType.Float32).data<float>().ToArray());

        var counts = Counts(of => of % 3);
        using var all = full(counts.Sum(), -1f);
        using var part = all.narrow(0, counts[..rank].Sum(), counts[rank]);
        part.fill_(rank);
        exchange.AllGather(part, all, counts); // in place
        exchange.Wait();
        Assert.Equal(Numbers(counts, of => of).data<float>().ToArray(), all.data<float>().ToArray());

        long[] Counts(Func<int, int> count) => [.. Enumerable.Range(0, ranks).Select(r => (long)count(r))];
    });

    [Fact]
    public void ValuesAndTextsArriveInTheOrderOfRanks() => ThreadCommunicator.Run(3, communicator =>
    {
        var rank = communicator.Rank;
        Assert.Equal([(0L, 0.5), (1L, 1.5), (2L, 2.5)], communicator.AllGather<(long, double)>((rank, rank + 0.5)));
        Assert.Equal(["", "é", "éé"], communicator.AllGather(string.Concat(Enumerable.Repeat("é", rank))));
        Assert.Equal("from 1", communicator.Broadcast(rank == 1 ? "from 1" : null, root: 1));
        Assert.Equal("", communicator.Broadcast("", root: 2));
    });

    [Fact]
    public void WrongTensorsAreRefused() => ThreadCommunicator.Run(2, communicator =>
    {
        using var exchange = TensorExchange.Of(communicator, CPU);
        using var dense = zeros(4, 2);
        using var turned = dense.t();
        Assert.Throws<ArgumentException>(() => exchange.AllGather(turned, dense, [8, 0]));
        Assert.Throws<ArgumentException>(() => exchange.AllGather(dense, dense, [8, 8]));
        Assert.Throws<ArgumentException>(() => exchange.AllToAll(dense, [4, 5], dense, [4, 4]));
    });

    [Fact]
    public void AFailureOfOneRankEndsTheWaitingOfTheOthers()
    {
        var failure = Assert.Throws<CrossheadException>(() => ThreadCommunicator.Run(3, communicator =>
        {
            if (communicator.Rank == 1) throw new CrossheadException("no more.");
            communicator.Barrier();
        }));
        Assert.Equal("no more.", failure.Message);
    }

    private static Tensor Numbers(long[] counts, Func<int, float> value) =>
        tensor(counts.SelectMany((count, rank) => Enumerable.Repeat(value(rank), (int)count)).ToArray());
}
