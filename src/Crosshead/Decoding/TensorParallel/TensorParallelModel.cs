using Crosshead.Attention.Caches;
using Crosshead.Kernels.PeerSums;
using Crosshead.Model;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Decoding.TensorParallel;

/// <summary>
/// A model for inference that GPUs of this machine share out: each has a part of its heads and inner widths, and a
/// thread of this process. All compute the same tokens. Each layer sums twice what they have.
/// </summary>
public sealed class TensorParallelModel : IDisposable
{
    private readonly LanguageModel[] _parts;
    private readonly RankThreads _threads;
    private readonly RankMeeting _meeting;
    private readonly PeerMemory? _peers;
    private string? _failure;

    /// <summary>Makes the parts, each on the thread of its rank.</summary>
    /// <param name="shape">Shape of the whole model, validated.</param>
    /// <param name="ranks">The ranks.</param>
    /// <param name="meeting">Where they meet.</param>
    /// <param name="peers">Memory of their devices; null on the CPU.</param>
    /// <param name="make">Makes a frozen part.</param>
    internal TensorParallelModel(ModelOptions shape, IReadOnlyList<ITensorRanks> ranks, RankMeeting meeting,
        PeerMemory? peers, Func<ModelPart, LanguageModel> make)
    {
        (_parts, _meeting, _peers) = (new LanguageModel[ranks.Count], meeting, peers);
        _threads = new RankThreads(ranks.Count);
        try
        {
            _threads.Run(rank => _parts[rank] = make(new ModelPart(shape, ranks[rank])));
        }
        catch
        {
            Dispose();
            throw;
        }
        _threads.Failed = GiveUp;
    }

    /// <summary>Number of ranks.</summary>
    public int Ranks => _parts.Length;

    /// <summary>The part of each rank. They compute nothing alone.</summary>
    public IReadOnlyList<LanguageModel> Parts => _parts;

    /// <summary>
    /// Checks, before weights are read, that so many GPUs of this machine can share a model out.
    /// </summary>
    /// <param name="shape">Shape of the model, validated.</param>
    /// <param name="ranks">Number of GPUs; 1 for a model that is not shared out, which every device can have.</param>
    /// <param name="device">Device of the first one.</param>
    /// <param name="type">Precision of the computation.</param>
    /// <exception cref="CrossheadException">They cannot; the message says why.</exception>
    public static void Check(ModelOptions shape, int ranks, Device device, ScalarType type)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(device);
        if (ranks == 1) return;
        if (device.type != DeviceType.CUDA)
            throw new CrossheadException($"{MessageTerm.TensorParallel} ({ranks}) shares a model out to GPUs, and the "
                + $"device is {device}; use {MessageTerm.Device} cuda, or leave it out.");
        var (first, count) = (Math.Max(device.index, 0), cuda.device_count());
        if (first + ranks > count)
            throw new CrossheadException($"{MessageTerm.TensorParallel} ({ranks}) needs cuda:{first} to "
                + $"cuda:{first + ranks - 1}, and this machine has {count} CUDA device(s); use at most "
                + $"{count - first}.");
        if (type is not (ScalarType.BFloat16 or ScalarType.Float32))
            throw new CrossheadException($"{MessageTerm.TensorParallel} ({ranks}) computes in bfloat16 or float32, not "
                + $"in {Precision.NameOf(type)}; choose another {MessageTerm.Dtype}.");
        shape.PartOf(ranks).Validate();
    }

    /// <summary>Bytes that decoding keeps of each token on each of the GPUs that share a model out.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="ranks">Number of GPUs.</param>
    /// <param name="format">How the cache keeps numbers.</param>
    /// <exception cref="CrossheadException">The model cannot be shared out among so many.</exception>
    public static long CacheBytesPerToken(ModelOptions shape, int ranks, CacheFormat format)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return (ranks == 1 ? shape : shape.PartOf(ranks)).CacheBytesPerToken(format);
    }

    /// <summary>Shares a model out to GPUs that follow each other.</summary>
    /// <param name="shape">Shape of the model, which <see cref="Check"/> has accepted.</param>
    /// <param name="ranks">Number of GPUs.</param>
    /// <param name="device">Device of the first one.</param>
    /// <param name="make">Makes a frozen part on a device, on the thread of its rank.</param>
    /// <exception cref="CrossheadException">A GPU does not reach another's memory, or a part could not be
    /// made.</exception>
    internal static TensorParallelModel Of(ModelOptions shape, int ranks, Device device,
        Func<ModelPart, Device, LanguageModel> make)
    {
        int[] devices = [.. Enumerable.Range(Math.Max(device.index, 0), ranks)];
        var (peers, meeting) = (PeerMemory.Open(devices), new RankMeeting(ranks));
        ITensorRanks[] all = [.. devices.Select((device, rank) => new DeviceRanks(peers, meeting, rank, device))];
        return new TensorParallelModel(shape, all, meeting, peers,
            part => make(part, new Device($"cuda:{devices[part.Ranks.Rank]}")));
    }

    /// <summary>Does some work on all ranks at once.</summary>
    /// <param name="work">What a rank does; the same sums in the same order on all ranks.</param>
    /// <exception cref="CrossheadException">A rank failed. The others cannot go on without it, and nothing can be
    /// computed from then on.</exception>
    internal void Run(Action<int> work)
    {
        if (_failure is not null) throw new CrossheadException(_failure);
        try
        {
            _threads.Run(work);
        }
        catch (Exception e) when (_failure is null)
        {
            _failure = $"one of {Ranks} GPUs that share the model out has failed: {e.Message}";
            throw new CrossheadException(_failure, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _threads.Dispose();
        foreach (var part in _parts) part?.Dispose();
        _peers?.Dispose();
    }

    private void GiveUp()
    {
        _peers?.GiveUp();
        _meeting.GiveUp();
    }
}
