using System.Diagnostics;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using Crosshead.Runtime.Distributed;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Optimizer;

/// <summary>How fast the GPUs of this process exchange, and whether their sums are those of the CPU.</summary>
/// <param name="Nccl">Version of NCCL.</param>
/// <param name="Gpus">How many GPUs there are.</param>
/// <param name="ApartPairs">The pairs that reach each other's memory only through the host, as <c>0-1</c>.</param>
/// <param name="AllToAllSpeed">Bytes a second that each GPU sends when all send to all.</param>
/// <param name="AllGatherSpeed">Bytes a second that each GPU receives when all gather the parts of all.</param>
/// <param name="SumsAreExact">Whether all GPUs add parts up in order, with the bits of the CPU.</param>
public sealed record GpuExchange(string Nccl, int Gpus, IReadOnlyList<string> ApartPairs, double AllToAllSpeed,
    double AllGatherSpeed, bool SumsAreExact)
{
    private const int Repeats = 20;
    private const long PartBytes = 32 << 20; // for each GPU

    /// <summary>Measures; takes some seconds.</summary>
    /// <returns>Null with fewer than two GPUs.</returns>
    /// <exception cref="CrossheadException">NCCL is missing or old, or it or the driver refused.</exception>
    public static GpuExchange? Measure()
    {
        LibTorch.EnsureLoaded();
        return cuda.device_count() is >= 2 and var gpus ? Of(gpus) : null;
    }

    private static GpuExchange Of(int gpus)
    {
        var nccl = Runtime.Distributed.Nccl.Loaded;
        NcclHandshake.Check([.. Enumerable.Range(0, gpus).Select(gpu =>
            new NcclHandshake(nccl?.Version ?? 0, CudaDevice.Get(gpu).Identity()))]);
        var pairs = from first in Enumerable.Range(0, gpus)
                    from second in Enumerable.Range(first + 1, gpus - first - 1)
                    where !CudaDevice.Get(first).Reaches(second) || !CudaDevice.Get(second).Reaches(first)
                    select $"{first}-{second}";
        using var scope = NewDisposeScope();
        var streams = Enumerable.Range(0, gpus).Select(SideStream.Rent).ToArray();
        var communicators = NcclCommunicator.ConnectAll(nccl!, gpus);
        var memory = Enumerable.Range(0, gpus).Select(gpu =>
            (Send: zeros(gpus * PartBytes, ScalarType.Byte, new Device($"cuda:{gpu}")),
            Receive: zeros(gpus * PartBytes, ScalarType.Byte, new Device($"cuda:{gpu}")))).ToArray();
        var parts = new long[gpus];
        Array.Fill(parts, PartBytes);
        for (var gpu = 0; gpu < gpus; gpu++) cuda.synchronize(new Device($"cuda:{gpu}"));
        var toAll = Speed(gpu => communicators[gpu].AllToAll([.. Enumerable.Range(0, gpus).Select(to =>
            Aten.DataPointer(memory[gpu].Send) + (to * (nint)PartBytes))], parts,
            Aten.DataPointer(memory[gpu].Receive), parts, streams[gpu].Handle));
        var gather = Speed(gpu => communicators[gpu].AllGather(Aten.DataPointer(memory[gpu].Receive), parts,
            streams[gpu].Handle));
        foreach (var communicator in communicators) communicator.Close(tidy: true);
        foreach (var stream in streams) stream.Dispose();
        return new GpuExchange(Runtime.Distributed.Nccl.Text(nccl!.Version), gpus, [.. pairs], toAll, gather,
            Enumerable.Range(0, gpus).All(SumsAreThoseOfTheCpu));

        double Speed(Action<int> exchange)
        {
            All(); // the first time NCCL connects the GPUs
            Finish();
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < Repeats; i++) All();
            Finish();
            return Repeats * (gpus - 1) * PartBytes / watch.Elapsed.TotalSeconds;

            void All()
            {
                nccl!.BeginGroup();
                for (var gpu = 0; gpu < gpus; gpu++) exchange(gpu);
                nccl.EndGroup();
            }
        }

        void Finish()
        {
            foreach (var stream in streams) stream.Wait();
        }
    }

    private static bool SumsAreThoseOfTheCpu(int gpu)
    {
        using var scope = NewDisposeScope();
        const int ranks = 8, count = 10_000;
        // Parts of very different sizes, so that another order gives other bits.
        var parts = sin(arange(ranks * count, ScalarType.Float32)) * exp2(arange(ranks * count, ScalarType.Float32)
            .remainder(23));
        var (here, there) = (zeros(count), zeros(count, device: new Device($"cuda:{gpu}")));
        OrderedSum.Add(parts, here, fresh: true);
        OrderedSum.Add(parts.to(there.device), there, fresh: true);
        return here.equal(there.cpu()).all().item<bool>();
    }
}
