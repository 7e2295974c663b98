using System.Runtime.InteropServices;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// A file that rank 0 has opened, and into which every rank writes its parts of tensors. All ranks make the same calls.
/// The file must be on a file system that they share.
/// </summary>
internal sealed class SharedFile(ICommunicator ranks)
{
    private FileStream? _own;
    private string? _failure; // why this rank cannot write

    /// <summary>Writes this rank's part of a tensor. What goes wrong is told at the <see cref="End"/>.</summary>
    /// <param name="stream">On rank 0 the file, at the tensor's first byte; moved behind its last one.</param>
    /// <param name="start">Where the part begins in the tensor, in bytes.</param>
    /// <param name="part">The part, on any device; null for none.</param>
    /// <param name="bytes">Length of the whole tensor.</param>
    public void Write(FileStream? stream, long start, Tensor? part, long bytes)
    {
        var path = ranks.Broadcast(stream?.Name, 0);
        var position = stream?.Position ?? 0;
        ranks.Broadcast(MemoryMarshal.AsBytes(new Span<long>(ref position)), 0);
        if (stream is not null) stream.Position = position + bytes;
        if (part is null || _failure is not null) return;
        try
        {
            _own ??= new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            _own.Position = position + start;
            TensorBytes.Write(_own, part.cpu().contiguous());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _failure = e.Message;
        }
    }

    /// <summary>Waits until the parts of all ranks are on the disk.</summary>
    /// <exception cref="IOException">A rank could not write its parts; thrown on rank 0.</exception>
    public void End()
    {
        try
        {
            _own?.Flush(flushToDisk: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _failure ??= e.Message;
        }
        finally
        {
            _own?.Dispose();
            _own = null;
        }
        var failures = ranks.AllGather(_failure ?? "");
        _failure = null;
        var failed = Array.FindIndex(failures, f => f.Length > 0);
        if (failed >= 0 && ranks.Rank == 0)
            throw new IOException(failed == 0 ? failures[0] : $"rank {failed} of {ranks.Ranks}: {failures[failed]}");
    }
}
