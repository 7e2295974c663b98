using System.Runtime.ExceptionServices;
using System.Text.Json.Nodes;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Training.Runs;

/// <summary>A rank's micro-batches of each step, which can be read while the device computes the step before.</summary>
/// <param name="data">Where they come from.</param>
/// <param name="device">Where they go.</param>
/// <param name="ranks">The ranks: micro-batch i of a step is that of rank i mod N.</param>
/// <param name="count">Micro-batches of a step on all ranks.</param>
internal sealed class StepBatches(ITrainingData data, Device device, ICommunicator ranks, int count) : IDisposable
{
    private List<TokenBatch>? _ahead;
    private ExceptionDispatchInfo? _failure;

    /// <summary>The place in the data behind the last step that was taken.</summary>
    public JsonNode Position { get; private set; } = data.Position;

    /// <summary>The micro-batches of the next step.</summary>
    public List<TokenBatch> Take()
    {
        _failure?.Throw();
        var batches = _ahead ?? Read();
        (_ahead, Position) = (null, data.Position);
        return batches;
    }

    /// <summary>Reads what <see cref="Take"/> will give, which also tells if that fails: the step before is to end as
    /// ever.</summary>
    public void ReadAhead()
    {
        try
        {
            _ahead = Read();
        }
#pragma warning disable CA1031 // thrown where the batches are taken
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var batch in _ahead ?? []) batch.Dispose();
    }

    private List<TokenBatch> Read()
    {
        var own = new List<TokenBatch>();
        for (var i = 0; i < count; i++)
        {
            if (i % ranks.Ranks == ranks.Rank) own.Add(data.Next(device));
            else data.Skip();
        }
        return own;
    }
}
