using Crosshead.Model;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Rows of the residual stream after a norm, as inputs of products. A few rows are normed by every member of the team
/// for itself: to fetch the results of another would take longer. Many rows are shared out in a phase of their own.
/// </summary>
/// <param name="options">The model.</param>
/// <param name="block">The rows of a pass.</param>
/// <param name="hidden">[row]: the residual stream.</param>
/// <param name="members">Number of threads.</param>
internal sealed unsafe class NormedRows(ModelOptions options, PassBlock block, Rows hidden, int members) : IDisposable
{
    private const int LeastShared = 16, RowsPerPiece = 8, MostPieces = 16;

    private readonly SharedRows _shared = new(PassBlock.MaxRows, options.HiddenSize);
    private readonly Rows[] _own = // [member][row]
        [.. Enumerable.Range(0, members).Select(_ => new Rows(PassBlock.MaxRows, options.HiddenSize))];

    private bool AreShared => block.Count >= LeastShared;

    /// <summary>The phase in which many rows are normed.</summary>
    /// <param name="norm">The norm; null for none.</param>
    /// <param name="center">What the rows are rounded for, as <see cref="StackedMatrix.Center"/>.</param>
    public TeamPhase Phase(NormWeights? norm, int? center) => new(() => AreShared ? block.Count : 0,
        (first, end, member) =>
        {
            for (var row = first; row < end; row++)
            {
                Apply(norm, row, _own[member][0]);
                _shared.Write(_own[member][0], 0, row, 1, new RowGroup(0, block.Count), 0, options.HiddenSize, center);
            }
        },
        Pieces: () => AreShared ? Math.Min(block.Count / RowsPerPiece, MostPieces) : 0);

    /// <summary>Norms a few rows for a member.</summary>
    public void Prepare(NormWeights? norm, int member)
    {
        for (var row = 0; !AreShared && row < block.Count; row++) Apply(norm, row, _own[member][row]);
    }

    /// <summary>
    /// Norms the rows whose logits are wanted for a member, multiplies them by a factor, and puts them side by side.
    /// </summary>
    public void PrepareWanted(NormWeights? norm, double factor, int member)
    {
        for (int row = 0, wanted = 0; row < block.Count; row++)
        {
            if (!block[row].Wanted) continue;
            var own = _own[member][wanted++];
            Apply(norm, row, own);
            if (factor != 1) RowMath.Scale(own, (float)factor, hidden.Width);
        }
    }

    /// <summary>Lets a member multiply weights by the wanted rows.</summary>
    public void GiveWanted(ProductInput input, int member) => input.Take(_own[member], 0, block.Wanted);

    /// <summary>Lets a member multiply weights by some rows.</summary>
    public void Give(ProductInput input, int member, RowGroup rows, int? center)
    {
        if (AreShared) _shared.Give(input, rows, center);
        else input.Take(_own[member], rows.First, rows.Count);
    }

    /// <summary>All rows in float32, which were normed for no center.</summary>
    /// <param name="member">The member that reads them.</param>
    /// <param name="stride">Elements from row to row.</param>
    public float* Numbers(int member, out int stride)
    {
        stride = AreShared ? _shared.Stride : _own[member].Stride;
        return AreShared ? _shared[0] : _own[member][0];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _shared.Dispose();
        foreach (var rows in _own) rows.Dispose();
    }

    private void Apply(NormWeights? norm, int row, float* y)
    {
        if (norm is not null) norm.Apply(hidden[row], y);
        else new ReadOnlySpan<float>(hidden[row], hidden.Width).CopyTo(new Span<float>(y, hidden.Width));
    }
}
