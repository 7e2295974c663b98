using System.Diagnostics;
using System.Runtime.CompilerServices;
using Crosshead.Runtime;

namespace Crosshead.Weights;

/// <summary>
/// Looks for weights that are NaN or infinite, on threads of its own beside what its maker does meanwhile. Of a mapped
/// file it is the first that touches the pages, and that takes longer than reading them; where that is slow, it copies
/// the bytes instead.
/// </summary>
internal sealed unsafe class FiniteCheck
{
    private const long PieceBytes = 4 << 20;
    private const int CopiedBytes = 256 << 10; // at once, in the second cache

    private readonly KeyValuePair<string, WeightMatrix>[] _matrices;
    private readonly List<Piece> _pieces = [];
    private readonly long[] _counts;
    private readonly Thread[] _threads;
    private int _next;

    private FiniteCheck(KeyValuePair<string, WeightMatrix>[] matrices)
    {
        (_matrices, _counts) = (matrices, new long[matrices.Length]);
        for (var i = 0; i < matrices.Length; i++)
        {
            var matrix = matrices[i].Value;
            var rows = Math.Max(1, PieceBytes / matrix.Stride);
            for (var first = 0L; first < matrix.Rows; first += rows)
                _pieces.Add(new(i, first, Math.Min(rows, matrix.Rows - first)));
        }
        _threads = new Thread[Math.Clamp(_pieces.Count - 1, 0, ComputeThreads.Count - 1)];
    }

    /// <summary>How many weights of a matrix are NaN or infinite.</summary>
    public static long Count(WeightMatrix matrix) => Begin([new("", matrix)]).End().GetValueOrDefault("");

    /// <summary>Begins to look at matrices.</summary>
    /// <param name="matrices">The matrices with a name each, which several may share. They must not be disposed before
    /// the end.</param>
    public static FiniteCheck Begin(KeyValuePair<string, WeightMatrix>[] matrices)
    {
        var check = new FiniteCheck(matrices);
        for (var i = 0; i < check._threads.Length; i++)
        {
            check._threads[i] = new Thread(check.Work) { IsBackground = true };
            check._threads[i].Start();
        }
        return check;
    }

    /// <summary>Helps to look at what is left, and waits for the end.</summary>
    /// <returns>How many weights are NaN or infinite, by the name of their matrices, where there are any.</returns>
    public Dictionary<string, long> End()
    {
        Work();
        foreach (var thread in _threads) thread.Join();
        var counts = new Dictionary<string, long>();
        for (var i = 0; i < _counts.Length; i++)
            if (_counts[i] > 0) counts[_matrices[i].Key] = counts.GetValueOrDefault(_matrices[i].Key) + _counts[i];
        return counts;
    }

    /// <summary>Ends without looking at what is left.</summary>
    public void Stop()
    {
        Volatile.Write(ref _next, _pieces.Count);
        foreach (var thread in _threads) thread.Join();
    }

    [SkipLocalsInit] // nothing is read before it was written
    private void Work()
    {
        var buffer = stackalloc byte[CopiedBytes];
        for (int i; (i = Interlocked.Increment(ref _next) - 1) < _pieces.Count;)
        {
            var (matrix, first, rows) = _pieces[i];
            var count = Count(_matrices[matrix].Value, first, rows, buffer);
            if (count > 0) Interlocked.Add(ref _counts[matrix], count);
        }
    }

    // Rows as they lie: which of them comes first does not matter.
    private static long Count(WeightMatrix matrix, long first, long rows, byte* buffer)
    {
        var began = Stopwatch.GetTimestamp();
        var most = CopiedBytes / matrix.Stride;
        if (most > 0 && matrix.IsReadOnce)
        {
            var copied = 0L;
            for (long run, row = first; row < first + rows; row += run)
            {
                run = Math.Min(most, first + rows - row);
                copied += NonFiniteWeights.Count(matrix, matrix.ReadOnce(row, run, buffer), run);
            }
            matrix.Touch.NoteCopy(rows * matrix.Stride, began);
            return copied;
        }
        matrix.Populate(first, rows);
        var count = NonFiniteWeights.Count(matrix, matrix.Data + (first * matrix.Stride), rows);
        matrix.Touch.NoteTouch(rows * matrix.Stride, began);
        return count;
    }

    private sealed record Piece(int Matrix, long First, long Rows);
}
