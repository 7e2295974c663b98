namespace Crosshead.Text.Grammars;

/// <summary>
/// A part of a grammar: adds it to a builder after the state <paramref name="from"/>, and returns its last state. A
/// part may be added several times.
/// </summary>
internal delegate int GrammarPart(int from);
