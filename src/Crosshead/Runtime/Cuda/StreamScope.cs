namespace Crosshead.Runtime.Cuda;

/// <summary>Makes a stream libtorch's current one on this thread while the scope lasts.</summary>
internal readonly ref struct StreamScope
{
    private readonly nint _guard;

    /// <summary>Makes <paramref name="stream"/> current.</summary>
    /// <exception cref="LibTorchException">libtorch refused.</exception>
    public StreamScope(nint stream, int device)
    {
        if (Native.NewStreamGuard(stream, device, out _guard) != 0)
            throw new LibTorchException($"libtorch does not take a stream of device cuda:{device}.");
    }

    /// <summary>Makes the former stream current again.</summary>
    public void Dispose() => _ = Native.DeleteStreamGuard(_guard);
}
