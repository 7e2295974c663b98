using System.Diagnostics;
using Crosshead.Cli.Terminal;
using Crosshead.Runtime.Distributed;
using static TorchSharp.torch;

namespace Crosshead.Tests.Runtime.Distributed;

/// <summary>What ranks with a GPU each do in tests.</summary>
internal static class GpuScenarios
{
    private const int Most = 100_000; // elements of a part

    /// <summary>Parts of random lengths arrive in open memory, and whatever was there before them is written over only
    /// when it has been read.</summary>
    public static void Exchange(ICommunicator communicator, CommandOutput output)
    {
        var (rank, ranks, random) = (communicator.Rank, communicator.Ranks, new Random(6));
        var device = new Device($"cuda:{rank}");
        using var scope = NewDisposeScope();
        using var exchange = TensorExchange.Of(communicator, device);
        var (receive, gathered) = (Numbers(ranks * Most, -1, device), Numbers(ranks * Most, -1, device));
        exchange.Open([receive, gathered]);
        var wrong = zeros([], ScalarType.Int64, device);
        for (var repeat = 0; repeat < 200; repeat++)
        {
            using var inner = NewDisposeScope();
            // counts[s][t]: what rank s sends to rank t; a third of the parts is empty
            var counts = Enumerable.Range(0, ranks).Select(_ => Enumerable.Range(0, ranks)
                .Select(_ => random.Next(3) == 0 ? 0L : random.Next(Most)).ToArray()).ToArray();
            long[] received = [.. counts.Select(c => c[rank])];
            long[] places = [.. Enumerable.Range(0, ranks).Select(to => counts[..rank].Sum(c => c[to]))];
            exchange.AllToAll([.. counts[rank].Select((count, to) => Numbers(count, First(rank, to), device))], receive,
                received, places);
            long[] cuts = [0, .. Enumerable.Range(1, ranks - 1).Select(_ => (long)random.Next(ranks * Most)).Order(),
                ranks * Most];
            long[] lengths = [.. cuts.Zip(cuts.Skip(1), (from, to) => to - from)];
            exchange.AllGather(Numbers(lengths[rank], First(rank, 0), device), gathered, lengths);
            exchange.Wait();
            var parts = received.Select((count, from) => Numbers(count, First(from, rank), device));
            wrong.add_(receive.narrow(0, 0, received.Sum()).ne(cat([.. parts])).sum());
            wrong.add_(gathered.ne(cat([.. lengths.Select((n, of) => Numbers(n, First(of, 0), device))])).sum());

            int First(int from, int to) => (31 * from) + (7 * to) + repeat;
        }
        Tell(output, wrong.item<long>() == 0, exchange);
        communicator.Barrier();
    }

    /// <summary>A rank that the other one left alone ends in a short time.</summary>
    public static void Leave(ICommunicator communicator, CommandOutput output)
    {
        var device = new Device($"cuda:{communicator.Rank}");
        using var scope = NewDisposeScope();
        var exchange = TensorExchange.Of(communicator, device);
        var (send, receive) = (Numbers(1000, 0, device), Numbers(1000, 0, device));
        exchange.Open([receive]);
        Exchange();
        exchange.Wait();
        cuda.synchronize(device);
        communicator.Barrier();
        var watch = Stopwatch.StartNew();
        if (communicator.Rank == 0)
        {
            Exchange(); // rank 1 never does
            exchange.Dispose();
        }
        communicator.Barrier();
        if (communicator.Rank == 1) exchange.Dispose();
        Tell(output, watch.Elapsed < TimeSpan.FromSeconds(20), exchange);

        void Exchange() => exchange.AllToAll([send.narrow(0, 0, 500), send.narrow(0, 500, 500)], receive, [500, 500],
            [500 * communicator.Rank, 500 * communicator.Rank]);
    }

    private static void Tell(CommandOutput output, bool right, TensorExchange exchange) =>
        output.Line($"{(right ? "right" : "wrong")}, by {(exchange is NcclExchange { Copies: true } ? "copies"
            : "NCCL")}");

    private static Tensor Numbers(long count, int first, Device device) =>
        arange(first, first + count, ScalarType.Int32, device);
}
