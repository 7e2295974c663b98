using System.Diagnostics;
using System.Text;

namespace Crosshead.Text.Grammars;

/// <summary>
/// Builds an automaton over bytes out of parts. Rules are parts that are called, so that they may contain themselves.
/// </summary>
internal sealed class GrammarBuilder
{
    /// <summary>
    /// A byte that is in no text: it begins a special token, whose id follows in four bytes.
    /// </summary>
    public const byte SpecialMark = 0xFF;

    private const int TimedStates = 4096;

    private readonly long _begin = Stopwatch.GetTimestamp();
    private readonly List<int> _ruleOfState = [];
    private readonly List<(int Begin, int End, bool Nests)> _rules = [];
    private int _rule = -1;

    /// <summary>The steps from state to state over a byte in a range.</summary>
    public List<(int From, byte Low, byte High, int To)> Ranges { get; } = [];

    /// <summary>The steps that need no byte.</summary>
    public List<(int From, int To)> Jumps { get; } = [];

    /// <summary>The steps over a rule.</summary>
    public List<(int From, int Rule, int To)> Calls { get; } = [];

    /// <summary>The rules: first state, last state, and whether the rule is a JSON object or list.</summary>
    public IReadOnlyList<(int Begin, int End, bool Nests)> Rules => _rules;

    /// <summary>The rule of each state.</summary>
    public IReadOnlyList<int> RuleOfState => _ruleOfState;

    /// <summary>Declares a rule, which is defined later.</summary>
    /// <param name="nests">Whether it is a JSON object or list.</param>
    public int DeclareRule(bool nests = false)
    {
        _rules.Add((-1, -1, nests));
        return _rules.Count - 1;
    }

    /// <summary>Defines a rule.</summary>
    public void DefineRule(int rule, GrammarPart part)
    {
        var outer = _rule;
        _rule = rule;
        var begin = NewState();
        // A state of its own: the part may lead from its last state back into itself.
        var (last, end) = (part(begin), NewState());
        Jumps.Add((last, end));
        _rules[rule] = (begin, end, _rules[rule].Nests);
        _rule = outer;
    }

    /// <summary>A part that calls a new rule.</summary>
    public GrammarPart Rule(GrammarPart part, bool nests = false)
    {
        var rule = DeclareRule(nests);
        DefineRule(rule, part);
        return Call(rule);
    }

    /// <summary>A part that is a rule.</summary>
    public GrammarPart Call(int rule) => from =>
    {
        var to = NewState();
        Calls.Add((from, rule, to));
        return to;
    };

    /// <summary>Bytes, one after the other.</summary>
    public GrammarPart Bytes(params byte[] bytes) => from =>
    {
        foreach (var value in bytes) from = Step(from, value, value);
        return from;
    };

    /// <summary>A text.</summary>
    public GrammarPart Text(string text) => Bytes(Encoding.UTF8.GetBytes(text));

    /// <summary>One byte within a range.</summary>
    public GrammarPart Range(int low, int high) => from => Step(from, (byte)low, (byte)high);

    /// <summary>Nothing, in a state of its own.</summary>
    public GrammarPart Nothing => from =>
    {
        var to = NewState();
        Jumps.Add((from, to));
        return to;
    };

    /// <summary>Parts one after the other.</summary>
    public static GrammarPart Sequence(params GrammarPart[] parts) => from =>
    {
        foreach (var part in parts) from = part(from);
        return from;
    };

    /// <summary>One of some parts.</summary>
    public GrammarPart Any(params IReadOnlyList<GrammarPart> parts) => from =>
    {
        var end = NewState();
        foreach (var part in parts) Jumps.Add((part(from), end));
        return end;
    };

    /// <summary>A state to which some states lead.</summary>
    public int Join(IEnumerable<int> states)
    {
        var to = NewState();
        foreach (var state in states) Jumps.Add((state, to));
        return to;
    }

    /// <summary>A part, or nothing.</summary>
    public GrammarPart Optional(GrammarPart part) => Any(part, from => from);

    /// <summary>A part as often as one likes.</summary>
    public GrammarPart Star(GrammarPart part) => from =>
    {
        var loop = NewState();
        Jumps.Add((from, loop));
        Jumps.Add((part(loop), loop));
        return loop;
    };

    /// <summary>A part several times.</summary>
    /// <param name="part">The part.</param>
    /// <param name="min">Smallest number.</param>
    /// <param name="max">Largest number; null for any.</param>
    public GrammarPart Repeat(GrammarPart part, long min, long? max) => from =>
    {
        for (var i = 0L; i < min; i++) from = part(from);
        if (max is null) return Star(part)(from);
        var end = NewState();
        for (var i = min; i < max; i++)
        {
            Jumps.Add((from, end));
            from = part(from);
        }
        Jumps.Add((from, end));
        return end;
    };

    /// <summary>One of many texts, of which common beginnings are shared.</summary>
    public GrammarPart OneOf(IEnumerable<string> texts) => from =>
    {
        var (end, begin) = (NewState(), NewState());
        Jumps.Add((from, begin));
        var steps = new Dictionary<(int State, byte Value), int>();
        foreach (var text in texts.Distinct())
        {
            var state = begin;
            foreach (var value in Encoding.UTF8.GetBytes(text))
            {
                if (!steps.TryGetValue((state, value), out var next))
                    steps.Add((state, value), next = Step(state, value, value));
                state = next;
            }
            Jumps.Add((state, end));
        }
        return end;
    };

    /// <summary>A special token.</summary>
    public GrammarPart Special(int id) =>
        Bytes(SpecialMark, (byte)(id >> 24), (byte)(id >> 16), (byte)(id >> 8), (byte)id);

    private int Step(int from, byte low, byte high)
    {
        var to = NewState();
        Ranges.Add((from, low, high, to));
        return to;
    }

    /// <summary>A new state, to which no step leads yet.</summary>
    public int NewState()
    {
        if (_ruleOfState.Count == GrammarLimits.States)
            throw new CrossheadException($"the grammar needs more than {GrammarLimits.States:N0} states; use smaller "
                + "numbers of repetitions, fewer choices or a smaller schema.");
        // Small grammars are quick, except on a machine with too much to do.
        if (_ruleOfState.Count % TimedStates == TimedStates - 1
            && Stopwatch.GetElapsedTime(_begin).TotalSeconds > GrammarLimits.Seconds)
            throw new CrossheadException($"the grammar takes longer than {GrammarLimits.Seconds} s to compile; use a "
                + "simpler one.");
        _ruleOfState.Add(_rule);
        return _ruleOfState.Count - 1;
    }
}
