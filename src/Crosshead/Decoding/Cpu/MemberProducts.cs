using Crosshead.Runtime;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// What a member of a team multiplies weights by, and room of its own for products, which it adds up or rounds while
/// they lie in its first cache.
/// </summary>
/// <param name="coarsest">The coarsest numbers that inputs may be rounded to.</param>
/// <param name="outputs">Most outputs of a matrix.</param>
internal sealed unsafe class MemberProducts(ActivationType coarsest, int outputs) : IDisposable
{
    // Of many rows, 8 KiB for each of two matrices. Of a single row there is room for all outputs.
    private readonly Rows _results = new(2, Math.Max(outputs, StackedMatrix.GroupRows * PassBlock.MaxRows));

    /// <summary>The inputs.</summary>
    public ProductInput Input { get; } = new(coarsest);

    /// <summary>Groups of outputs that there is room for.</summary>
    /// <param name="rows">Number of inputs.</param>
    public int GroupsFor(int rows) => Math.Max(1, _results.Width / (rows * StackedMatrix.GroupRows));

    /// <summary>Multiplies groups of outputs by the inputs.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="first">The first group.</param>
    /// <param name="end">The group after the last; at most <see cref="GroupsFor"/> groups.</param>
    /// <param name="place">Where the products go: 0 or 1.</param>
    public ResultTile Multiply(StackedMatrix matrix, int first, int end, int place = 0)
    {
        var (start, length) = matrix.OutputsOf(first, end);
        var tile = new ResultTile(_results[place], Panel.Round(length), start, length);
        matrix.Multiply(first, end, Input, tile[0] - start, tile.Stride);
        for (var row = 0; length < tile.Stride && row < Input.Count; row++)
            new Span<float>(tile[row] + length, tile.Stride - length).Clear();
        return tile;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _results.Dispose();
        Input.Dispose();
    }
}
