using static TorchSharp.torch;

namespace Crosshead.Runtime.Distributed;

/// <summary>Which device a rank computes on.</summary>
public static class RankDevice
{
    /// <summary>
    /// The device of a name for this rank. Ranks of the same host take <c>cuda:0</c>, <c>cuda:1</c> and so on, unless
    /// each sees one GPU only.
    /// </summary>
    /// <param name="name"><c>auto</c>, <c>cpu</c>, <c>cuda</c>; with one rank on the host also <c>cuda:n</c>.</param>
    /// <param name="ranks">The ranks.</param>
    /// <exception cref="CrossheadException">There is no such device, or the host has fewer GPUs than ranks.</exception>
    public static Device Choose(string name, ICommunicator ranks)
    {
        var device = ComputeDevice.Parse(name);
        if (device.type != TorchSharp.DeviceType.CUDA || ranks.LocalRanks == 1) return device;
        return new Device($"cuda:{Index(name, ranks.LocalRank, ranks.LocalRanks, cuda.device_count())}");
    }

    /// <summary>Number of the GPU of a rank.</summary>
    /// <param name="name">The device's name in the recipe or the options.</param>
    /// <param name="rank">Index of the rank on its host.</param>
    /// <param name="ranks">Ranks on the host.</param>
    /// <param name="gpus">GPUs that this rank sees.</param>
    /// <exception cref="CrossheadException">The name gives all ranks one GPU, or there are too few.</exception>
    internal static int Index(string name, int rank, int ranks, int gpus)
    {
        if (name.Contains(':'))
            throw new CrossheadException($"device \"{name}\" would be the GPU of {ranks} ranks at once; say cuda, and "
                + $"each rank takes a GPU of its own.");
        if (gpus == 1) return 0; // the launcher gives each rank one
        return ranks <= gpus ? rank
            : throw new CrossheadException($"{ranks} ranks were started on a host with {gpus} GPUs; start at most "
                + $"{gpus}, or use {MessageTerm.Device} cpu.");
    }
}
