using System.Diagnostics;
using Crosshead.Kernels.Optimizer;
using Crosshead.Runtime.Distributed;
using Crosshead.Tests.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Tests.Runtime.Distributed;

/// <summary>Exchanges between GPUs; ranks are threads of this process, each with a GPU of its own.</summary>
public sealed class NcclExchangeTests
{
    [Theory]
    [InlineData(1, ScalarType.Float32)]
    [InlineData(2, ScalarType.Float32)]
    [InlineData(2, ScalarType.BFloat16)]
    [InlineData(4, ScalarType.BFloat16)]
    public void Parts_of_random_lengths_arrive_as_they_were_sent(int ranks, ScalarType type) => OnGpus(ranks,
        (communicator, device) =>
    {
        using var exchange = TensorExchange.Of(communicator, device);
        exchange.TakeTimes(); // begins to measure
        var (random, rank) = (new Random(5), communicator.Rank);
        for (var repeat = 0; repeat < 50; repeat++)
        {
            using var scope = NewDisposeScope();
            var largest = 1 << random.Next(1, 20);
            // counts[s][t]: what rank s sends to rank t; a third of the parts is empty
            var counts = Enumerable.Range(0, ranks).Select(_ => Enumerable.Range(0, ranks)
                .Select(_ => random.Next(3) == 0 ? 0L : random.Next(largest)).ToArray()).ToArray();
            long[] sent = counts[rank], received = [.. counts.Select(c => c[rank])];
            var (send, receive) = (Join(sent, to => Part(rank, to)), Join(received, _ => null));
            Meet(communicator, device);
            exchange.AllToAll(send, sent, receive, received);
            exchange.Wait();
            Assert.True(receive.equal(Join(received, from => Part(from, rank))).all().item<bool>());

            long[] lengths = [.. counts.Select(c => c[0])];
            var (gathered, own) = (Join(lengths, _ => null), Numbers(lengths[rank], Part(rank, 0)));
            var place = repeat % 2 == 0 ? own : gathered.narrow(0, lengths[..rank].Sum(), own.numel()).copy_(own);
            Meet(communicator, device);
            exchange.AllGather(place, gathered, lengths);
            exchange.Wait();
            Assert.True(gathered.equal(Join(lengths, of => Part(of, 0))).all().item<bool>());

            Tensor Join(long[] lengths, Func<int, int?> first) =>
                cat([.. lengths.Select((length, i) => Numbers(length, first(i)))]);
            int? Part(int from, int to) => 31 * from + 7 * to + repeat;
        }
        cuda.synchronize(device);
        var times = exchange.TakeTimes();
        Assert.InRange(times.Exchanged.TotalSeconds, ranks > 1 ? 1e-6 : 0, 60);
        Assert.InRange(times.Waited.TotalSeconds, 0, 60);
        Assert.Equal(default, exchange.TakeTimes());

        Tensor Numbers(long count, int? first) => first is null ? full(count, -1f, type, device)
            : (arange(count, ScalarType.Int64, device) + first.Value).remainder(251).to_type(type);
    });

    // Ranks of one process exchange by NCCL alone.
    [Theory]
    [InlineData(2, "exchange-gpus")]
    [InlineData(4, "exchange-gpus")]
    [InlineData(2, "leave-gpus")]
    public void Processes_exchange_by_copies(int ranks, string scenario)
    {
        Assert.SkipUnless(cuda.is_available() && cuda.device_count() >= ranks, $"{ranks} GPUs are needed");
        var run = MpiRun.Scenario(MpiFlavor.None, ranks, scenario);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("right, by copies", run.Out.Trim());
    }

    // One process adds the gradients of all micro-batches; here each rank adds its share, beside other work and without
    // ever waiting on the host.
    [Theory]
    [InlineData(ScalarType.Float32, 100_003)]
    [InlineData(ScalarType.BFloat16, 1_000_001)]
    public void Sums_of_a_thousand_rounds_have_the_bits_of_one_process(ScalarType type, int count) => OnGpus(2,
        (communicator, device) =>
    {
        const int ranks = 2, rounds = 1000;
        using var scope = NewDisposeScope();
        using var exchange = TensorExchange.Of(communicator, device);
        var rank = communicator.Rank;
        long[] shares = [count / 3, count - count / 3];
        var mine = shares[rank];
        var gradients = Enumerable.Range(0, ranks).Select(r => KernelCheck.Random(r, ScalarType.Float32, count)
            .to(device)).ToArray();
        var bucket = empty(count, type, device: device);
        var parts = empty(ranks * mine, type, device: device);
        var (sum, whole, expected) = (empty(mine, device: device), empty(count, device: device),
            zeros(count, device: device));
        var wrong = zeros([], ScalarType.Int64, device);
        var left = rand(1024, 1024, device: device);
        OrderedSum.Add(parts, sum, fresh: true); // loads the kernels
        AddAll(0);
        wrong.add_(whole.ne(expected).sum()).zero_();
        Meet(communicator, device);
        for (var round = 0; round < rounds; round++)
        {
            using var inner = NewDisposeScope();
            using Scalar factor = round % 10 + 1;
            bucket.copy_(gradients[rank] * factor);
            exchange.AllToAll(bucket, shares, parts, [mine, mine]);
            exchange.Then(() => OrderedSum.Add(parts, sum, round % 4 == 0));
            AddAll(round);
            exchange.AllGather(sum, whole, shares);
            var wait = exchange.WaitLater();
            mm(left, left);
            wait();
            wrong.add_(whole.ne(expected).sum());
        }
        Assert.Equal(0, wrong.item<long>());
        Assert.True(expected.abs().sum().item<float>() > 0);

        // What one process does, and something more to compute meanwhile.
        void AddAll(int round)
        {
            using Scalar factor = round % 10 + 1;
            for (var r = 0; r < ranks; r++)
            {
                var part = (gradients[r] * factor).to_type(type).to_type(ScalarType.Float32);
                expected.copy_(round % 4 == 0 && r == 0 ? part : expected + part);
            }
            mm(left, left);
        }
    });

    [Fact]
    public void A_rank_that_is_gone_does_not_hold_up_the_end() => OnGpus(2, (communicator, device) =>
    {
        using var scope = NewDisposeScope();
        var exchange = TensorExchange.Of(communicator, device);
        var (send, receive) = (ones(1000, device: device), zeros(1000, device: device));
        exchange.AllToAll(send, [500, 500], receive, [500, 500]);
        exchange.Wait();
        Assert.Equal(1000, receive.sum().item<float>());
        communicator.Barrier();
        var watch = Stopwatch.StartNew();
        if (communicator.Rank == 0)
        {
            exchange.AllToAll(send, [500, 500], receive, [500, 500]); // rank 1 never does
            exchange.Dispose();
            Assert.InRange(watch.Elapsed.TotalSeconds, 0, 20);
        }
        communicator.Barrier();
        if (communicator.Rank == 1) exchange.Dispose();
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 40);
    });

    [Fact]
    public void Two_ranks_on_one_GPU_are_refused()
    {
        Assert.SkipUnless(cuda.is_available(), "this machine has no CUDA device");
        Assert.SkipWhen(Nccl.Loaded is null, "this libtorch has no NCCL");
        var failure = Assert.Throws<CrossheadException>(() => ThreadCommunicator.Run(2, communicator =>
            TensorExchange.Of(communicator, new Device("cuda:0")).Dispose()));
        Assert.StartsWith("ranks 0 and 1 have the same GPU", failure.Message);
    }

    // Within one process, taking memory or loading a kernel may wait for a GPU that waits for the other rank, so that
    // comes first.
    private static void Meet(ICommunicator communicator, Device device)
    {
        cuda.synchronize(device);
        communicator.Barrier();
    }

    private static void OnGpus(int ranks, Action<ICommunicator, Device> work)
    {
        Assert.SkipUnless(cuda.is_available() && cuda.device_count() >= ranks, $"{ranks} GPUs are needed");
        Assert.SkipWhen(ranks > 1 && Nccl.Loaded is null, "this libtorch has no NCCL");
        ThreadCommunicator.Run(ranks, communicator => work(communicator, new Device($"cuda:{communicator.Rank}")));
    }
}
