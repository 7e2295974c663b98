namespace Crosshead.Runtime.Cuda;

/// <summary>
/// Makes a context current on this thread while the scope lasts. A thread without a context keeps it afterwards. A
/// thread with another device's context gets that context back, because libtorch finds its current device by it.
/// </summary>
internal readonly ref struct CudaContextScope
{
    private readonly nint _previous;

    /// <summary>Makes <paramref name="context"/> current.</summary>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public CudaContextScope(nint context)
    {
        CudaDriver.Check(CudaDriver.GetCurrentContext(out var current), "asking for the current CUDA context");
        if (current == context) return;
        CudaDriver.Check(CudaDriver.SetCurrentContext(context), "making a CUDA context current");
        _previous = current;
    }

    /// <summary>Gives the thread its former context back.</summary>
    public void Dispose()
    {
        if (_previous != 0)
            CudaDriver.Check(CudaDriver.SetCurrentContext(_previous), "making the former CUDA context current");
    }
}
