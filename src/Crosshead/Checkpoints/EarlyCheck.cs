using Crosshead.Weights;

namespace Crosshead.Checkpoints;

/// <summary>
/// Looks for weights that are not finite where they lie in files, from the time when the files are open. Which of them
/// the model has is known only later; the others do not count.
/// </summary>
internal sealed class EarlyCheck : IDisposable
{
    private readonly Dictionary<string, WeightMatrix> _matrices = [];
    private readonly HashSet<string> _used = [];
    private FiniteCheck? _check;

    /// <summary>Begins, on threads of its own.</summary>
    /// <param name="look">How the weights are looked at.</param>
    /// <param name="matrices">The weights by name, which this object disposes. They are made only if they are looked
    /// at.</param>
    public void Begin(FirstLook look, IEnumerable<KeyValuePair<string, WeightMatrix>> matrices)
    {
        if (look == FirstLook.None) return;
        foreach (var (name, matrix) in matrices) _matrices.Add(name, matrix);
        if (look == FirstLook.InMap)
            foreach (var matrix in _matrices.Values) matrix.Touch.EndCopies();
        _check = FiniteCheck.Begin([.. _matrices]);
    }

    /// <summary>Says that the model has a weight.</summary>
    /// <returns>Whether it is looked at here.</returns>
    public bool Covers(string name)
    {
        if (!_matrices.ContainsKey(name)) return false;
        _used.Add(name);
        return true;
    }

    /// <summary>Waits until all was looked at.</summary>
    /// <returns>How many numbers are NaN or infinite, by weight, where the model has it and there are any.</returns>
    public IEnumerable<KeyValuePair<string, long>> End() =>
        (_check?.End() ?? []).Where(c => _used.Contains(c.Key));

    /// <inheritdoc/>
    public void Dispose()
    {
        _check?.Stop();
        foreach (var matrix in _matrices.Values) matrix.Dispose();
    }
}
