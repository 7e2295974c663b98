namespace Crosshead.Runtime.Cuda;

/// <summary>
/// The streams that libtorch queues its work on: a kernel launched there runs in order with libtorch's own.
/// </summary>
internal static class CudaStream
{
    /// <summary>Whether what a stream is given is captured, and does not run.</summary>
    /// <param name="stream">A stream of the current context.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public static bool IsCapturing(nint stream)
    {
        CudaDriver.Check(CudaDriver.GetCapture(stream, out var status), "asking whether a CUDA stream is captured");
        return status != 0;
    }

    /// <summary>
    /// libtorch's current stream of device <paramref name="device"/> on this thread; 0 is the default stream.
    /// </summary>
    /// <exception cref="CrossheadException">This libtorch has no CUDA.</exception>
    /// <exception cref="LibTorchException">There is no such device.</exception>
    public static nint Current(int device)
    {
        LibTorch.EnsureLoaded();
        if (LibTorch.CudaLibrary == 0)
            throw new CrossheadException($"this libtorch has no CUDA ({LibTorch.Folder}); set {LibTorch.PathVariable} "
                + $"to the torch/lib folder of a PyTorch with CUDA, or use {MessageTerm.Device} cpu.");
        return Native.GetCurrentCudaStream(device, out var stream) == 0
            ? stream
            : throw new LibTorchException($"libtorch has no stream for device cuda:{device}.");
    }
}
