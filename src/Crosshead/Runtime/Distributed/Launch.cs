namespace Crosshead.Runtime.Distributed;

/// <summary>Makes the communicator of this process.</summary>
public static class Launch
{
    /// <summary>
    /// The ranks that a launcher started together with this process; otherwise <see cref="Alone"/>. All ranks must call
    /// it, once.
    /// </summary>
    /// <param name="tell">Takes the last line of a run that hangs, on any thread, before its processes end.</param>
    /// <exception cref="CrossheadException">The launcher's MPI library is missing, or does not fit it; or the ranks
    /// cannot meet.</exception>
    public static ICommunicator Start(Action<string> tell) =>
        Launcher.OfThisProcess is { } launcher
            ? new MessageCommunicator(launcher.Meeting is { } meeting ? SocketMessages.Start(launcher, meeting)
                : MpiLibrary.Start(launcher), tell)
            : Alone.Instance;
}
