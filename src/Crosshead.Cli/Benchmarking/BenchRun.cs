using Crosshead.Attention.Caches;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using static TorchSharp.torch;

namespace Crosshead.Cli.Benchmarking;

/// <summary>How the cases of one run are timed.</summary>
/// <param name="Device">The device.</param>
/// <param name="Type">The precision.</param>
/// <param name="Batch">Sequences per batch.</param>
/// <param name="Seconds">Seconds to spend on each case.</param>
internal sealed record BenchRun(Device Device, ScalarType Type, int Batch, double Seconds)
{
    private const int FewestRepetitions = 5;

    /// <summary>How decoding keeps tokens.</summary>
    public CacheOptions Cache { get; init; } = new();

    /// <summary>The coarsest numbers that the CPU rounds activations to.</summary>
    public ActivationType Activations { get; init; } = ActivationTypes.Usual;

    /// <summary>The ranks that are timed together.</summary>
    public ICommunicator Communicator { get; init; } = Alone.Instance;

    /// <summary>Stops between repetitions.</summary>
    public CancellationToken Cancel { get; init; }

    /// <summary>Times an action on the device of the run.</summary>
    public Timing Time(Action action) =>
        Timing.Of(action, Ceilings.Wait(Device), Seconds, FewestRepetitions, Cancel, AsRank0);

    /// <summary>Times an action that measures its own time in seconds.</summary>
    public Timing Time(Func<double> timed) => Timing.Of(timed, Seconds, FewestRepetitions, Cancel);

    // All ranks repeat as often as rank 0.
    private bool AsRank0(bool own) => Communicator.AllGather(own)[0];

    /// <summary>Random tokens [batch, length] of a vocabulary, on the device.</summary>
    public Tensor Tokens(long length, long vocabulary) =>
        randint(0, vocabulary, [Batch, length], ScalarType.Int64, Device);
}
