namespace Crosshead.Data.Batches;

/// <summary>
/// Batches for training. The split is cut into windows of context + 1 tokens. Each window starts at the last target of
/// the previous window, so an epoch predicts every token once. Each epoch has another seeded order, which is the same
/// on every machine. A batch may end one epoch and begin the next. For use from one thread.
/// </summary>
public sealed class BatchSampler
{
    private readonly TokenSplit _split;
    private readonly ulong _seed;
    private WindowPermutation _order;
    private long _epoch, _index;

    /// <summary>Starts at the first batch.</summary>
    /// <param name="split">Tokens to draw from.</param>
    /// <param name="batch">Sequences per batch.</param>
    /// <param name="context">Tokens per sequence.</param>
    /// <param name="seed">Chooses the order.</param>
    /// <exception cref="CrossheadException">The split is shorter than context + 1 tokens, or the batch is
    /// empty.</exception>
    public BatchSampler(TokenSplit split, int batch, int context, long seed)
    {
        if (batch < 1) throw new CrossheadException($"batch ({batch}) must be at least 1.");
        Windows = split.Windows(context);
        (_split, Batch, Context, _seed) = (split, batch, context, (ulong)seed);
        _order = new WindowPermutation(Windows, _seed, 0);
    }

    /// <summary>Sequences per batch.</summary>
    public int Batch { get; }

    /// <summary>Tokens per sequence.</summary>
    public int Context { get; }

    /// <summary>Windows per epoch.</summary>
    public long Windows { get; }

    /// <summary>The position of the next batch; set it to continue from there.</summary>
    /// <exception cref="CrossheadException">The position does not exist in this data set.</exception>
    public BatchPosition Position
    {
        get => new(_epoch, _index);
        set
        {
            if (value.Epoch < 0 || value.Epoch >= long.MaxValue / Windows || value.Index < 0 || value.Index >= Windows)
                throw new CrossheadException(
                    $"the position in the data (epoch {value.Epoch}, window {value.Index}) is beyond its {Windows} "
                    + $"windows; resume with the data and the context that the run was started with.");
            (_epoch, _index) = (value.Epoch, value.Index);
            _order = new WindowPermutation(Windows, _seed, _epoch);
        }
    }

    /// <summary>Fills the next batch; allocates nothing.</summary>
    /// <param name="inputs">Receives ids [batch, context], row after row.</param>
    /// <param name="targets">Receives ids [batch, context]: the inputs one token later.</param>
    /// <exception cref="ArgumentException">A span has another length than batch × context.</exception>
    public void Next(Span<long> inputs, Span<long> targets)
    {
        if (inputs.Length != Batch * Context || targets.Length != inputs.Length)
            throw new ArgumentException($"inputs ({inputs.Length}) and targets ({targets.Length}) must have batch × "
                + $"context = {Batch * Context} elements.", nameof(inputs));
        for (var row = 0; row < Batch; row++)
        {
            _split.ReadWindow(_order[_index], Context, inputs.Slice(row * Context, Context),
                targets.Slice(row * Context, Context));
            Advance();
        }
    }

    /// <summary>Passes over the next batch without reading it.</summary>
    public void Skip()
    {
        for (var row = 0; row < Batch; row++) Advance();
    }

    private void Advance()
    {
        if (++_index < Windows) return;
        (_epoch, _index) = (_epoch + 1, 0);
        _order = new WindowPermutation(Windows, _seed, _epoch);
    }
}
