namespace Crosshead.Text.Grammars;

/// <summary>What a text has led to in a grammar: all ways to read it that can still be completed.</summary>
internal sealed class GrammarState
{
    private readonly Grammar _grammar;
    private GrammarState?[]? _next; // by class of bytes, filled as needed

    internal GrammarState(Grammar grammar, GrammarFrame[] readings, bool mayEnd)
    {
        (_grammar, Readings, MayEnd) = (grammar, readings, mayEnd);
    }

    /// <summary>Whether the text is complete.</summary>
    public bool MayEnd { get; }

    /// <summary>Whether the text can continue.</summary>
    public bool MayContinue => Readings.Length > 0;

    /// <summary>Number of states of the grammar that were found so far; only grows.</summary>
    public long Found => _grammar.Found;

    internal GrammarFrame[] Readings { get; }

    /// <summary>What the text with one more byte leads to; null if no text that fits begins so.</summary>
    public GrammarState? Next(byte value)
    {
        var kind = _grammar.ClassOf(value);
        var next = _next ??= new GrammarState?[_grammar.Classes];
        var found = next[kind] ??= _grammar.Step(this, kind);
        return found == _grammar.Dead ? null : found;
    }

    /// <summary>What the text with more bytes leads to; null if no text that fits begins so.</summary>
    public GrammarState? Next(ReadOnlySpan<byte> bytes)
    {
        GrammarState? state = this;
        for (var i = 0; i < bytes.Length && state is not null; i++) state = state.Next(bytes[i]);
        return state;
    }

    /// <summary>Forgets what was computed, so that states that nobody uses are freed.</summary>
    internal void Forget() => _next = null;
}
