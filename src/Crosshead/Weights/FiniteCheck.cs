using Crosshead.Runtime;

namespace Crosshead.Weights;

/// <summary>
/// Looks for weights that are NaN or infinite, on threads of its own beside what its maker does meanwhile. Of a mapped
/// file it is the first that touches the pages, and that takes longer than reading them.
/// </summary>
internal sealed class FiniteCheck
{
    private const long PieceBytes = 4 << 20;

    private readonly IReadOnlyList<WeightMatrix> _matrices;
    private readonly List<Piece> _pieces = [];
    private readonly long[] _counts;
    private readonly Thread[] _threads;
    private int _next;

    private FiniteCheck(IReadOnlyList<WeightMatrix> matrices)
    {
        (_matrices, _counts) = (matrices, new long[matrices.Count]);
        for (var i = 0; i < matrices.Count; i++)
        {
            var rows = Math.Max(1, PieceBytes / matrices[i].Stride);
            for (var first = 0L; first < matrices[i].Rows; first += rows)
                _pieces.Add(new(i, first, Math.Min(rows, matrices[i].Rows - first)));
        }
        _threads = new Thread[Math.Clamp(_pieces.Count - 1, 0, ComputeThreads.Count - 1)];
    }

    /// <summary>How many weights of a matrix are NaN or infinite.</summary>
    public static long Count(WeightMatrix matrix) => Begin([matrix]).End()[0];

    /// <summary>Begins to look at matrices.</summary>
    /// <param name="matrices">The matrices, which must not be disposed before the end.</param>
    public static FiniteCheck Begin(IReadOnlyList<WeightMatrix> matrices)
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
    /// <returns>How many weights of each matrix are NaN or infinite.</returns>
    public IReadOnlyList<long> End()
    {
        Work();
        foreach (var thread in _threads) thread.Join();
        return _counts;
    }

    /// <summary>Ends without looking at what is left.</summary>
    public void Stop()
    {
        Volatile.Write(ref _next, _pieces.Count);
        foreach (var thread in _threads) thread.Join();
    }

    private void Work()
    {
        for (int i; (i = Interlocked.Increment(ref _next) - 1) < _pieces.Count;)
        {
            var (matrix, first, rows) = _pieces[i];
            _matrices[matrix].Populate(first, rows);
            var count = NonFiniteWeights.Count(_matrices[matrix], first, rows);
            if (count > 0) Interlocked.Add(ref _counts[matrix], count);
        }
    }

    private sealed record Piece(int Matrix, long First, long Rows);
}
