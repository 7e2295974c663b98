using Crosshead.Decoding;
using Crosshead.Decoding.TensorParallel;
using Crosshead.Kernels.PeerSums;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using Crosshead.Tests.Generation;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding.TensorParallel;

/// <summary>Sums between GPUs, and models that GPUs share out. They need two GPUs that reach each other.</summary>
[Collection(Crosshead.Tests.Alone.Name)]
public sealed class DeviceSumTests
{
    private const int Gpus = 2;

    [Theory]
    [InlineData(ScalarType.BFloat16, new long[] { 2048 })]
    [InlineData(ScalarType.BFloat16, new long[] { 3, 1, 17 })]
    [InlineData(ScalarType.Float32, new long[] { 5, 333 })]
    [InlineData(ScalarType.BFloat16, new long[] { 1100, 2048 })] // more than a launch takes
    public void Sums_have_the_same_bits_on_all_devices(ScalarType type, long[] shape)
    {
        Require();
        using var peers = PeerMemory.Open([0, 1]);
        using var threads = new RankThreads(Gpus);
        using var scope = NewDisposeScope();
        for (var round = 0; round < 20; round++)
        {
            var parts = Enumerable.Range(0, Gpus).Select(r => Drawn(shape, type, (round * Gpus) + r)).ToArray();
            var expected = (parts[0].to(ScalarType.Float32) + parts[1].to(ScalarType.Float32)).to(type);
            var sums = new Tensor[Gpus];
            threads.Run(rank => sums[rank] = Detached(() => peers.Sum(rank, parts[rank].to($"cuda:{rank}")).cpu()));
            foreach (var sum in sums)
            {
                Assert.True(Same(sum, expected));
                sum.Dispose();
            }
        }
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 1, 37)]
    [InlineData(ScalarType.BFloat16, 16, 75968)]
    [InlineData(ScalarType.Float32, 3, 20)]
    public void Rows_are_put_side_by_side(ScalarType type, int rows, int width)
    {
        Require();
        using var peers = PeerMemory.Open([0, 1]);
        using var threads = new RankThreads(Gpus);
        using var scope = NewDisposeScope();
        var parts = Enumerable.Range(0, Gpus).Select(r => Drawn([rows, width], type, r)).ToArray();
        var expected = cat(parts, 1);
        var joined = new Tensor[Gpus];
        threads.Run(rank => joined[rank] = Detached(() => peers.Join(rank, parts[rank].to($"cuda:{rank}")).cpu()));
        foreach (var own in joined)
        {
            Assert.True(Same(own, expected));
            own.Dispose();
        }
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16, 1, 2048)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32, 16, 2560)]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16, 5, 20)]
    [InlineData(ScalarType.Float32, ScalarType.Float32, 3, 576)]
    public void A_sum_is_added_and_normed_at_once(ScalarType type, ScalarType weightType, int rows, int width)
    {
        Require();
        using var peers = PeerMemory.Open([0, 1]);
        using var threads = new RankThreads(Gpus);
        using var scope = NewDisposeScope();
        var parts = Enumerable.Range(0, Gpus).Select(r => Drawn([rows, width], type, r)).ToArray();
        var (residual, weight) = (Drawn([rows, width], type, 7), Drawn([width], weightType, 8));
        var sum = residual + (parts[0].to(ScalarType.Float32) + parts[1].to(ScalarType.Float32)).to(type);
        var wide = sum.to(ScalarType.Float32);
        var normed = wide * (wide.square().mean([-1], keepdim: true) + 1e-5).rsqrt() * weight.to(ScalarType.Float32);
        var made = new Tensor[2 * Gpus];
        threads.Run(rank =>
        {
            using var own = NewDisposeScope();
            var device = new Device($"cuda:{rank}");
            var (total, norm) = peers.SumNorm(rank, parts[rank].to(device), residual.to(device), weight.to(device),
                1e-5);
            (made[rank], made[Gpus + rank]) =
                (total.cpu().DetachFromDisposeScope(), norm.cpu().DetachFromDisposeScope());
        });
        for (var rank = 0; rank < Gpus; rank++)
        {
            Assert.True(Same(made[rank], sum));
            Assert.True(Same(made[Gpus + rank], made[Gpus]));
            var error = (made[Gpus + rank].to(ScalarType.Float32) - normed).abs().max() / normed.abs().max();
            Assert.InRange(error.item<float>(), 0, type == ScalarType.BFloat16 ? 4e-3 : 1e-6);
        }
        foreach (var tensor in made) tensor.Dispose();
    }

    [Fact]
    public void Captured_sums_are_repeated_ten_thousand_times()
    {
        Require();
        using var peers = PeerMemory.Open([0, 1]);
        using var threads = new RankThreads(Gpus);
        var results = new float[Gpus];
        threads.Run(rank =>
        {
            using var scope = NewDisposeScope();
            using var grad = no_grad();
            var device = new Device($"cuda:{rank}");
            var x = full([64], rank + 1.0, ScalarType.Float32, device);
            var total = zeros([64], ScalarType.Float32, device);
            cuda.synchronize(device);
            using var stream = SideStream.Rent(rank);
            using var graph = CudaGraph.TryCapture(rank, stream, () =>
            {
                for (var i = 0; i < 10; i++) total.add_(peers.Sum(rank, x));
            }, out var refusal);
            Assert.Null(refusal);
            for (var i = 0; i < 1000; i++) graph!.Launch();
            stream.Wait();
            results[rank] = total.cpu().data<float>()[63];
        });
        // the work runs once before it is captured
        Assert.All(results, sum => Assert.Equal(3f * 10 * 1001, sum));
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("experts, as in Qwen3-MoE")]
    [InlineData("mea, half the cache")]
    [InlineData("mea, a quarter")]
    [InlineData("frequency and dense, query-key norm")]
    [InlineData("partial and dense")]
    [InlineData("biases everywhere")]
    public void Two_GPUs_decode_as_one_does(string name)
    {
        Require();
        var shape = SharedShapes.Wide(name);
        using var whole = TinyModels.Create(shape);
        using var shared = SharedShapes.OnGpus(whole, ScalarType.BFloat16);
        var ids = TinyModels.Ids(90, 2, shape.VocabularySize);
        var expected = TinyModels.Reference(whole, ids);
        using var alone = ThreadRanks.Copy(whole, ScalarType.BFloat16, new Device("cuda:0"));
        using var one = new CudaGraphDecoder(alone, 2, 128);
        var usual = Play(one, ids, expected); // the error of bfloat16
        using var pages = new TensorParallelDecoder(shared, part => new PagedDecoder(part, 2, 128, 8));
        pages.Prepare(64);
        var cache = Assert.IsType<Crosshead.Attention.Caches.IPageStore>(pages.Cache, exactMatch: false);
        cache.Place(0, [3, 1], 0);
        Assert.Null(pages.Refusal);
        Assert.InRange(Play(pages, ids, expected), 0, 2 * usual);
        using var rows = new TensorParallelDecoder(shared, part => new CudaGraphDecoder(part, 2, 128));
        Assert.InRange(Play(rows, ids, expected), 0, 2 * usual);
    }

    [Fact]
    public void A_rank_that_fails_ends_sums_that_wait_for_it()
    {
        Require();
        using var whole = TinyModels.Create(SharedShapes.Named("llama"));
        using var shared = SharedShapes.OnGpus(whole, ScalarType.Float32);
        Assert.Throws<CrossheadException>(() => shared.Run(rank =>
        {
            if (rank == 1) throw new InvalidOperationException("no more memory");
            TinyModels.Reference(shared.Parts[0], [1, 2, 3]);
        }));
    }

    // A prompt in two pieces, then step after step; returns the largest error.
    private static double Play(IDecoder decoder, int[] ids, float[][] expected)
    {
        var (pass, at, error) = (new DecodePass(), 0, 0.0);
        foreach (var count in new[] { 40, 20, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 })
        {
            pass.Clear();
            for (var n = at; n < at + count; n++) pass.Add(0, n, ids[n], wanted: n == at + count - 1);
            decoder.Run(pass, TestContext.Current.CancellationToken);
            at += count;
            error = Math.Max(error, TinyModels.RelativeError(decoder.Logits(count - 1), expected[at - 1]));
            Assert.Equal(LogitRow.MostLikely(decoder.Logits(count - 1)).Logit, decoder.MostLikely(count - 1).Logit);
        }
        return error;
    }

    private static Tensor Drawn(long[] shape, ScalarType type, int seed)
    {
        using var random = new TorchSharp.torch.Generator((ulong)seed);
        return randn(shape, ScalarType.Float32, generator: random).to(type);
    }

    private static bool Same(Tensor a, Tensor b)
    {
        using var equal = a.eq(b);
        using var all = equal.all();
        return all.item<bool>();
    }

    private static Tensor Detached(Func<Tensor> make)
    {
        using var scope = NewDisposeScope();
        return make().DetachFromDisposeScope();
    }

    private static void Require() => Assert.SkipUnless(cuda_is_available() && cuda.device_count() >= Gpus
        && CudaDevice.Get(0).Reaches(1), $"{Gpus} GPUs that reach each other's memory are needed");
}
