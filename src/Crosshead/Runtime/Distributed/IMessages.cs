namespace Crosshead.Runtime.Distributed;

/// <summary>
/// Messages between pairs of ranks, as MPI has them: those of one tag arrive in the order in which they were sent.
/// One thread at a time may call it.
/// </summary>
internal unsafe interface IMessages
{
    /// <summary>What carries the messages, such as <c>Open MPI 4.1.4</c>.</summary>
    string Name { get; }

    /// <summary>Index of this rank.</summary>
    int Rank { get; }

    /// <summary>Number of ranks.</summary>
    int Ranks { get; }

    /// <summary>Begins to send bytes to a rank; <see cref="Test"/> says when they may be overwritten.</summary>
    nint Send(byte* data, int bytes, int rank, int tag);

    /// <summary>Begins to receive bytes from a rank.</summary>
    nint Receive(byte* data, int bytes, int rank, int tag);

    /// <summary>Whether sending or receiving is done.</summary>
    /// <param name="request">What <see cref="Send"/> or <see cref="Receive"/> returned, not 0; set to 0 when it is
    /// done.</param>
    /// <param name="bytes">How many bytes came; meaningless for sending.</param>
    /// <exception cref="CrossheadException">The rank or the connection to it is lost.</exception>
    bool Test(ref nint request, out int bytes);

    /// <summary>Gives up receiving a message that has not come.</summary>
    void Cancel(ref nint request);

    /// <summary>Ends all ranks at once.</summary>
    void Abort(int exitCode);

    /// <summary>Ends the use of the messages; all ranks must come.</summary>
    void Finish();
}
