namespace Crosshead.Text.Grammars;

/// <summary>
/// A form that a text must have, as an automaton over bytes. It is compiled once, and any number of texts can be
/// checked against it from several threads. Its states are found as texts need them, and a bounded number is kept.
/// </summary>
/// <remarks>
/// Texts are followed byte by byte with a set of readings: a state within a rule and the rules around it. A reading is
/// kept only if it can be completed, so a text that has a state is always the beginning of a text that fits.
/// </remarks>
public sealed partial class Grammar
{
    private readonly Lock _lock = new();
    private readonly byte[] _classes = new byte[256];
    private readonly GrammarTable _table;
    private readonly Dictionary<(int State, int Outer), GrammarFrame> _frames = [];
    private readonly Dictionary<GrammarState, GrammarState> _states;
    private int _number;
    private int _kept;

    internal Grammar(GrammarBuilder builder, int rule)
    {
        _table = new GrammarTable(builder, _classes);
        _states = new Dictionary<GrammarState, GrammarState>(new SameReadings());
        Dead = new GrammarState(this, [], false);
        if (!_table.IsPossible(_table.BeginOf(rule), 0))
            throw new CrossheadException("no answer fits the grammar: it has no end, or asks for what it forbids; "
                + "correct it.");
        lock (_lock) Begin = Complete([(_table.BeginOf(rule), null)]);
    }

    /// <summary>Number of states of the compiled automaton.</summary>
    public int Size => _table.States;

    /// <summary>The state of an empty text.</summary>
    internal GrammarState Begin { get; }

    /// <summary>Stands for texts that do not fit.</summary>
    internal GrammarState Dead { get; }

    /// <summary>Number of classes of bytes. The grammar treats all bytes of a class alike.</summary>
    internal int Classes => _table.Classes;

    /// <summary>Number of states that were found so far; only grows.</summary>
    internal long Found { get; private set; }

    /// <summary>Whether a text fits.</summary>
    /// <param name="text">The text.</param>
    public bool Accepts(string text) =>
        Begin.Next(System.Text.Encoding.UTF8.GetBytes(text)) is { MayEnd: true };

    internal int ClassOf(byte value) => _classes[value];

    internal GrammarState Step(GrammarState state, int kind)
    {
        lock (_lock)
        {
            var reached = new List<(int State, GrammarFrame? Outer)>();
            foreach (var reading in state.Readings)
                foreach (var to in _table.Steps(reading.State, kind)) reached.Add((to, reading.Outer));
            return reached.Count == 0 ? Dead : Complete(reached);
        }
    }

    // Follows the steps that need no byte, and keeps the readings that wait for one.
    private GrammarState Complete(List<(int State, GrammarFrame? Outer)> open)
    {
        var seen = new HashSet<(int, GrammarFrame?)>();
        var readings = new List<GrammarFrame>();
        var mayEnd = false;
        for (var i = 0; i < open.Count && i < 64 * GrammarLimits.Readings; i++)
        {
            var (state, outer) = open[i];
            if (!_table.IsPossible(state, outer?.Depth ?? 0) || !seen.Add((state, outer))) continue;
            if (_table.IsEnd(state))
            {
                if (outer is null) mayEnd = true;
                else open.Add((outer.State, outer.Outer));
            }
            if (_table.HasSteps(state) && readings.Count < GrammarLimits.Readings)
                readings.Add(Frame(state, outer));
            foreach (var to in _table.Jumps(state)) open.Add((to, outer));
            foreach (var (begin, to) in _table.Calls(state))
            {
                // A call at the end of a rule needs no frame: it ends with the rule it calls.
                var inner = _table.IsLast(to) ? outer : Frame(to, outer);
                if (inner == outer || _table.IsPossible(to, outer?.Depth ?? 0)) open.Add((begin, inner));
            }
        }
        if (readings.Count == 0 && !mayEnd) return Dead;
        readings.Sort((a, b) => a.Number.CompareTo(b.Number));
        var found = new GrammarState(this, [.. readings], mayEnd);
        if (_states.TryGetValue(found, out var known)) return known;
        _kept += Classes + readings.Count;
        if (_kept + 4 * _frames.Count > GrammarLimits.Kept) Forget();
        _states.Add(found, found);
        Found++;
        return found;
    }

    private GrammarFrame Frame(int state, GrammarFrame? outer)
    {
        var key = (state, outer?.Number ?? -1);
        if (!_frames.TryGetValue(key, out var frame))
            _frames.Add(key, frame = new GrammarFrame(_number++, state, outer,
                (outer?.Depth ?? 0) + (_table.Nests(state) ? 1 : 0)));
        return frame;
    }

    private void Forget()
    {
        foreach (var state in _states.Keys) state.Forget();
        _states.Clear();
        _frames.Clear();
        _kept = 0;
    }

    private sealed class SameReadings : IEqualityComparer<GrammarState>
    {
        public bool Equals(GrammarState? a, GrammarState? b) =>
            a!.MayEnd == b!.MayEnd && a.Readings.AsSpan().SequenceEqual(b.Readings);

        public int GetHashCode(GrammarState state)
        {
            var hash = new HashCode();
            hash.Add(state.MayEnd);
            foreach (var reading in state.Readings) hash.Add(reading.Number);
            return hash.ToHashCode();
        }
    }
}
