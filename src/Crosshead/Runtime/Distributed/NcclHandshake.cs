namespace Crosshead.Runtime.Distributed;

/// <summary>What ranks tell each other before NCCL connects them, so that all refuse for the same reason.</summary>
/// <param name="Version">NCCL's version as it encodes it; 0 where there is none.</param>
/// <param name="Gpu">The GPU's identity.</param>
internal readonly record struct NcclHandshake(int Version, Guid Gpu)
{
    /// <summary>Gathers what all ranks tell; every rank must call it.</summary>
    /// <exception cref="CrossheadException">NCCL cannot connect these ranks.</exception>
    public void Exchange(ICommunicator ranks) => Check(ranks.AllGather(this));

    /// <summary>Refuses ranks that NCCL cannot connect.</summary>
    /// <param name="ranks">What each rank told.</param>
    /// <exception cref="CrossheadException">NCCL is missing, old, or differs; or two ranks have one GPU.</exception>
    public static void Check(ReadOnlySpan<NcclHandshake> ranks)
    {
        for (var rank = 0; rank < ranks.Length; rank++)
        {
            var (version, gpu) = ranks[rank];
            if (version == 0)
                throw new CrossheadException($"rank {rank} has no NCCL: its libtorch came without {Nccl.SoName}; set "
                    + $"{LibTorch.PathVariable} to the torch/lib folder of a PyTorch with CUDA, or use "
                    + $"{MessageTerm.Device} cpu.");
            if (version < Nccl.OldestVersion)
                throw new CrossheadException($"rank {rank} has NCCL {Nccl.Text(version)}; it must be "
                    + $"{Nccl.Text(Nccl.OldestVersion)} or newer: install a newer PyTorch, or use "
                    + $"{MessageTerm.Device} cpu.");
            if (version != ranks[0].Version)
                throw new CrossheadException($"rank 0 has NCCL {Nccl.Text(ranks[0].Version)} and rank {rank} has "
                    + $"{Nccl.Text(version)}; give all ranks the same PyTorch.");
            for (var other = 0; other < rank; other++)
                if (ranks[other].Gpu == gpu)
                    throw new CrossheadException($"ranks {other} and {rank} have the same GPU ({gpu}); start no more "
                        + $"ranks on a host than it has GPUs, and let each see another one or all of them.");
        }
    }
}
