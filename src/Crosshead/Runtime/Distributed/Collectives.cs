using System.Runtime.InteropServices;
using System.Text;

namespace Crosshead.Runtime.Distributed;

/// <summary>Exchanges of values and texts, made of those of bytes.</summary>
public static class Collectives
{
    /// <summary>Gives every rank the values of all, in the order of the ranks.</summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="value">This rank's value.</param>
    /// <typeparam name="T">A number, or a structure of numbers.</typeparam>
    public static T[] AllGather<T>(this ICommunicator communicator, T value) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(communicator);
        var bytes = AllGather(communicator, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));
        return [.. bytes.Select(b => MemoryMarshal.Read<T>(b))];
    }

    /// <summary>Gives every rank the values of all, those of one rank after those of the ranks before it.</summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="values">This rank's values, as many as it has.</param>
    /// <typeparam name="T">A number, or a structure of numbers.</typeparam>
    public static T[] AllGather<T>(this ICommunicator communicator, ReadOnlySpan<T> values) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(communicator);
        var bytes = MemoryMarshal.AsBytes(values);
        var parts = AllGather(communicator, bytes, communicator.AllGather((long)bytes.Length));
        return [.. parts.SelectMany(p => MemoryMarshal.Cast<byte, T>(p).ToArray())];
    }

    /// <summary>Stops all ranks at the same place, if one of them is to stop.</summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="cancellation">Whether this rank is to stop.</param>
    /// <exception cref="OperationCanceledException">A rank is to stop; thrown on all.</exception>
    public static void ThrowIfCancelled(this ICommunicator communicator, CancellationToken cancellation)
    {
        if (communicator.AllGather(cancellation.IsCancellationRequested).Contains(true))
            throw new OperationCanceledException(cancellation);
    }

    /// <summary>Gives every rank the texts of all, in the order of the ranks.</summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="text">This rank's text, of any length.</param>
    public static string[] AllGather(this ICommunicator communicator, string text)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        var bytes = Encoding.UTF8.GetBytes(text);
        var lengths = communicator.AllGather(bytes.LongLength);
        return [.. AllGather(communicator, bytes, lengths).Select(Encoding.UTF8.GetString)];
    }

    /// <summary>Gives every rank the text of one.</summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="text">The text; only that of <paramref name="root"/> counts.</param>
    /// <param name="root">The rank that has it.</param>
    public static string Broadcast(this ICommunicator communicator, string? text, int root)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        var bytes = communicator.Rank == root ? Encoding.UTF8.GetBytes(text ?? "") : [];
        var length = bytes.Length;
        communicator.Broadcast(MemoryMarshal.AsBytes(new Span<int>(ref length)), root);
        if (communicator.Rank != root) bytes = new byte[length];
        communicator.Broadcast(bytes, root);
        return Encoding.UTF8.GetString(bytes);
    }

    private static byte[][] AllGather(ICommunicator communicator, ReadOnlySpan<byte> own)
    {
        var lengths = new long[communicator.Ranks];
        Array.Fill(lengths, own.Length);
        return AllGather(communicator, own, lengths);
    }

    private static unsafe byte[][] AllGather(ICommunicator communicator, ReadOnlySpan<byte> own,
        ReadOnlySpan<long> lengths)
    {
        var total = 0L;
        foreach (var length in lengths) total += length;
        var all = new byte[total];
        fixed (byte* send = own)
        fixed (byte* receive = all)
            communicator.AllGather(send, receive, lengths);
        var parts = new byte[communicator.Ranks][];
        var start = 0;
        for (var rank = 0; rank < parts.Length; rank++)
        {
            parts[rank] = all[start..(start + (int)lengths[rank])];
            start += (int)lengths[rank];
        }
        return parts;
    }
}
