namespace Crosshead.Runtime.Distributed;

/// <summary>The communicator of a run of one process.</summary>
public sealed class Alone : ICommunicator
{
    private Alone()
    {
    }

    /// <summary>The only one.</summary>
    public static Alone Instance { get; } = new();

    /// <inheritdoc/>
    public string Name => "one process";

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Ranks => 1;

    /// <inheritdoc/>
    public int LocalRank => 0;

    /// <inheritdoc/>
    public int LocalRanks => 1;

    /// <inheritdoc/>
    public string Activity
    {
        get => "";
        set { }
    }

    /// <inheritdoc/>
    public void Barrier()
    {
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> data, int root)
    {
    }

    /// <inheritdoc/>
    public unsafe void AllGather(byte* send, byte* receive, ReadOnlySpan<long> bytes) =>
        Buffer.MemoryCopy(send, receive, bytes[0], bytes[0]);

    /// <inheritdoc/>
    public unsafe void AllToAll(byte* send, ReadOnlySpan<long> sendBytes, byte* receive,
        ReadOnlySpan<long> receiveBytes) => Buffer.MemoryCopy(send, receive, receiveBytes[0], sendBytes[0]);

    /// <inheritdoc/>
    public RankEnding End(RankEnding own) => own;

    /// <inheritdoc/>
    public void Abort(int exitCode) => NativeProcess.Exit(exitCode);

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
