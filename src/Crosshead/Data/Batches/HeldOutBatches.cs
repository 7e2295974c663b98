namespace Crosshead.Data.Batches;

/// <summary>
/// The first windows of a split in their own order, without overlap: the same tokens at every evaluation.
/// </summary>
public sealed class HeldOutBatches
{
    private readonly TokenSplit _split;
    private long _next;

    /// <summary>Starts at the first window.</summary>
    /// <param name="split">Tokens to evaluate on.</param>
    /// <param name="batch">Sequences per batch.</param>
    /// <param name="context">Tokens per sequence.</param>
    /// <param name="most">Maximum number of windows; null for all windows.</param>
    /// <exception cref="CrossheadException">The split is shorter than context + 1 tokens, or a count is below
    /// 1.</exception>
    public HeldOutBatches(TokenSplit split, int batch, int context, long? most = null)
    {
        if (batch < 1) throw new CrossheadException($"batch ({batch}) must be at least 1.");
        if (most < 1) throw new CrossheadException($"held-out windows ({most}) must be at least 1.");
        Windows = Math.Min(split.Windows(context), most ?? long.MaxValue);
        (_split, Batch, Context) = (split, batch, context);
    }

    /// <summary>Sequences per batch; the last batch may have fewer.</summary>
    public int Batch { get; }

    /// <summary>Tokens per sequence.</summary>
    public int Context { get; }

    /// <summary>Windows of one evaluation.</summary>
    public long Windows { get; }

    /// <summary>Fills the next batch; allocates nothing.</summary>
    /// <param name="inputs">Receives ids [rows, context] at its beginning; batch × context long.</param>
    /// <param name="targets">Receives ids [rows, context]: the inputs one token later.</param>
    /// <returns>Number of filled rows, from 1 to batch. 0 after the last window; then it starts again.</returns>
    /// <exception cref="ArgumentException">A span has another length than batch × context.</exception>
    public int Next(Span<long> inputs, Span<long> targets)
    {
        if (inputs.Length != Batch * Context || targets.Length != inputs.Length)
            throw new ArgumentException($"inputs ({inputs.Length}) and targets ({targets.Length}) must have batch × "
                + $"context = {Batch * Context} elements.", nameof(inputs));
        var rows = (int)Math.Min(Batch, Windows - _next);
        for (var row = 0; row < rows; row++)
            _split.ReadWindow(_next + row, Context, inputs.Slice(row * Context, Context),
                targets.Slice(row * Context, Context));
        _next = rows == 0 ? 0 : _next + rows;
        return rows;
    }
}
