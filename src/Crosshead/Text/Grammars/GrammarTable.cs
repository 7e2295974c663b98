namespace Crosshead.Text.Grammars;

/// <summary>The steps of an automaton, ordered by the state that they lead from.</summary>
internal sealed class GrammarTable
{
    private const int Never = int.MaxValue / 2;

    private readonly GrammarBuilder _builder;
    private readonly int[][] _jumps;
    private readonly (int Low, int High, int To)[][] _steps;
    private readonly (int Begin, int To)[][] _calls;
    private readonly bool[] _ends;
    private readonly bool[] _last;
    private readonly int[] _depths; // JSON depth that a state needs to be completed, with its own rule

    /// <summary>Orders the steps, and fills in the class of each byte.</summary>
    public GrammarTable(GrammarBuilder builder, byte[] classes)
    {
        _builder = builder;
        States = builder.RuleOfState.Count;
        Classes = Classify(builder, classes);
        _jumps = Ordered(builder.Jumps, jump => jump.From, jump => jump.To);
        _steps = Ordered(builder.Ranges, range => range.From,
            range => ((int)classes[range.Low], (int)classes[range.High], range.To));
        _calls = Ordered(builder.Calls, call => call.From, call => (builder.Rules[call.Rule].Begin, call.To));
        _ends = new bool[States];
        foreach (var rule in builder.Rules) _ends[rule.End] = true;
        _last = new bool[States];
        for (var state = 0; state < States; state++) _last[state] = LeadsOnlyToTheEnd(state);
        _depths = Depths();
    }

    public int States { get; }

    public int Classes { get; }

    public int BeginOf(int rule) => _builder.Rules[rule].Begin;

    /// <summary>Whether the rule of a state is a JSON object or list.</summary>
    public bool Nests(int state) => _builder.Rules[_builder.RuleOfState[state]].Nests;

    /// <summary>Whether the rule ends at a state.</summary>
    public bool IsEnd(int state) => _ends[state];

    /// <summary>Whether nothing but the end of the rule can follow a state.</summary>
    public bool IsLast(int state) => _last[state];

    /// <summary>Whether the rule of a state can be completed, within so many JSON objects and lists.</summary>
    public bool IsPossible(int state, int depth) => _depths[state] + depth <= GrammarLimits.AnswerDepth;

    public bool HasSteps(int state) => _steps[state].Length > 0;

    public int[] Jumps(int state) => _jumps[state];

    public (int Begin, int To)[] Calls(int state) => _calls[state];

    /// <summary>The states that a byte of a class leads to.</summary>
    public IEnumerable<int> Steps(int state, int kind)
    {
        foreach (var (low, high, to) in _steps[state])
            if (low <= kind && kind <= high) yield return to;
    }

    // Bytes that no range tells apart are a class.
    private static int Classify(GrammarBuilder builder, byte[] classes)
    {
        var begins = new bool[257];
        foreach (var (_, low, high, _) in builder.Ranges) begins[low] = begins[high + 1] = true;
        var kind = 0;
        for (var value = 0; value < 256; value++)
        {
            if (value > 0 && begins[value]) kind++;
            classes[value] = (byte)kind;
        }
        return kind + 1;
    }

    private bool LeadsOnlyToTheEnd(int state)
    {
        // Parts end in chains of jumps, which are about as long as parts are nested.
        for (var steps = 0; steps < 16 * GrammarLimits.SourceDepth; steps++)
        {
            if (_steps[state].Length > 0 || _calls[state].Length > 0) return false;
            if (_jumps[state].Length == 0) return _ends[state];
            if (_jumps[state].Length > 1 || _ends[state]) return false;
            state = _jumps[state][0];
        }
        return false;
    }

    // From the ends of rules backwards, in order of depth.
    private int[] Depths()
    {
        var needed = Enumerable.Repeat(Never, States).ToArray();
        var rules = Enumerable.Repeat(Never, _builder.Rules.Count).ToArray();
        var before = Ordered([.. _builder.Jumps, .. _builder.Ranges.Select(range => (range.From, range.To))],
            jump => jump.To, jump => jump.From);
        var callsBefore = Ordered(_builder.Calls, call => call.To, call => call);
        var callsOf = _builder.Calls.ToLookup(call => call.Rule);
        var ruleAt = _builder.Rules.Index().ToDictionary(rule => rule.Item.Begin, rule => rule.Index);
        var open = new PriorityQueue<int, int>();
        void Reach(int state, int depth)
        {
            if (depth >= needed[state]) return;
            needed[state] = depth;
            open.Enqueue(state, depth);
        }
        foreach (var rule in _builder.Rules) Reach(rule.End, 0);
        while (open.TryDequeue(out var state, out var depth))
        {
            if (depth > needed[state]) continue;
            foreach (var from in before[state]) Reach(from, depth);
            foreach (var call in callsBefore[state])
                if (rules[call.Rule] < Never) Reach(call.From, Math.Max(depth, rules[call.Rule]));
            if (!ruleAt.TryGetValue(state, out var began)) continue;
            rules[began] = depth + (_builder.Rules[began].Nests ? 1 : 0);
            foreach (var call in callsOf[began])
                if (needed[call.To] < Never) Reach(call.From, Math.Max(needed[call.To], rules[began]));
        }
        for (var state = 0; state < States; state++)
            if (needed[state] < Never && Nests(state)) needed[state]++;
        return needed;
    }

    private T[][] Ordered<TStep, T>(IReadOnlyCollection<TStep> steps, Func<TStep, int> from, Func<TStep, T> to)
    {
        var counts = new int[States];
        foreach (var step in steps) counts[from(step)]++;
        var ordered = new T[States][];
        for (var state = 0; state < States; state++) ordered[state] = counts[state] == 0 ? [] : new T[counts[state]];
        foreach (var step in steps) ordered[from(step)][^counts[from(step)]--] = to(step);
        return ordered;
    }
}
